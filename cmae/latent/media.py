"""Recordings as files and pictures: a cine as GIF, a median beat as CSV, both as a thumbnail."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cmae.data.modality import ECG, ECG_RATE_HZ, LEADS, R_PEAK_SAMPLE

PERCENTILES = (0.5, 99.5)
"""Intensities that become black and white in a picture of a cine."""

THUMBNAIL_LEADS = ("II", "V1")
"""The leads of a thumbnail: rhythm, and what separates the bundle branches."""

THUMBNAIL_STEP = 2
"""Every so many samples of a beat stand in a thumbnail."""


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """A heart at a glance.

    Attributes:
        frame: (96, 96) uint8, the end-diastolic frame, 0 black to 255 white; None without a cine.
        beat: (300, 2) float32 in mV, THUMBNAIL_LEADS at 250 Hz; None without an ECG.
    """

    frame: NDArray[np.uint8] | None
    beat: NDArray[np.float32] | None


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


def thumbnail(ecg: NDArray[np.generic] | None, cine: NDArray[np.generic] | None) -> Thumbnail:
    """Take what shows a heart at a glance: one frame and two leads.

    Args:
        ecg: Median beat, (600, 12) in mV, or None.
        cine: (rows, columns, frames) in scanner intensity, frame 0 end-diastolic, or None.

    Returns:
        The thumbnail, black and white at the whole cine's ``window``.
    """
    leads = [LEADS.index(name) for name in THUMBNAIL_LEADS]
    return Thumbnail(
        frame=None if cine is None else np.ascontiguousarray(grey_levels(cine)[:, :, 0]),
        beat=None if ecg is None else np.asarray(ecg[::THUMBNAIL_STEP, leads], np.float32),
    )


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
