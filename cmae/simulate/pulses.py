"""Sums of Gaussian pulses in time: what loops of a dipole and the leads are made of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pulses:
    """A sum of Gaussian pulses, each with its own rise and fall.

    Attributes:
        center: Peaks in ms, (pulses,).
        rise: SD before the peak in ms, (pulses,).
        fall: SD after the peak in ms, (pulses,).
        moment: Height in mV: of a dipole (pulses, 3), of leads (pulses, 8).
    """

    center: Floats
    rise: Floats
    fall: Floats
    moment: Floats

    @classmethod
    def of(cls, rows: list[tuple[float, float, float, Floats]]) -> "Pulses":
        """Make pulses of (center, rise, fall, moment); at least one."""
        center, rise, fall = np.array([row[:3] for row in rows], np.float64).T
        return cls(center, rise, fall, np.array([row[3] for row in rows], np.float64))

    def __add__(self, other: "Pulses") -> "Pulses":
        """Both sums together."""
        return Pulses(
            np.concatenate([self.center, other.center]),
            np.concatenate([self.rise, other.rise]),
            np.concatenate([self.fall, other.fall]),
            np.concatenate([self.moment, other.moment]),
        )

    @property
    def area(self) -> Floats:
        """Integral over time, in mV·ms but for the factor √(π / 2) of every Gaussian."""
        result: Floats = (self.rise + self.fall) @ self.moment
        return result

    def seen_by(self, matrix: Floats) -> "Pulses":
        """Project every moment: ``matrix`` (8, 3) gives leads of a dipole."""
        return Pulses(self.center, self.rise, self.fall, self.moment @ matrix.T)

    def in_time(self, scale: float, shift: float) -> "Pulses":
        """Stretch time about 0 by a scale, then move by a shift in ms."""
        center = self.center * scale + shift
        return Pulses(center, self.rise * scale, self.fall * scale, self.moment)

    def at(self, times: Floats) -> Floats:
        """Values at ``times`` (n,) in ms: (n, components) in mV."""
        away = times[:, None] - self.center
        away /= np.where(away < 0, self.rise, self.fall)
        result: Floats = np.exp(-0.5 * away * away) @ self.moment
        return result
