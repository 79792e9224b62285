"""One look for all figures: colors that everyone can tell apart, sizes in mm, files that repeat."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

from cmae.data.files import replacing
from cmae.errors import InputError

BLACK, ORANGE, BLUE, GREEN, PURPLE, SKY = (
    "#000000",
    "#d55e00",
    "#0072b2",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
)
"""Colors of Okabe and Ito (2008), told apart in every common form of color blindness."""

GRAY = "#6b7280"
"""Text and lines that stand back."""

FORMATS = (".svg", ".png", ".pdf")
"""Suffixes that a figure can be written as."""

MM = 1 / 25.4
"""Inches in a millimeter."""

_SETTINGS = {
    "font.family": "sans-serif",
    "font.size": 7.0,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7.0,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "lines.linewidth": 1.0,
    "lines.solid_capstyle": "round",
    "svg.hashsalt": "cmae",
}


@contextmanager
def figure_file(
    path: Path, *, width_mm: float, height_mm: float, dpi: float = 300, is_gray: bool = False
) -> Iterator[Figure]:
    """Give an empty figure to draw on, and write it when the block ends well.

    Args:
        path: File to write; its folder is made where it is missing.
        width_mm: Width of the page in mm.
        height_mm: Height of the page in mm.
        dpi: Pixels an inch of a PNG.
        is_gray: Whether a PNG is reduced to gray, which makes photographs a third as large.

    Yields:
        The figure, in the common style.

    Raises:
        InputError: The suffix is none of ``FORMATS``.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise InputError(
            f"A figure cannot be written as {suffix or 'a file without a suffix'}: "
            f"end the file name in one of {', '.join(FORMATS)}."
        )
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(width_mm * MM, height_mm * MM), facecolor="white")
        yield figure
        # No date: the same arrays give the same file.
        dates = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {}}[suffix]
        with replacing(path) as temporary:
            figure.savefig(temporary, format=suffix[1:], metadata=dates, dpi=dpi)
            if is_gray and suffix == ".png":
                with Image.open(temporary) as image:
                    resolution, gray = image.info["dpi"], image.convert("L")
                gray.save(temporary, format="PNG", dpi=resolution)


def legend_columns(labels: Sequence[str], width_mm: float) -> int:
    """Columns of a legend above a figure so that its lines stay on the page.

    Args:
        labels: The entries.
        width_mm: Width of the page in mm.

    Returns:
        The number of columns, at least 1.
    """
    longest_mm = 9 + 1.3 * max(map(len, labels))
    if sum(9 + 1.3 * len(label) for label in labels) <= width_mm - 8:
        return len(labels)
    return max(1, int((width_mm - 8) // longest_mm))


def add_heading(figure: Figure, title: str, *, is_simulated: bool, top_mm: float = 4.0) -> None:
    """Write the title at the top left and, for simulated recordings, say so at the top right.

    Args:
        figure: The figure to write on.
        title: Heading; may be empty.
        is_simulated: Whether the recordings are simulated.
        top_mm: Distance of the line's top from the top of the page in mm.
    """
    width_mm, height_mm = (side / MM for side in figure.get_size_inches())
    y = 1 - top_mm / height_mm
    if title:
        figure.text(5 / width_mm, y, title, ha="left", va="top", fontsize=9, fontweight="bold")
    if is_simulated:
        figure.text(
            1 - 5 / width_mm, y, "SIMULATED", ha="right", va="top", fontsize=7, color=ORANGE
        )
