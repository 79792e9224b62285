"""Decoded recordings as files that other programs open: a cine as GIF, a median beat as CSV."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cmae.data.modality import ECG, ECG_RATE_HZ, LEADS, R_PEAK_SAMPLE

PERCENTILES = (0.5, 99.5)
"""Intensities that become black and white in a picture of a cine."""


def window(cine: NDArray[np.generic]) -> tuple[float, float]:
    """Find the intensities to show as black and as white.

    Args:
        cine: (rows, columns, frames) in scanner intensity.

    Returns:
        The PERCENTILES of the cine.
    """
    low, high = np.percentile(np.asarray(cine, np.float32), PERCENTILES)
    return float(low), float(high)


def grey_levels(cine: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Map intensities to 256 grey levels, black and white at the cine's own ``window``.

    Args:
        cine: (rows, columns, frames) in scanner intensity.

    Returns:
        The same shape, 0 black to 255 white.
    """
    values = np.asarray(cine, np.float32)
    low, high = window(values)
    scaled = (values - low) * (255.0 / max(high - low, 1e-6))
    grey: NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return grey


def cine_gif(cine: NDArray[np.generic], rr_ms: float, *, side: int = 384) -> bytes:
    """Write a cine as an endlessly looping grey GIF that lasts one heartbeat.

    A GIF counts time in 10 ms: the frames' delays are rounded so that their sum is right.

    Args:
        cine: (rows, columns, frames) in scanner intensity.
        rr_ms: Duration of the cycle, in ms.
        side: Width of the picture, in pixels.

    Returns:
        The file's bytes.
    """
    grey = grey_levels(cine)
    rows, columns, frames = grey.shape
    # Browsers slow down delays under 20 ms: drop frames rather than show the beat slower.
    step = max(1, int(np.ceil(20.0 / (rr_ms / frames))))
    shown = range(0, frames, step)
    edges = np.rint(np.linspace(0, rr_ms / 10.0, len(shown) + 1)).astype(int) * 10
    size = (side, round(side * rows / columns))
    pictures = [
        Image.fromarray(grey[:, :, k]).resize(size, Image.Resampling.BICUBIC) for k in shown
    ]
    file = io.BytesIO()
    pictures[0].save(
        file,
        format="GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=np.diff(edges).tolist(),
        loop=0,
    )
    return file.getvalue()


def ecg_csv(beat: NDArray[np.generic]) -> bytes:
    """Write a median beat as CSV: a time column in ms, zero at the R peak, and a column a lead.

    Args:
        beat: (600, 12) in mV.

    Returns:
        The file's bytes, in UTF-8.

    Raises:
        InputError: The shape is another, or a value is not finite.
    """
    ECG.check(beat, what="The median beat")
    file = io.StringIO()
    file.write("time_ms," + ",".join(f"{lead}_mv" for lead in LEADS) + "\n")
    times = (np.arange(len(beat)) - R_PEAK_SAMPLE) * (1000.0 / ECG_RATE_HZ)
    np.savetxt(file, np.column_stack([times, beat]), delimiter=",", fmt=["%g"] + ["%.4f"] * 12)
    return file.getvalue().encode()
