"""Outer folds by participant, hashed from the identifier, and the check that they hold."""

import numpy as np
from numpy.typing import NDArray

from cmae.data.split import hashed_places
from cmae.errors import InputError

FOLDS = 5


def outer_folds(
    participants: NDArray[np.generic], *, folds: int = FOLDS, seed: int = 0
) -> NDArray[np.int64]:
    """Put each participant into a fold that the identifier alone decides.

    The hash is salted apart from that of a run's split: its held-out participants fill all folds.

    Args:
        participants: (rows,): who each row is of.
        folds: Number of folds, 2 or more.
        seed: Another seed gives other folds.

    Returns:
        (rows,) from 0 to ``folds`` − 1; sizes are equal on average.

    Raises:
        InputError: There are fewer than two folds.
    """
    if folds < 2:
        raise InputError(f"{folds} folds leave nothing to train or to test on: take 2 or more.")
    return (hashed_places(participants, f"folds-{seed}") * folds).astype(np.int64)


def held_out(
    participants: NDArray[np.generic], *, share: float = 1 / 3, seed: int = 0
) -> NDArray[np.bool_]:
    """Hold out a share of the participants, decided by the identifier alone.

    Args:
        participants: (rows,): who each row is of.
        share: Share that is held out, on average.
        seed: Another seed holds out others.

    Returns:
        (rows,): whether a row is held out.
    """
    return hashed_places(participants, f"held-out-{seed}") < share


def check_folds(participants: NDArray[np.generic], folds: NDArray[np.generic]) -> None:
    """Raise InputError where the rows of a participant stand in two folds.

    Args:
        participants: (rows,): who each row is of.
        folds: (rows,): the fold of each row.

    Raises:
        InputError: Some participant stands in two folds, or the lengths differ.
    """
    if np.shape(participants) != np.shape(folds):
        raise InputError(
            f"{len(participants)} participants and {len(folds)} folds do not fit: give each row "
            "one of both."
        )
    _, place = np.unique(np.asarray(participants, dtype=str), return_inverse=True)
    pairs = np.unique(np.stack([place, np.unique(folds, return_inverse=True)[1]]), axis=1)
    num_split = int((np.bincount(pairs[0]) > 1).sum()) if pairs.size else 0
    if num_split:
        raise InputError(
            f"{num_split} participants stand in more than one fold, so a probe would be tested on "
            "people that it was trained on: make folds by participant, not by row."
        )
