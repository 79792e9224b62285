"""Small pictures of recordings for pages that open without a network."""

import base64
import html
import io

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from cmae.data.modality import ECG_RATE_HZ, LEADS
from cmae.figures.style import MM

_LEAD_ROWS = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
_WIDTH_MM, _HEIGHT_MM, _DPI = 130.0, 66.0, 96.0
_MM_PER_SECOND, _MM_PER_MV = 25.0, 10.0
_LINE, _BOLD = "#f7dcd9", "#eeb4ae"


def image(data: bytes, text: str, width: int, caption: str = "", *, kind: str = "png") -> str:
    """Return a picture as HTML that holds it.

    Args:
        data: The picture's file.
        text: What it shows, for those who do not see it.
        width: In CSS pixels.
        caption: A line below it, or nothing.
        kind: ``png`` or ``gif``.
    """
    source = base64.b64encode(data).decode()
    below = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return (
        f'<figure><img width="{width}" alt="{html.escape(text)}" '
        f'src="data:image/{kind};base64,{source}">{below}</figure>'
    )


def beat_picture(beat: NDArray[np.floating]) -> bytes:
    """Draw a beat on ECG paper, 3 rows of 4 leads, as a PNG of few colors.

    Args:
        beat: (600, 12) in mV.
    """
    with mpl.rc_context({"font.size": 6.5, "lines.linewidth": 0.9, "path.simplify": True}):
        figure = Figure(figsize=(_WIDTH_MM * MM, _HEIGHT_MM * MM), facecolor="white")
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, _WIDTH_MM), ylim=(0, _HEIGHT_MM))
        axes.axis("off")
        for step, color, width in ((1, _LINE, 0.3), (5, _BOLD, 0.5)):
            axes.vlines(np.arange(0, _WIDTH_MM, step), 0, _HEIGHT_MM, color=color, lw=width)
            axes.hlines(np.arange(0, _HEIGHT_MM, step), 0, _WIDTH_MM, color=color, lw=width)
        time = np.arange(len(beat)) / ECG_RATE_HZ * _MM_PER_SECOND
        for line, leads in enumerate(_LEAD_ROWS):
            middle = _HEIGHT_MM - 13 - 20 * line
            for column, lead in enumerate(leads):
                left = 2 + 32 * column
                height = np.clip(beat[:, LEADS.index(lead)] * _MM_PER_MV, -18, 18)
                axes.plot(left + time, middle + height, color="black")
                axes.text(left, middle + 7, lead, fontweight="bold")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=_DPI)
    buffer.seek(0)
    with Image.open(buffer) as drawn:
        return png(drawn.convert("RGB").quantize(24))


def png(picture: Image.Image) -> bytes:
    """Return a picture as a small PNG.

    Args:
        picture: The picture.
    """
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
