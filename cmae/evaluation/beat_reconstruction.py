"""How well beats of one origin are rebuilt by what was learned from beats of another."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmae.errors import InputError
from cmae.evaluation.measures import errors
from cmae.latent.bootstrap import Estimate, estimate

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class BeatReconstruction:
    """How near rebuilt beats are to the recorded ones.

    Attributes:
        error_uv: Mean absolute error over samples and leads in µV, (beats,).
        correlation: Pearson's r over all samples and leads, (beats,).
    """

    error_uv: NDArray[np.float64]
    correlation: NDArray[np.float64]

    @property
    def estimates(self) -> tuple[Estimate, Estimate]:
        """Means of error and correlation with intervals over beats."""
        return estimate(self.error_uv), estimate(self.correlation)

    def less_than(self, other: "BeatReconstruction") -> Estimate:
        """Mean error less that of another way on the same beats in µV; below 0 is better."""
        return estimate(self.error_uv - other.error_uv)


def compared(recorded: NDArray[Any], rebuilt: NDArray[Any]) -> BeatReconstruction:
    """Compare rebuilt beats with the recorded ones.

    Args:
        recorded: (beats, 600, 12) in mV.
        rebuilt: The same beats, (beats, 600, 12) in mV.

    Returns:
        Error and correlation of each beat.

    Raises:
        InputError: There is no beat, or the shapes differ.
    """
    if not len(recorded) or recorded.shape != rebuilt.shape:
        raise InputError(
            f"Beats of shapes {recorded.shape} and {rebuilt.shape} cannot be compared: give the "
            "same beats, recorded and rebuilt, at least one."
        )
    pairs = zip(np.asarray(recorded, np.float32), np.asarray(rebuilt, np.float32), strict=True)
    found = [errors("ecg", beat, decoded) for beat, decoded in pairs]
    return BeatReconstruction(
        np.array([values["mae_uv"] for values in found]),
        np.array([values["correlation"] for values in found]),
    )


def by_principal_components(
    fitted_to: NDArray[Any], beats: NDArray[Any], *, components: int = 256
) -> Floats:
    """Rebuild beats from the principal components of others.

    Args:
        fitted_to: Beats that the components are of, (n, 600, 12) in mV; n > components.
        beats: (m, 600, 12) in mV.
        components: How many numbers a beat is reduced to.

    Returns:
        (m, 600, 12) in mV.

    Raises:
        InputError: There are no more beats than components.
    """
    from sklearn.decomposition import PCA  # noqa: PLC0415 - takes a second

    if len(fitted_to) <= components:
        raise InputError(
            f"{len(fitted_to)} beats have no {components} principal components: give more beats."
        )
    pca = PCA(components, svd_solver="randomized", random_state=0)
    pca.fit(np.asarray(fitted_to, np.float32).reshape(len(fitted_to), -1))
    flat = np.asarray(beats, np.float32).reshape(len(beats), -1)
    rebuilt: Floats = pca.inverse_transform(pca.transform(flat)).astype(np.float32)
    return rebuilt.reshape(beats.shape)
