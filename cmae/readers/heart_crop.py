"""Frames of any size become 96 × 96 pixels × 50 frames around the heart, found by its motion."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, map_coordinates

from cmae.data.modality import MRI, MRI_FRAMES, MRI_PIXEL_MM
from cmae.errors import ReadError
from cmae.readers.cine_series import CineSeries
from cmae.readers.cine_view import FOUR_CHAMBER, UNKNOWN, angles_to_views, margin_deg, nearest_view
from cmae.readers.heart_motion import display_axes, find_heart


@dataclass(frozen=True)
class HeartCine:
    """A four-chamber cine as the model takes it, and how it came about.

    Attributes:
        recording: ``(96, 96, 50)`` in scanner intensity; the patient's left is on the right, the
            front of the chest at the top; one cardiac cycle from the first recorded frame on.
        pixel_mm: Side of a pixel.
        rr_ms: Duration of the cycle, or None where the file does not say.
        frames_recorded: Frames that the file held.
        heart_row: Row of the heart's centre in the file's frames, as they are stored.
        heart_column: Its column.
        motion_energy: Share of the temporal variance around the heart that lies in the first
            three harmonics of the heart rate: near 1 for a cine, near 0 for noise.
        plane_tilt_deg: Angle between the slice and the patient's left-right axis, or None where the
            file does not say: small for a four-chamber view, about 50 for two and three chambers.
        view_margin_deg: By how many degrees the slice is nearer to the four-chamber plane than to
            any other view's, or None where the file does not say: about 55 at best.
        clipped_share: Share of the crop that lies outside the recorded field and was filled with
            the nearest recorded pixel.
        reason: Which cine was taken among those found and why, for people; empty where nothing was
            chosen.
    """

    recording: NDArray[np.float32] = field(repr=False)
    pixel_mm: float
    rr_ms: float | None
    frames_recorded: int
    heart_row: float
    heart_column: float
    motion_energy: float
    plane_tilt_deg: float | None
    clipped_share: float
    view_margin_deg: float | None = None
    reason: str = ""


def heart_crop(series: CineSeries) -> HeartCine:
    """Cut the heart out of a cine, in one orientation, pixel size and number of frames.

    Args:
        series: The frames of one slice over one cardiac cycle.

    Returns:
        The crop, centred on what moves with the heart rate.

    Raises:
        ReadError: Nothing in the frames moves with the heart rate, or it is another view.
    """
    margin = _view_margin_deg(series)
    row, column, energy = find_heart(series)
    across, along = display_axes(series)
    pixel = np.array(series.pixel_mm)
    centre = np.array([row, column])
    # The display's axes are the file's, perhaps turned by 90°: rows and columns are cut one by one.
    is_turned = bool(across[0] != 0)
    steps = np.array([across[0], along[1]] if is_turned else [along[0], across[1]])
    offset = (np.arange(MRI.shape[0]) - (MRI.shape[0] - 1) / 2) * MRI_PIXEL_MM
    places = centre[:, None] + (steps / pixel)[:, None] * offset
    limits = np.array(series.frames.shape[:2])[:, None] - 0.5
    inside = ((places >= -0.5) & (places <= limits)).mean(axis=1)
    frames = series.frames
    rows, columns = (
        _interpolation(size, place, float(side))
        for size, place, side in zip(frames.shape[:2], places, pixel, strict=True)
    )
    crop = np.einsum("cj,rjk->rck", columns, np.tensordot(rows, frames, 1), optimize=True)
    if is_turned:
        crop = crop.transpose(1, 0, 2)
    recording = np.clip(resample_cycle(crop, MRI_FRAMES), frames.min(), frames.max())
    return HeartCine(
        recording=recording.astype(np.float32),
        pixel_mm=MRI_PIXEL_MM,
        rr_ms=series.rr_ms,
        frames_recorded=series.frames.shape[2],
        heart_row=row,
        heart_column=column,
        motion_energy=energy,
        plane_tilt_deg=plane_tilt_deg(series),
        clipped_share=float(1 - inside.prod()),
        view_margin_deg=margin,
        reason=series.choice.reason if series.choice else "",
    )


def _interpolation(size: int, places: NDArray[np.float64], side_mm: float) -> NDArray[np.float32]:
    """Return the matrix of cubic spline interpolation along one axis.

    Args:
        size: Pixels along the axis.
        places: (n,) positions wanted, in pixels; beyond the border the nearest pixel counts.
        side_mm: Side of a pixel; one smaller than the crop's is blurred first.

    Returns:
        (n, size) weights.
    """
    blur = float(np.sqrt(max((MRI_PIXEL_MM / side_mm) ** 2 - 1, 0))) / 2
    pixels = np.eye(size)
    if blur > 0.2:
        pixels = gaussian_filter1d(pixels, blur, axis=0)
    position = np.meshgrid(places, np.arange(size), indexing="ij")
    weights = map_coordinates(pixels, position, order=3, mode="nearest")
    return np.asarray(weights, np.float32)


def _view_margin_deg(series: CineSeries) -> float | None:
    """Return the margin of the four-chamber view, or raise ReadError for another view."""
    if not series.is_oriented:
        return None
    if series.choice is not None:  # checked when it was chosen, with other slices as evidence
        return series.choice.margin_deg
    angles = angles_to_views(series.normal)
    if nearest_view(angles) not in {FOUR_CHAMBER, UNKNOWN}:
        raise ReadError(
            f"The slice lies as {nearest_view(angles)} views do, {angles[FOUR_CHAMBER]:.0f}° from "
            "a four-chamber view: expected the four-chamber cine."
        )
    return margin_deg(angles)


def plane_tilt_deg(series: CineSeries) -> float | None:
    """Return the angle between a slice and the patient's left-right axis, None if unknown."""
    if not series.is_oriented:
        return None
    normal = np.cross(series.right, series.down)
    return float(np.degrees(np.arcsin(min(abs(normal[0]) / np.linalg.norm(normal), 1.0))))


def resample_cycle(frames: NDArray[np.floating], count: int) -> NDArray[np.float64]:
    """Resample one cycle in time as the periodic function that it is, by its Fourier series.

    Args:
        frames: ``(..., n)``; frame 0 stays frame 0.
        count: Frames wanted.

    Returns:
        ``(..., count)`` in the same unit.
    """
    recorded = frames.shape[-1]
    spectrum = np.fft.rfft(frames, axis=-1)
    kept = min(recorded, count) // 2 + 1
    if recorded % 2 == 0 and recorded < count:
        spectrum[..., -1] *= 0.5
    resampled = np.fft.irfft(spectrum[..., :kept], n=count, axis=-1) * (count / recorded)
    return np.asarray(resampled, np.float64)
