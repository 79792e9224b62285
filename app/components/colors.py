"""The colors of maps and charts: told apart by color-blind eyes, on light and on dark pages."""

CATEGORICAL = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9",
    "#8c6bb1", "#8a8a00", "#a6611a", "#5e8c61", "#b2182b", "#6c7a89",
)  # fmt: skip
"""Categories in the order of their codes; the first eight lean on Okabe and Ito (2008)."""

SEQUENTIAL = (
    "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#f4e11e",
)  # fmt: skip
"""Low to high, of even steps in lightness (viridis without its darkest and palest ends)."""

DIVERGING = ("#214894", "#67a9cf", "#f7f7f7", "#ef8a62", "#9e1428")
"""Negative, zero, positive."""

DIVERGING_POINTS = ("#1f4e9c", "#5b94cf", "#d3c4a3", "#e08a5b", "#a3162c")
"""The same for points, whose middle must be seen on white, on black and beside grey."""

MISSING = "#9a9a9a"
"""A value that was not measured."""
