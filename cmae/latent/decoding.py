"""Everything that a row's latents decode to: both modalities from each of its latents."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cmae.errors import InputError

SOURCES = ("ecg", "mri", "joint")
"""The latents that a row may have: of its ECG, of its MRI, and merged."""


class Decoder(Protocol):
    """What decoding needs of a run."""

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities that can be decoded."""

    def decode(
        self,
        modality: str,
        latents: NDArray[np.generic],
        *,
        mean: NDArray[np.generic] | None = None,
        std: NDArray[np.generic] | None = None,
    ) -> NDArray[np.float32]:
        """Decode (n, latent_dim) latents into (n, *shape) recordings in physical units."""


@dataclass(frozen=True)
class Decodings:
    """What one row's latents decode to; the arrays are read-only.

    Attributes:
        ecg: From each source that the row has, a median beat (600, 12) in mV.
        mri: From each source that the row has, a cine (96, 96, 50) in scanner intensity.
    """

    ecg: Mapping[str, NDArray[np.float32]]
    mri: Mapping[str, NDArray[np.float32]]


def decode_all(
    run: Decoder,
    latents: Mapping[str, NDArray[np.generic]],
    *,
    cine: NDArray[np.generic] | None = None,
) -> Decodings:
    """Decode each latent of a row into all that the run decodes, one batch a modality.

    The batch always has one place for each of SOURCES, filled where a latent is absent, so that a
    compiled decoder meets a single shape.

    Args:
        run: The run that made the latents.
        latents: By source, (latent_dim,); at least one.
        cine: The recorded cine, (96, 96, 50), whose mean and SD scale the decoded ones; without
            one the run's training medians do.

    Returns:
        The decodings from each source given.

    Raises:
        InputError: No latent was given.
    """
    given = [source for source in SOURCES if source in latents]
    if not given:
        raise InputError("There is no latent to decode: embed the recording first.")
    batch = np.stack([latents[source if source in latents else given[0]] for source in SOURCES])
    decoded = {}
    for name in run.modalities:
        scale = cine_scale(cine, len(SOURCES)) if name == "mri" else {}
        outputs = run.decode(name, batch, **scale)
        outputs.setflags(write=False)
        decoded[name] = {source: outputs[SOURCES.index(source)] for source in given}
    return Decodings(ecg=decoded.get("ecg", {}), mri=decoded.get("mri", {}))


def cine_scale(cine: NDArray[np.generic] | None, count: int) -> dict[str, NDArray[np.float32]]:
    """Give decoded cines the scale of a recorded one.

    Args:
        cine: The recorded cine, (96, 96, 50); None leaves the run's training medians.
        count: How many cines are decoded.

    Returns:
        ``mean`` and ``std``, (count,) each, for ``Decoder.decode``; nothing without a cine.
    """
    if cine is None:
        return {}
    values = np.asarray(cine, np.float32)
    return {
        "mean": np.full(count, values.mean(dtype=np.float64), np.float32),
        "std": np.full(count, values.std(dtype=np.float64), np.float32),
    }
