"""Voltages written as text: numbers in a row, or integers in base64."""

import base64
import binascii
import warnings

import numpy as np
from numpy.typing import NDArray

from cmae.errors import ReadError
from cmae.readers.ecg_record import MAX_CHANNELS, MAX_SAMPLES

_MAX_TEXT = 8 * MAX_SAMPLES


def numbers(text: str | None) -> NDArray[np.float64]:
    """Read numbers that commas or white space part.

    Args:
        text: Decimal numbers.

    Returns:
        ``(samples,)`` in the units of the file.

    Raises:
        ReadError: Something else stands among them, or there are more than a recording has.
    """
    text = text or ""
    if len(text) > _MAX_TEXT:
        raise ReadError(f"The ECG writes a lead in {len(text):,} characters: too many for a lead.")
    if not text.strip(" ,\r\n\t"):
        return np.zeros(0)
    text = text.replace(",", " ")
    try:
        return _parsed(text, np.int64)
    except (ValueError, DeprecationWarning):
        pass  # Whole numbers are the rule and read several times faster; others are no fault.
    try:
        return _parsed(text, np.float64)
    except (ValueError, DeprecationWarning) as error:
        raise ReadError("The ECG has something among its samples that is no number.") from error


def _parsed(text: str, kind: type[np.int64] | type[np.float64]) -> NDArray[np.float64]:
    """Parse numbers of one kind; raise where something else stands among them."""
    with warnings.catch_warnings():
        # NumPy only warns where it meets something that is no number, and stops there.
        warnings.simplefilter("error", DeprecationWarning)
        return np.fromstring(text, kind, sep=" ").astype(np.float64)


def integers(text: str | None) -> NDArray[np.int16]:
    """Read little-endian 16-bit integers in base64.

    Args:
        text: The encoded text; white space in it is passed over.

    Returns:
        ``(samples,)`` in steps of the file.

    Raises:
        ReadError: It is no base64, has an odd number of bytes or more than a recording has.
    """
    data = base64_bytes(text)
    if len(data) % 2:
        raise ReadError("The ECG's samples end within a sample: the file is truncated.")
    return np.frombuffer(data, "<i2")


def base64_bytes(text: str | None) -> bytes:
    """Decode base64 of believable length.

    Raises:
        ReadError: It is no base64, or longer than a recording can be.
    """
    text = text or ""
    if len(text) > _MAX_TEXT:
        raise ReadError(f"The ECG has {len(text):,} characters of samples: too many for a lead.")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ReadError("The ECG's samples are no base64: the file is damaged.") from error


def side_by_side(leads: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Put leads of one length beside each other, ``(samples, leads)``.

    Raises:
        ReadError: There is none, there are too many, or their lengths differ.
    """
    lengths = sorted({len(lead) for lead in leads})
    if not 1 <= len(leads) <= MAX_CHANNELS:
        raise ReadError(f"The ECG holds {len(leads)} leads: expected 8 to {MAX_CHANNELS}.")
    if len(lengths) != 1 or lengths[0] == 0:
        raise ReadError(
            f"The ECG's leads have {lengths[0]:,} to {lengths[-1]:,} samples: expected one "
            "length, all leads recorded at once; the file is truncated or has segments."
        )
    return np.stack(leads, axis=1)
