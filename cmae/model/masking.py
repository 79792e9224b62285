"""Patches that an encoder does not see in training, so that it cannot know a recording by heart."""

from typing import Any

import keras
from keras import ops

Tensor = Any

PATCHES = {"ecg": (50, 1), "mri": (8, 8, 50)}
"""Samples × leads, and rows × columns × frames, that are hidden at once: 0.1 s of a lead, 14 mm."""


def hide_patches(
    modality: str, recordings: Tensor, highest_share: float, seed: keras.random.SeedGenerator
) -> Tensor:
    """Set random patches of recordings to 0 in model units: 0 mV, or the cine's mean.

    Each participant's share is drawn evenly from 0 to the highest, so that whole recordings are
    met as well; the idea is that of He et al., CVPR 2022 (masked autoencoders).

    Args:
        modality: ``ecg`` or ``mri``.
        recordings: (n, *shape) in model units.
        highest_share: Largest share of patches that is hidden, 0 to 1.
        seed: Of the draws.

    Returns:
        The same shape.
    """
    count, *size = ops.shape(recordings)
    patch = PATCHES[modality]
    grid = [side // step for side, step in zip(size, patch, strict=True)]
    share = keras.random.uniform((count, *[1] * len(grid)), maxval=highest_share, seed=seed)
    kept = ops.cast(keras.random.uniform((count, *grid), seed=seed) >= share, recordings.dtype)
    for axis, step in enumerate(patch, start=1):
        kept = ops.repeat(kept, step, axis=axis) if grid[axis - 1] > 1 else kept
    return recordings * kept
