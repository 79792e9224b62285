"""What a device measured on an ECG, under canonical names and only where it can be true."""

from collections.abc import Mapping

from cmae.readers.xml_tree import number_in

_RANGES = {
    "heart_rate_bpm": (10.0, 400.0),
    "pr_ms": (30.0, 1000.0),
    "qrs_ms": (20.0, 400.0),
    "qt_ms": (100.0, 1200.0),
    "qtc_ms": (100.0, 1200.0),
    "p_axis_deg": (-180.0, 360.0),
    "qrs_axis_deg": (-180.0, 360.0),
    "t_axis_deg": (-180.0, 360.0),
}
"""Each measurement's column name with the range beyond which devices write codes for 'none'."""


def measured(values: Mapping[str, str | float | None]) -> dict[str, float]:
    """Keep the measurements that are numbers and can be true.

    Devices write 0, -1, 999 or a word where they measured nothing: a PR interval of 0 ms means
    that there is no P wave. Such a value is left out, never stored. Axes come out in (-180, 180].

    Args:
        values: Text or number by column name, in that column's unit.

    Returns:
        The numbers by column name.
    """
    kept = {}
    for name, value in values.items():
        number = number_in(str(value)) if value is not None else None
        low, high = _RANGES[name]
        if number is not None and low <= number <= high:
            is_axis = name.endswith("_deg")
            kept[name] = 180.0 - (180.0 - number) % 360.0 if is_axis else number
    return kept


def rate_from_rr(rr_ms: float | None) -> float | None:
    """Return the heart rate in 1/min that an RR interval in ms means."""
    return 60_000.0 / rr_ms if rr_ms is not None and rr_ms > 0 else None
