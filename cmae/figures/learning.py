"""Learning curves: how the parts of the loss fell, in training and validation."""

from pathlib import Path

import pandas as pd


def learning_curves(
    history: pd.DataFrame,
    path: Path,
    *,
    title: str = "",
    units: str = "",
    is_simulated: bool = False,
) -> None:
    """Draw each part of the loss against the epoch, on a logarithmic axis.

    Args:
        history: One row an epoch. A column ``x`` (or ``train_x``, ``training_x``) and its partner
            ``validation_x`` (or ``val_x``) make one panel; ``epoch`` is the horizontal axis (else
            rows are counted from 1); ``stage``, where it exists, names the stage of each row and
            stages are drawn one after the other; ``learning_rate`` gets a panel of its own; other
            columns without a partner, such as times, are not drawn.
        path: File to write; the suffix (``.svg``, ``.png`` or ``.pdf``) is the format.
        title: Heading of the figure.
        units: Unit of the loss, for the axis.
        is_simulated: Whether to mark the figure as made from simulated recordings.

    Raises:
        InputError: There is nothing to draw, or the suffix is another.
    """
    raise NotImplementedError
