"""What a median over some ten beats leaves of muscle noise, drift and hum."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import ECG_RATE_HZ

Floats = NDArray[np.float64]

SAMPLES, LONG = 600, 1024
FREQUENCIES = np.fft.rfftfreq(LONG, 1 / ECG_RATE_HZ)


def residual(heart: Mapping[str, Any], rng: np.random.Generator) -> Floats:
    """Draw the noise of nine electrodes and take the leads' differences of it.

    Muscle is broad about 45 Hz, what the baseline correction leaves falls with frequency, and
    devices cut at 40 to 150 Hz; electrodes differ.

    Args:
        heart: Factors; ecg_noise_mv is the root mean square over the leads.
        rng: Of this recording.

    Returns:
        I, II, V1–V6, (600, 8) in mV.
    """
    cut, drift_share = rng.choice((40.0, 100.0, 150.0)), rng.beta(5.0, 2.5)
    safe = np.maximum(FREQUENCIES, 0.4)
    muscle = FREQUENCIES / 45 / (1 + (FREQUENCIES / 45) ** 2)
    drift = safe**-1.8 * (FREQUENCIES > 0)
    passed = 1 / np.sqrt(1 + (FREQUENCIES / cut) ** 6)
    power = passed**2 * (
        (1 - drift_share) * muscle / (muscle * passed**2).sum()
        + drift_share * drift / (drift * passed**2).sum()
    )
    sizes = np.exp(0.35 * rng.standard_normal(9))
    sizes /= np.sqrt(np.mean(sizes**2))
    numbers = rng.standard_normal((2, 9, len(FREQUENCIES)))
    spectrum = (numbers[0] + 1j * numbers[1]) * np.sqrt(power) * (LONG / 2)
    electrodes = np.fft.irfft(spectrum, LONG, axis=1)[:, :SAMPLES].T * sizes
    hum = rng.choice((50.0, 60.0)) * 2 * np.pi * np.arange(SAMPLES)[:, None] / ECG_RATE_HZ
    strength = 0.08 * np.exp(0.7 * rng.standard_normal(9))
    electrodes += strength * np.sin(hum + rng.uniform(0, 6.28, 9))
    right, left, foot = electrodes[:, 0], electrodes[:, 1], electrodes[:, 2]
    central = (right + left + foot) / 3
    limbs = np.stack([left - right, foot - right], axis=1)
    leads = np.concatenate([limbs, electrodes[:, 3:] - central[:, None]], axis=1)
    # Differences of two limb electrodes have variance 2, of a chest electrode 4/3 (mean 1.5).
    result: Floats = heart["ecg_noise_mv"] * leads / np.sqrt(1.5)
    return result
