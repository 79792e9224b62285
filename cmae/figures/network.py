"""The networks as a picture: encoders and decoders as blocks with shapes and parameter counts."""

from collections.abc import Mapping, Sequence
from pathlib import Path


def draw(
    description: Mapping[str, Sequence[Mapping[str, object]]],
    path: Path,
    *,
    title: str = "",
) -> None:
    """Draw the parts of a network side by side, data flowing from the left to the right.

    Args:
        description: Part (``ecg_encoder``, ``ecg_decoder``, ``mri_encoder``, ``mri_decoder``) to
            its layers in order; of each layer ``name``, ``kind`` (``Conv1D`` …), ``shape`` (of the
            output, without the batch), ``parameters`` (count) and ``operations`` (multiplications
            with addition, a recording; may be absent).
        path: File to write; the suffix (``.svg``, ``.png`` or ``.pdf``) is the format.
        title: Heading of the figure.

    Raises:
        InputError: There is nothing to draw, or the suffix is another.
    """
    raise NotImplementedError
