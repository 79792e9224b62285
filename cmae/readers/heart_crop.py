"""Frames of any size become 96 × 96 pixels × 50 frames around the heart, found by its motion."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import (
    binary_fill_holes,
    distance_transform_edt,
    gaussian_filter,
    label,
    map_coordinates,
)

from cmae.data.modality import MRI, MRI_FRAMES, MRI_PIXEL_MM
from cmae.errors import ReadError
from cmae.readers.cine_series import CineSeries

_HARMONICS = slice(1, 4)
"""Harmonics of the heart rate that hold the heart's motion; noise spreads over all."""

_MAX_TILT_DEG = 40.0
_SMOOTHING_MM = 6.0
_VESSEL_RADIUS_MM = 10.0
_MOVING_AREA_MM2 = 10_000.0
"""Area that moves at least as much as the level at which motion is capped: about a heart's."""


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
        clipped_share: Share of the crop that lies outside the recorded field and was filled with
            the nearest recorded pixel.
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


def heart_crop(series: CineSeries) -> HeartCine:
    """Cut the heart out of a cine, in one orientation, pixel size and number of frames.

    Args:
        series: The frames of one slice over one cardiac cycle.

    Returns:
        The crop, centred on what moves with the heart rate.

    Raises:
        ReadError: Nothing in the frames moves with the heart rate, or it is another view.
    """
    tilt = plane_tilt_deg(series)
    if tilt is not None and tilt > _MAX_TILT_DEG:
        raise ReadError(
            f"The slice stands {tilt:.0f}° to the patient's left-right axis, as two- and "
            "three-chamber views do: expected a four-chamber view, which holds that axis nearly."
        )
    row, column, energy = find_heart(series)
    across, along = _display_axes(series)
    offset = (np.arange(MRI.shape[0]) - (MRI.shape[0] - 1) / 2) * MRI_PIXEL_MM
    pixel = np.array(series.pixel_mm)
    centre = np.array([row, column])
    position = (
        centre[:, None, None]
        + (along / pixel)[:, None, None] * offset[:, None]
        + (across / pixel)[:, None, None] * offset[None, :]
    )
    extent = np.array(series.frames.shape[:2])[:, None, None] - 0.5
    outside = np.any((position < -0.5) | (position > extent), axis=0)
    blur = np.sqrt(np.maximum((MRI_PIXEL_MM / pixel) ** 2 - 1, 0)) / 2
    frames = gaussian_filter(series.frames, (*blur, 0)) if blur.max() > 0.2 else series.frames
    crop = np.stack(
        [
            map_coordinates(frames[:, :, k], position, order=3, mode="nearest")
            for k in range(frames.shape[2])
        ],
        axis=-1,
    )
    recording = np.clip(resample_cycle(crop, MRI_FRAMES), frames.min(), frames.max())
    return HeartCine(
        recording=recording.astype(np.float32),
        pixel_mm=MRI_PIXEL_MM,
        rr_ms=series.rr_ms,
        frames_recorded=series.frames.shape[2],
        heart_row=row,
        heart_column=column,
        motion_energy=energy,
        plane_tilt_deg=tilt,
        clipped_share=float(outside.mean()),
    )


def find_heart(series: CineSeries) -> tuple[float, float, float]:
    """Find the heart's centre from the motion at the first harmonics of the heart rate.

    The amplitude of motion, capped so that flow and bright blood weigh no more than walls, is
    smoothed; of what exceeds half its height the holes are filled, vessels are cut off by opening,
    and the largest region's centroid is the centre.

    Args:
        series: The frames of one slice over one cardiac cycle.

    Returns:
        Row and column of the centre in the series' frames, and the motion energy near it (0 to 1).

    Raises:
        ReadError: Nothing in the frames moves with the heart rate.
    """
    spectrum = np.abs(np.fft.rfft(series.frames, axis=-1)) ** 2
    cardiac = spectrum[:, :, _HARMONICS].sum(axis=-1)
    total = spectrum[:, :, 1:].sum(axis=-1)
    amplitude = np.sqrt(cardiac)
    field_mm2 = amplitude.size * series.pixel_mm[0] * series.pixel_mm[1]
    share = min(_MOVING_AREA_MM2 / field_mm2, 0.25)
    amplitude = np.minimum(amplitude, np.quantile(amplitude, 1 - share))
    smooth = gaussian_filter(amplitude, [_SMOOTHING_MM / side for side in series.pixel_mm])
    smooth = smooth - np.median(smooth)
    if smooth.max() <= 0:
        raise ReadError("Nothing in the cine moves with the heart rate: is it one cardiac cycle?")
    heart = _largest(binary_fill_holes(smooth > 0.5 * smooth.max()))
    core = distance_transform_edt(heart, series.pixel_mm) > _VESSEL_RADIUS_MM
    if core.any():
        heart = distance_transform_edt(~_largest(core), series.pixel_mm) <= _VESSEL_RADIUS_MM
    rows, columns = np.nonzero(heart)
    energy = float(cardiac[heart].sum() / max(total[heart].sum(), 1e-12))
    return float(rows.mean()), float(columns.mean()), energy


def _largest(regions: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest connected region of some."""
    numbers, _ = label(regions)
    return np.asarray(numbers == 1 + int(np.argmax(np.bincount(numbers.ravel())[1:])))


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


def _display_axes(series: CineSeries) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the display's directions to the right and down, as (row, column) steps.

    The viewer's right is the patient's left and the top is the front of the chest, as on the
    four-chamber views of textbooks: apex up, atria below, the left ventricle on the right.
    """
    right, down = np.array(series.right), np.array(series.down)
    across, along = np.array([0.0, 1.0]), np.array([1.0, 0.0])
    if not series.is_oriented:
        return across, along
    if abs(down[0]) > abs(right[0]):
        right, down, across, along = down, right, along, across
    if right[0] < 0:
        across = -across
    if down[1] < 0:
        along = -along
    return across, along
