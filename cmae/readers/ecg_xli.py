"""XLI, the compression of Philips ECGs: LZW over second differences.

Each lead is a chunk: its length in bytes (4), two bytes unused, the first difference (2), then
codes of 10 bits that LZW expands to the high bytes and after them the low bytes of the differences.
Leads III, aVR, aVL and aVF hold only what the limb leads' equations leave over after rounding.
"""

import struct

import numpy as np
from numpy.typing import NDArray

from cmae.errors import ReadError

_CODE_BITS = 10
_LAST_CODE = 2**_CODE_BITS - 2
_DIFFERENCE_OFFSET = 64


def decode_xli(data: bytes, *, leads: int, samples: int) -> list[NDArray[np.int64]]:
    """Decode all leads.

    Args:
        data: The chunks, one a lead.
        leads: How many leads are expected.
        samples: How many samples a lead has: no chunk expands far beyond.

    Returns:
        For each lead ``(samples,)`` in steps.

    Raises:
        ReadError: Chunks are lacking, damaged, or of another length.
    """
    decoded: list[NDArray[np.int64]] = []
    place = 0
    for _ in range(leads):
        if place + 8 > len(data):
            raise ReadError(
                f"The Philips file holds {len(decoded)} of {leads} leads: it is truncated."
            )
        size, _, start = struct.unpack_from("<ihh", data, place)
        place += 8
        # Noise that LZW cannot compress takes 10 bits a byte, and a sample has two bytes.
        if not 0 < size <= min(len(data) - place, 3 * samples + 8):
            raise ReadError("The Philips file's compressed samples are damaged or truncated.")
        expanded = _expand(data[place : place + size], limit=2 * samples + 2)
        place += size
        if len(expanded) // 2 != samples:
            raise ReadError(
                "The Philips file's compressed samples expand to more or end early: expected "
                f"{samples:,} samples a lead as announced; the file is damaged."
            )
        decoded.append(_integrate(expanded, start))
    return decoded


def restore_limb_leads(stored: dict[str, NDArray[np.int64]]) -> list[NDArray[np.float64]]:
    """Turn what is stored of III, aVR, aVL and aVF into voltages.

    Args:
        stored: Decoded leads in steps, by name; changed by none.

    Returns:
        The leads in steps, in the order they came.
    """
    leads = dict(stored)
    if {"I", "II", "III"} <= set(leads):
        one, two = leads["I"], leads["II"]
        leads["III"] = three = two - one - leads["III"]
        expected = {
            "aVR": -((one + two) // 2),
            "aVL": (one - three) // 2,
            "aVF": (two + three) // 2,
        }
        for name, value in expected.items():
            if name in leads:
                leads[name] = value - leads[name]
    return [lead.astype(np.float64) for lead in leads.values()]


def _expand(chunk: bytes, *, limit: int) -> bytes:
    """Expand LZW codes of 10 bits, most significant bit first, to at most ``limit`` bytes."""
    bits = np.unpackbits(np.frombuffer(chunk, np.uint8))
    whole = bits[: len(bits) // _CODE_BITS * _CODE_BITS].reshape(-1, _CODE_BITS)
    codes = whole @ (1 << np.arange(_CODE_BITS - 1, -1, -1))
    table = [bytes([value]) for value in range(256)]
    expanded = bytearray()
    previous = b""
    for code in codes.tolist():
        if code > _LAST_CODE or len(expanded) >= limit:
            break
        if code < len(table):
            current = table[code]
        elif code == len(table) and previous:
            current = previous + previous[:1]
        else:
            raise ReadError("The Philips file's compressed samples are damaged: unknown code.")
        if previous and len(table) <= _LAST_CODE:
            table.append(previous + current[:1])
        expanded += current
        previous = current
    return bytes(expanded[:limit])


def _integrate(expanded: bytes, start: int) -> NDArray[np.int64]:
    """Sum differences twice: x[n] = 2 x[n-1] - x[n-2] - c[n], where c comes one sample late."""
    half = len(expanded) // 2
    high = np.frombuffer(expanded, np.int8, count=half).astype(np.int64)
    low = np.frombuffer(expanded, np.uint8, count=half, offset=half)
    stored = high * 256 + low
    if half < 2:
        return stored
    curvature = np.concatenate([[start], stored[2:-1] - _DIFFERENCE_OFFSET])[: half - 2]
    slope = np.cumsum(np.concatenate([[stored[1] - stored[0]], -curvature]))
    return np.concatenate([stored[:1], stored[0] + np.cumsum(slope)])
