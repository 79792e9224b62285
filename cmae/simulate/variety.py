"""Fine variety: what renderers draw besides the factors, and only one modality shows."""

from typing import Any

import numpy as np

from cmae.errors import SettingsError


class FineVariety(np.random.Generator):
    """The random numbers of a stream, spread less or more about their middles.

    It draws from the same bits as the stream that it is made of, which can go on beside it. Normal
    numbers spread by the square root of the variance; uniform ones too, but never further than
    asked for, as many of them are shares and places.

    Args:
        rng: The stream.
        variance: Variance against that of the stream itself; 0: everything at its middle.
    """

    def __init__(self, rng: np.random.Generator, variance: float) -> None:
        """Take over the stream's bits."""
        super().__init__(rng.bit_generator)
        self._size = float(np.sqrt(variance))

    def standard_normal(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Draw as ``Generator.standard_normal``."""
        drawn = super().standard_normal(*args, **kwargs)
        return drawn * np.asarray(self._size, getattr(drawn, "dtype", np.float64))

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:  # noqa: ANN401
        """Draw as ``Generator.normal``."""
        return super().normal(loc, np.multiply(scale, self._size), size)

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:  # noqa: ANN401
        """Draw as ``Generator.uniform``, nearer to the middle of the range."""
        drawn, middle = super().uniform(low, high, size), np.add(low, high) / 2
        return middle + min(self._size, 1.0) * (drawn - middle)


def fine_variety(rng: np.random.Generator, variance: float) -> np.random.Generator:
    """Return the numbers that fine variety is drawn from.

    Args:
        rng: The participant's stream.
        variance: Variance against a realistic one; 1 gives the stream itself.

    Returns:
        The stream, or one that spreads less or more.

    Raises:
        SettingsError: The variance is negative.
    """
    if not variance >= 0:
        raise SettingsError(f"A variance of {variance:g} is impossible: give 0 or more.")
    return rng if variance == 1 else FineVariety(rng, variance)
