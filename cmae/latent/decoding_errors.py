"""How far what a latent decodes to is from what was recorded, for one participant and for many."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmae.latent.decoding import Decodings
from cmae.measure.similarity import CineError, EcgError, cine_error, ecg_error

Path = tuple[str, str]
"""The latent that was decoded (``ecg``, ``mri``, ``joint``), and what into (``ecg``, ``mri``)."""


@dataclass(frozen=True)
class DecodingErrors:
    """The errors of one participant's decodings, by the latent that was decoded.

    Attributes:
        ecg: Of decoded beats; empty where no ECG was recorded.
        mri: Of decoded cines; empty where no cine was recorded.
    """

    ecg: Mapping[str, EcgError]
    mri: Mapping[str, CineError]

    def sizes(self) -> dict[Path, float]:
        """Return the mean absolute errors: of a beat in µV, of a cine in SD of the recorded one."""
        return {(source, "ecg"): error.mae_uv for source, error in self.ecg.items()} | {
            (source, "mri"): error.mae_z for source, error in self.mri.items()
        }


def decoding_errors(
    decodings: Decodings,
    *,
    ecg: NDArray[np.generic] | None,
    cine: NDArray[np.generic] | None,
) -> DecodingErrors:
    """Compare all decodings of a participant with what was recorded.

    Args:
        decodings: What the latents decode to.
        ecg: Recorded median beat, (600, 12) in mV, or None.
        cine: Recorded cine, (96, 96, 50) in scanner intensity, or None.

    Returns:
        The errors.
    """
    beats, cines = {}, {}
    if ecg is not None:
        beats = {source: ecg_error(ecg, decoded) for source, decoded in decodings.ecg.items()}
    if cine is not None:
        cines = {source: cine_error(cine, decoded) for source, decoded in decodings.mri.items()}
    return DecodingErrors(beats, cines)
