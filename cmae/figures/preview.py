"""A page to look through before training: median beats, frames, motion and quality, worst first."""

import html
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from cmae.data import quality
from cmae.data.cohort import Cohort
from cmae.data.files import replacing
from cmae.data.modality import MODALITIES
from cmae.errors import InputError
from cmae.figures.pictures import beat_picture, image, png
from cmae.progress import Progress

ROWS = 60
"""Most rows that are drawn."""

_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1100px;padding:0 1rem}
h1{font-size:1.4rem}p{max-width:46rem;color:#444}
article{display:flex;gap:1rem;border-top:1px solid #ddd;padding:1rem 0;flex-wrap:wrap}
article>div{min-width:14rem;flex:1}h2{font-size:1rem;margin:0 0 .4rem}img{display:block}
table{border-collapse:collapse;font-size:12px}td{padding:0 .6rem 0 0}
td+td{text-align:right;white-space:nowrap}
.flag{color:#b3261e;font-weight:600}.pair{display:flex;gap:4px}figcaption{font-size:11px;color:#666}
figure{margin:0}.absent{color:#888;font-size:12px}
"""


def write_preview(
    cohort: Cohort,
    path: Path,
    *,
    most: int = ROWS,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> int:
    """Write one HTML page with pictures of some rows of a cohort, the worst first.

    The page needs no network and holds no identifier: rows go by their number in the cohort. Where
    the cohort has more rows, a random sample is drawn, a third of it from the flagged ones.

    Args:
        cohort: The cohort.
        path: The page to write.
        most: Most rows that are drawn.
        seed: Of the sample.
        on_progress: Called with (rows done, rows).

    Returns:
        How many rows were drawn.

    Raises:
        InputError: The cohort has no recording, or the page cannot be written.
    """
    recorded = np.flatnonzero(np.any([cohort.has(name) for name in MODALITIES], axis=0))
    if not len(recorded):
        raise InputError("The cohort has no recording to preview: import some first.")
    badness = _badness(cohort)
    chosen = _sample(recorded, badness, most, np.random.default_rng(seed))
    articles = []
    for number, row in enumerate(chosen, 1):
        articles.append(_article(cohort, int(row)))
        if on_progress is not None:
            on_progress(number, len(chosen))
    flagged = int((badness[recorded] >= 1).sum())
    page = _page(articles, rows=len(recorded), flagged=flagged, is_simulated=cohort.is_simulated)
    with replacing(Path(path)) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return len(chosen)


def _badness(cohort: Cohort) -> NDArray[np.float64]:
    """Return how bad each row is, (rows,): flags, and below 1 how near it is to the next."""
    table = cohort.table
    flags = np.zeros(len(table))
    near = np.zeros(len(table))
    for name, limits in quality.LIMITS.items():
        if name not in table:
            continue
        flags += quality.flagged(table, name)
        worse = table[name] if np.isfinite(limits.high) else -table[name]
        near = np.fmax(near, worse.rank(pct=True).fillna(0).to_numpy(np.float64))
    return np.asarray(flags + 0.999 * near)


def _sample(
    rows: NDArray[np.intp], badness: NDArray[np.float64], most: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Choose rows, worst first; where there are too many, a third of flagged ones, if so many."""
    if len(rows) > most:
        flagged = rows[badness[rows] >= 1]
        first = rng.permutation(flagged)[: most // 3]
        rest = rng.permutation(np.setdiff1d(rows, first))[: most - len(first)]
        rows = np.concatenate([first, rest])
    return np.asarray(rows[np.argsort(-badness[rows], kind="stable")])


def _article(cohort: Cohort, row: int) -> str:
    """Return one row's pictures and numbers."""
    parts = []
    if cohort.has("ecg")[row]:
        picture = beat_picture(cohort.read("ecg", row))
        parts.append(image(picture, f"Median beat of row {row}, 12 leads", 491))
    else:
        parts.append('<div class="absent">no ECG</div>')
    if cohort.has("mri")[row]:
        still, motion = _cine_pictures(cohort.read("mri", row))
        parts.append(
            '<div class="pair">'
            + image(still, f"Cine of row {row}, first frame", 192, "first frame")
            + image(motion, f"Cine of row {row}, motion", 192, "motion (SD over the cycle)")
            + "</div>"
        )
    else:
        parts.append('<div class="absent">no cine</div>')
    visit = int(cohort.table["visit"].iloc[row])
    numbers = f"<div><h2>Row {row}, visit {visit}</h2>{_numbers(cohort, row)}</div>"
    return f"<article>{numbers}{''.join(parts)}</article>"


def _numbers(cohort: Cohort, row: int) -> str:
    """Return the quality of one row as a table."""
    lines = []
    for name, column in cohort.columns.items():
        value = cohort.table[name].iloc[row]
        if column.role != "quality" or column.kind == "categorical" or pd.isna(value):
            continue
        is_flagged = bool(quality.flagged(cohort.table.iloc[[row]], name)[0])
        mark = ' class="flag"' if is_flagged else ""
        label = f'<span title="{html.escape(name)}">{html.escape(column.description)}</span>'
        text = html.escape(f"{float(value):.4g} {column.unit}".strip())
        lines.append(f"<tr{mark}><td>{label}</td><td>{text}</td></tr>")
        if is_flagged:
            flag = html.escape(quality.LIMITS[name].flag)
            lines.append(f'<tr class="flag"><td colspan="2">{flag}</td></tr>')
    return f"<table>{''.join(lines)}</table>"


def _cine_pictures(cine: NDArray[np.number]) -> tuple[bytes, bytes]:
    """Return the first frame of a cine (96, 96, 50) and the SD of its pixels over time as PNGs."""
    frames = np.asarray(cine, np.float32)
    motion = frames.std(axis=-1)
    return _gray(frames[:, :, 0], scale=frames), _gray(motion, scale=motion)


def _gray(picture: NDArray[np.float32], *, scale: NDArray[np.float32]) -> bytes:
    """Return a picture whose gray goes from the 1st to the 99th percentile of an array."""
    low, high = (float(limit) for limit in np.percentile(scale, (1, 99)))
    scaled = np.clip((picture - low) / max(high - low, 1e-12), 0, 1) * 255
    return png(Image.fromarray(scaled.astype(np.uint8)))


def _page(articles: Sequence[str], *, rows: int, flagged: int, is_simulated: bool) -> str:
    """Put the page together; its policy forbids it to load anything."""
    what = " Simulated recordings are among them." if is_simulated else ""
    which = "all of them" if len(articles) == rows else f"{len(articles)} of them"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">"
        f"<title>Recordings of a cohort</title><style>{_STYLE}</style></head><body>"
        "<h1>Recordings of a cohort, the worst first</h1>"
        f"<p>{rows:,} rows have a recording, {flagged:,} of them with something odd; here are "
        f"{which}.{what} Beats are drawn at 25 mm/s and 10 mm/mV (small square 0.04 s × 0.1 mV), "
        "R at 0.4 s. What is red lies outside the usual limits, which does not say that it is "
        "wrong: look at it. Research use only, not for diagnosis.</p>"
        f"{''.join(articles)}</body></html>\n"
    )
