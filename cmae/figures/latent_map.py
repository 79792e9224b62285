"""Two-dimensional maps of latents, colored by modality or by a phenotype."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def latent_map(
    positions: Mapping[str, NDArray[np.floating]],
    path: Path,
    *,
    values: Mapping[str, NDArray[np.floating]] | None = None,
    values_label: str = "",
    title: str = "",
    is_simulated: bool = False,
) -> None:
    """Draw positions on the map, one color a set, or one panel a set colored by a phenotype.

    Args:
        positions: Name of a set (``ECG latents``) to ``(n, 2)`` positions, no unit; rows that are
            not finite are left out.
        path: File to write; the suffix (``.svg``, ``.png`` or ``.pdf``) is the format.
        values: Per set ``(n,)`` values of a phenotype; missing ones (NaN) are drawn gray.
        values_label: Name of the phenotype with its unit, for the color bar.
        title: Heading of the figure.
        is_simulated: Whether to mark the figure as made from simulated recordings.

    Raises:
        InputError: Shapes do not fit, there is nothing to draw, or the suffix is another.
    """
    raise NotImplementedError
