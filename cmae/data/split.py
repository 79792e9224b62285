"""Where a participant stands in a split: a hash of the identifier, so it never changes."""

import hashlib

import numpy as np
from numpy.typing import NDArray


def hashed_places(participants: NDArray[np.generic], salt: str) -> NDArray[np.float64]:
    """Give each row the place of its participant, a number that the identifier alone decides.

    Args:
        participants: (rows,): who each row is of.
        salt: Another one is another, independent order.

    Returns:
        (rows,) uniform in [0, 1): the first 8 bytes of SHA-256 of ``salt:identifier`` over 2⁶⁴.
    """
    names, inverse = np.unique(np.asarray(participants, dtype=str), return_inverse=True)
    places = [
        int.from_bytes(hashlib.sha256(f"{salt}:{who}".encode()).digest()[:8]) / 2**64
        for who in names
    ]
    return np.array(places)[inverse]
