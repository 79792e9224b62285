"""How far a decoded recording is from the recorded one, as numbers to stand beside a picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmae.errors import InputError

ROUNDING = 1e-6
"""Share of a sum of squares that is rounding noise of float32."""


@dataclass(frozen=True)
class EcgError:
    """The distance between two median beats.

    Attributes:
        mae_uv: Mean absolute difference over samples and leads, in µV.
        correlation: Pearson's r over all samples and leads; NaN where a beat is flat.
    """

    mae_uv: float
    correlation: float


@dataclass(frozen=True)
class CineError:
    """The distance between two cines, after the z-score of each recording.

    Attributes:
        mae_z: Mean absolute difference over pixels and frames, in SD of the recorded cine.
        correlation: Pearson's r over all pixels and frames; NaN where a cine is flat.
        motion_correlation: Pearson's r of what moves: both cines less their mean frame.
    """

    mae_z: float
    correlation: float
    motion_correlation: float


def ecg_error(recorded: NDArray[np.generic], decoded: NDArray[np.generic]) -> EcgError:
    """Compare a decoded median beat with the recorded one.

    Args:
        recorded: (600, 12) in mV.
        decoded: The same shape, in mV.

    Returns:
        The mean absolute error and the correlation.

    Raises:
        InputError: The shapes differ.
    """
    first, second = _pair(recorded, decoded)
    return EcgError(
        mae_uv=float(np.abs(first - second).mean() * 1000.0),
        correlation=correlation(first, second),
    )


def cine_error(recorded: NDArray[np.generic], decoded: NDArray[np.generic]) -> CineError:
    """Compare a decoded cine with the recorded one.

    Both are brought to the recorded cine's z-score, ``(x - mean) / SD``, so that the error has the
    unit in which the network is trained.

    Args:
        recorded: (rows, columns, frames) in scanner intensity.
        decoded: The same shape, in the same intensity.

    Returns:
        The mean absolute error in SD and two correlations.

    Raises:
        InputError: The shapes differ.
    """
    _check(recorded, decoded)
    # Few passes in float32: a page shows three of these at each click.
    error = np.subtract(recorded, decoded, dtype=np.float32)
    mae = float(np.abs(error, out=error).mean(dtype=np.float64))
    first, second = _centered(recorded), _centered(decoded)
    pairs = ((first, first), (second, second), (first, second))
    total = [_dot(left, right) for left, right in pairs]
    # What moves: Σ (x − x̄)(y − ȳ) = Σ x y − frames · Σ x̄ ȳ, with means over the frames.
    frames = first.shape[-1]
    still = [
        frames * float(np.vdot(left.mean(-1, np.float64), right.mean(-1, np.float64)))
        for left, right in pairs
    ]
    moving = [
        whole - share if abs(whole - share) > ROUNDING * abs(whole) else 0.0
        for whole, share in zip(total, still, strict=True)
    ]
    std = float(np.sqrt(total[0] / first.size))
    return CineError(
        mae_z=mae / std if std > 0 else float("nan"),
        correlation=_normalized(*total),
        motion_correlation=_normalized(*moving),
    )


def difference(decoded: NDArray[np.generic], recorded: NDArray[np.generic]) -> NDArray[np.float32]:
    """Give decoded less recorded, signed.

    Args:
        decoded: A recording in its physical unit.
        recorded: The same shape and unit.

    Returns:
        The same shape and unit.

    Raises:
        InputError: The shapes differ.
    """
    first, second = _pair(decoded, recorded)
    return (first - second).astype(np.float32)


def difference_in_sd(
    decoded: NDArray[np.generic], recorded: NDArray[np.generic]
) -> NDArray[np.float32]:
    """Give decoded less recorded in SD of the recorded, so that recordings can be compared.

    Args:
        decoded: A recording in its physical unit.
        recorded: The same shape and unit.

    Returns:
        The same shape, in SD over all elements of the recorded one; zeros where that is flat.

    Raises:
        InputError: The shapes differ.
    """
    _check(decoded, recorded)
    result: NDArray[np.float32] = np.subtract(decoded, recorded, dtype=np.float32)
    std = float(np.asarray(recorded, np.float32).std(dtype=np.float64))
    return result / np.float32(std) if std > 0 else np.zeros_like(result)


def correlation(first: NDArray[np.generic], second: NDArray[np.generic]) -> float:
    """Give Pearson's r over all elements of two arrays of one shape.

    Args:
        first: Any shape, any unit.
        second: The same shape.

    Returns:
        r from -1 to 1, or NaN where either array does not vary.

    Raises:
        InputError: The shapes differ.
    """
    left, right = _pair(first, second)
    left, right = left - left.mean(), right - right.mean()
    # An array of equal numbers keeps rounding noise after its mean is taken off.
    return _normalized(
        float(np.vdot(left, left)),
        float(np.vdot(right, right)),
        float(np.vdot(left, right)),
        tiny=1e-12 * left.size,
    )


def _normalized(first: float, second: float, both: float, *, tiny: float = 0.0) -> float:
    """Return ``both / √(first · second)``, or NaN where there is no variation to speak of."""
    scale = float(np.sqrt(max(first, 0.0) * max(second, 0.0)))
    return both / scale if scale > tiny else float("nan")


def _dot(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return the sum of products, in float32 along the last axis and in float64 over the rest."""
    return float(np.einsum("...t,...t->...", first, second).sum(dtype=np.float64))


def _centered(array: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return the array less its mean, as float32."""
    result: NDArray[np.float32] = np.subtract(
        array,
        np.asarray(array, np.float32).mean(dtype=np.float64).astype(np.float32),
        dtype=np.float32,
    )
    return result


def _pair(
    first: NDArray[np.generic], second: NDArray[np.generic]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both as float64, or raise InputError where the shapes differ."""
    _check(first, second)
    return np.asarray(first, np.float64), np.asarray(second, np.float64)


def _check(first: NDArray[np.generic], second: NDArray[np.generic]) -> None:
    """Raise InputError where the shapes differ."""
    if first.shape != second.shape:
        raise InputError(
            f"Two recordings of shapes {first.shape} and {second.shape} cannot be compared: "
            "give two of one modality."
        )
