"""Recordings as files and pictures: a cine as GIF, a median beat as CSV, both as a thumbnail."""

import gzip
import io
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cmae.data.modality import ECG, ECG_RATE_HZ, LEADS, MRI_PIXEL_MM, R_PEAK_SAMPLE

PERCENTILES = (0.5, 99.5)
"""Intensities that become black and white in a picture of a cine."""

DIVERGING = np.array(
    [(33, 72, 148), (103, 169, 207), (247, 247, 247), (239, 138, 98), (158, 20, 40)], float
)
"""Red, green and blue of the most negative difference, …, zero, …, the most positive."""

_TITLE_PX = 26

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


_FRAME_MS = 50
_FRAMES_A_POINT = 6
"""Frames of 50 ms that a walk stays at each of its points."""


def window(cine: NDArray[np.generic]) -> tuple[float, float]:
    """Find the intensities to show as black and as white.

    Args:
        cine: (rows, columns, frames) in scanner intensity.

    Returns:
        The PERCENTILES of the cine.
    """
    low, high = np.percentile(np.asarray(cine, np.float32), PERCENTILES)
    return float(low), float(high)


def common_window(*cines: NDArray[np.generic]) -> tuple[float, float]:
    """Find the intensities to show as black and as white in several cines of one unit.

    Args:
        cines: Each (rows, columns, frames).

    Returns:
        The PERCENTILES of all of them together.
    """
    return window(np.stack([np.asarray(cine, np.float32) for cine in cines]))


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
    size = (side, round(side * rows / columns))
    shown = _shown(frames, rr_ms)
    pictures = [
        Image.fromarray(grey[:, :, k]).resize(size, Image.Resampling.BICUBIC) for k in shown
    ]
    return _gif(pictures, rr_ms)


def comparison_gif(
    cines: Sequence[NDArray[np.generic]],
    difference: NDArray[np.generic],
    titles: Sequence[str],
    rr_ms: float,
    *,
    scale: float,
    side: int = 288,
) -> bytes:
    """Write cines side by side, in step, with their signed difference, as a looping GIF.

    Args:
        cines: Each (rows, columns, frames), all in one unit: black and white are those of all.
        difference: The same shape, in the same unit.
        titles: Over each cine, then over the difference.
        rr_ms: Duration of the cycle, in ms.
        scale: Difference at which the colors end: blue below, red above zero.
        side: Width of each picture, in pixels.

    Returns:
        The file's bytes.
    """
    low, high = common_window(*cines)
    span = max(high - low, 1e-6)
    grey = [
        np.clip(np.rint((np.asarray(cine, np.float32) - low) * (255.0 / span)), 0, 255)
        for cine in cines
    ]
    share = np.clip(np.asarray(difference, np.float32) / scale, -1, 1)
    ends = np.linspace(-1, 1, len(DIVERGING))
    colored = [np.interp(share, ends, DIVERGING[:, channel]) for channel in range(3)]
    rows, columns, frames = share.shape
    size = (side, round(side * rows / columns))
    pictures = []
    for k in _shown(frames, rr_ms):
        whole = Image.new("RGB", (side * (len(cines) + 1), size[1] + _TITLE_PX))
        parts = [np.stack([part[:, :, k]] * 3, axis=-1) for part in grey]
        parts.append(np.stack([channel[:, :, k] for channel in colored], axis=-1))
        for place, (part, title) in enumerate(zip(parts, titles, strict=True)):
            picture = Image.fromarray(np.rint(part).astype(np.uint8))
            picture = picture.resize(size, Image.Resampling.BICUBIC)
            whole.paste(picture, (side * place, _TITLE_PX))
            ImageDraw.Draw(whole).text((side * place + 6, 5), title, fill="white", font=_font())
        pictures.append(whole)
    return _gif(pictures, rr_ms)


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=14)


def _shown(frames: int, rr_ms: float) -> range:
    """Return the frames of a GIF: browsers slow down delays under 20 ms, so some are dropped."""
    return range(0, frames, max(1, int(np.ceil(20.0 / (rr_ms / frames)))))


def _gif(pictures: Sequence[Image.Image], rr_ms: float) -> bytes:
    edges = np.rint(np.linspace(0, rr_ms / 10.0, len(pictures) + 1)).astype(int) * 10
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


def walk_gif(
    grey: NDArray[np.uint8], labels: Sequence[str], *, rr_ms: float, side: int = 240
) -> bytes:
    """Write a walk as a looping grey GIF: from point to point, while the heart goes on beating.

    Args:
        grey: (points, frames, rows, columns), 0 black to 255 white.
        labels: What each point is, written into the picture.
        rr_ms: Duration of the cycle, in ms.
        side: Width of the picture, in pixels.

    Returns:
        The file's bytes.
    """
    points, frames, rows, columns = grey.shape
    size = (side, round(side * rows / columns))
    font = ImageFont.load_default(size=side / 18)
    there = np.repeat(np.arange(points), _FRAMES_A_POINT)
    places = np.concatenate([there, there[::-1]])
    pictures = []
    for k, place in enumerate(places.tolist()):
        frame = int(k * _FRAME_MS / rr_ms * frames) % frames
        # 64 of the 256 levels: half the bytes, and no difference to the eye.
        coarse = grey[place, frame] & 0xFC
        picture = Image.fromarray(coarse).resize(size, Image.Resampling.BILINEAR)
        picture = picture.point([level & 0xFC for level in range(256)])
        draw = ImageDraw.Draw(picture)
        draw.text((6, 4), labels[place], fill=255, font=font, stroke_width=2, stroke_fill=0)
        below = (6, size[1] - side / 14)
        draw.text(below, "generated, research use only", fill=255, font=font, stroke_width=2,
                  stroke_fill=0)  # fmt: skip
        pictures.append(picture)
    file = io.BytesIO()
    pictures[0].save(
        file, format="GIF", save_all=True, append_images=pictures[1:], duration=_FRAME_MS, loop=0
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


def ecg_wfdb(beat: NDArray[np.generic], *, comments: Sequence[str] = ()) -> bytes:
    """Write a median beat as a WFDB record, header and signals in a ZIP.

    Args:
        beat: (600, 12) in mV.
        comments: Lines for the header; never an identifier.

    Returns:
        The ZIP's bytes: ``beat.hea`` and ``beat.dat``, 16 bits, 0.5 µV a step at most.

    Raises:
        InputError: The shape is another, or a value is not finite.
    """
    import wfdb  # noqa: PLC0415 - takes a while, and only this needs it

    ECG.check(beat, what="The median beat")
    file = io.BytesIO()
    with tempfile.TemporaryDirectory(prefix="cmae-wfdb-") as folder:
        wfdb.wrsamp(
            "beat",
            fs=ECG_RATE_HZ,
            units=["mV"] * len(LEADS),
            sig_name=list(LEADS),
            p_signal=np.asarray(beat, np.float64),
            fmt=["16"] * len(LEADS),
            comments=list(comments),
            write_dir=folder,
        )
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("beat.hea", "beat.dat"):
                archive.writestr(zipfile.ZipInfo(name), (Path(folder) / name).read_bytes())
    return file.getvalue()


def cine_nifti(cine: NDArray[np.generic], rr_ms: float, *, is_zipped: bool = True) -> bytes:
    """Write a cine as NIfTI: x, y, one slice, time; spacing in mm and seconds, no orientation.

    Args:
        cine: (rows, columns, frames) in scanner intensity, pixels of MRI_PIXEL_MM.
        rr_ms: Duration of the cycle, in ms.
        is_zipped: Whether it is compressed, as ``.nii.gz``.

    Returns:
        The file's bytes.
    """
    import nibabel  # noqa: PLC0415 - takes a while, and only this needs it

    values = np.asarray(cine, np.float32).transpose(1, 0, 2)[:, :, None, :]
    image = nibabel.Nifti1Image(values, np.eye(4))
    image.header.set_zooms((MRI_PIXEL_MM, MRI_PIXEL_MM, 8.0, rr_ms / 1000 / values.shape[3]))
    image.header.set_xyzt_units("mm", "sec")
    data: bytes = image.to_bytes()
    return gzip.compress(data, mtime=0) if is_zipped else data
