"""A page about one group of a cohort that opens anywhere: numbers, distributions, recordings."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.data.cohort import Cohort
from cmae.errors import InputError
from cmae.figures.pictures import beat_picture, image
from cmae.latent.groups import compare
from cmae.latent.histogram import bins_of
from cmae.latent.media import cine_gif
from cmae.latent.spread import spread_sample

NUM_RECORDINGS = 12
"""Hearts that are shown: a sample spread along a column."""

NUM_DISTRIBUTIONS = 9
NUM_DIFFERENCES = 30
CINE_SIDE = 160
_USUAL_RR_MS = 1000.0

_STYLE = """
:root{color-scheme:light}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1080px;padding:0 1rem;
color:#1f2937}
h1{font-size:1.5rem;margin:0 0 .3rem}h2{font-size:1.1rem;margin:2rem 0 .5rem;border-top:1px solid
#e5e7eb;padding-top:1rem}p,ul{max-width:48rem;margin:.3rem 0}
.badge{padding:.1rem .5rem;border-radius:4px;font-weight:600;font-size:13px;margin-right:.4rem}
.simulated{background:#fff4e5;color:#8a3b00}.research{background:#fdeaea;color:#8f1d1d}
table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
th{text-align:left;border-bottom:1px solid #9ca3af}th,td{padding:.15rem 1rem .15rem 0}
td+td,th+th{text-align:right}.wide{overflow-x:auto}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(220px,1fr));gap:1rem}
.hearts{display:grid;grid-template-columns:repeat(auto-fill,minmax(500px,1fr));gap:1.2rem}
.heart{display:flex;gap:8px;flex-wrap:wrap;align-items:start}figure{margin:0}
h3{font-size:.85rem;margin:0 0 .2rem;flex:1 0 100%}svg{width:100%;height:70px;display:block}
figcaption,.small{font-size:12px;color:#4b5563}img{display:block;border-radius:4px}
@media (max-width:560px){.hearts{grid-template-columns:1fr}.heart img{max-width:100%;height:auto}}
"""


@dataclass(frozen=True)
class ReportWords:
    """What the page says in words.

    Attributes:
        title: Name of the group.
        made: How it was made, a line each.
        stamp: Run, cohort and settings, a line each.
        titles: Of columns, by name; the others by their names.
    """

    title: str
    made: Sequence[str] = ()
    stamp: Sequence[str] = ()
    titles: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str, unit: str = "") -> str:
        """Return a column's title with its unit.

        Args:
            name: Name in the table.
            unit: Its unit, or nothing.
        """
        return self.titles.get(name, name) + (f" ({unit})" if unit else "")


def group_report(
    cohort: Cohort,
    rows: NDArray[np.integer],
    words: ReportWords,
    *,
    columns: Sequence[str],
    seed: int = 0,
) -> str:
    """Write a page about a group: counts, differences, distributions, and some of its recordings.

    It loads nothing from elsewhere and holds no identifier: rows go by their number.

    Args:
        cohort: The cohort.
        rows: (n,) row numbers of the group, each once.
        words: What the page says.
        columns: Columns whose distributions are drawn; along the first the sample is spread.
        seed: Of the sample.

    Returns:
        HTML.

    Raises:
        InputError: The group is empty.
    """
    if not len(rows):
        raise InputError("The group is empty: select some participants first.")
    parts = [
        _head(cohort, rows, words),
        _differences(cohort, rows, words),
        _distributions(cohort, rows, words, columns[:NUM_DISTRIBUTIONS]),
        _recordings(cohort, rows, words, next(iter(columns), None), seed=seed),
    ]
    stamp = "".join(f"<li>{html.escape(line)}</li>" for line in words.stamp)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{html.escape(words.title)}</title><style>{_STYLE}</style></head><body>"
        f"{''.join(parts)}<h2>Where this comes from</h2><ul class='small'>{stamp}</ul>"
        "</body></html>\n"
    )


def _head(cohort: Cohort, rows: NDArray[np.integer], words: ReportWords) -> str:
    badges = '<span class="badge research">Research use only, not for diagnosis</span>'
    if cohort.is_simulated:
        badges = '<span class="badge simulated">Simulated cohort</span>' + badges
    has = {name: int(cohort.has(name)[rows].sum()) for name in ("ecg", "mri")}
    people = cohort.table["participant_id"].iloc[rows].nunique()
    made = "".join(f"<li>{html.escape(line)}</li>" for line in words.made)
    return (
        f"<h1>{html.escape(words.title)}</h1><p>{badges}</p>"
        f"<p><b>{len(rows):,} of {len(cohort):,} rows</b> ({len(rows) / len(cohort):.1%}), "
        f"{people:,} participants; {has['ecg']:,} have an ECG, {has['mri']:,} a cine.</p>"
        f"<h2>How the group was made</h2><ul>{made}</ul>"
    )


def _differences(cohort: Cohort, rows: NDArray[np.integer], words: ReportWords) -> str:
    names = [
        name
        for name, column in cohort.columns.items()
        if column.kind != "categorical" and column.role in ("phenotype", "covariate")
    ]
    selected = np.zeros(len(cohort), bool)
    selected[rows] = True
    lines = []
    for line in compare(cohort.table, names, selected).head(NUM_DIFFERENCES).itertuples():
        column = cohort.columns[str(line.phenotype)]
        if column.kind == "binary":
            cells = (f"{line.mean:.0%}", f"{line.rest_mean:.0%}")
        else:
            cells = (
                f"{line.mean:.4g} ± {line.sd:.3g}",
                f"{line.rest_mean:.4g} ± {line.rest_sd:.3g}",
            )
        texts = (words.of(str(line.phenotype), column.unit), f"{line.rows:,}", *cells)
        row = "".join(f"<td>{html.escape(text.replace('nan', '–'))}</td>" for text in texts)
        effect = "–" if np.isnan(line.difference) else f"{line.difference:+.2f}"
        lines.append(f"<tr>{row}<td>{effect.replace('-', '−')}</td></tr>")
    return (
        "<h2>Against the rest of the cohort</h2><p class='small'>Mean ± SD, or the share of yes; "
        "the difference in pooled standard deviations (Cohen's d), the largest first. Not adjusted "
        "for anything.</p><div class='wide'><table><thead><tr><th>Phenotype</th><th>known</th>"
        f"<th>group</th><th>the rest</th><th>d</th></tr></thead><tbody>{''.join(lines)}"
        "</tbody></table></div>"
    )


def _distributions(
    cohort: Cohort, rows: NDArray[np.integer], words: ReportWords, columns: Sequence[str]
) -> str:
    drawn = []
    for name in columns:
        column = cohort.columns[name]
        if column.kind == "continuous":
            values = pd.to_numeric(cohort.table[name], errors="coerce")
            bins = bins_of(values.to_numpy(np.float64, na_value=np.nan))
            ends = f"{bins.edges[0]:g} to {bins.edges[-1]:g} {column.unit}"
            everyone, mine = bins.counts(), bins.counts(rows)
        else:
            factor = pd.Categorical(cohort.table[name])
            names = [str(category) for category in factor.categories]
            ends = ", ".join(names[:8])
            codes = factor.codes
            everyone = np.bincount(codes[codes >= 0], minlength=len(names))
            chosen = codes[rows]
            mine = np.bincount(chosen[chosen >= 0], minlength=len(names))
        drawn.append(
            f"<figure><h3>{html.escape(words.of(name, column.unit))}</h3>{_bars(everyone, mine)}"
            f"<figcaption>{html.escape(ends)}</figcaption></figure>"
        )
    return (
        "<h2>Distributions</h2><p class='small'>Share of the whole cohort in grey, of the group in "
        f"green.</p><div class='grid'>{''.join(drawn)}</div>"
    )


def _bars(everyone: NDArray[np.integer], mine: NDArray[np.integer]) -> str:
    """Draw two distributions over each other, each as shares of its own total."""
    shares = [counts / max(counts.sum(), 1) for counts in (everyone, mine)]
    most = max(float(np.max(share, initial=0.0)) for share in shares) or 1.0
    paths = []
    for share, color in zip(shares, ("#c9ced6", "#0f6e72"), strict=True):
        steps = "".join(
            f"M{k + 0.06:.2f} 100V{100 - 97 * value / most:.1f}H{k + 0.94:.2f}V100Z"
            for k, value in enumerate(share.tolist())
            if value > 0
        )
        opacity = "" if color == "#c9ced6" else ' fill-opacity="0.7"'
        paths.append(f'<path d="{steps}" fill="{color}"{opacity}/>')
    return (
        f'<svg viewBox="0 0 {len(everyone)} 100" preserveAspectRatio="none">{"".join(paths)}</svg>'
    )


def _recordings(
    cohort: Cohort,
    rows: NDArray[np.integer],
    words: ReportWords,
    column: str | None,
    *,
    seed: int,
) -> str:
    """Show recordings of a sample that is spread along a column."""
    recorded = rows[(cohort.has("ecg") | cohort.has("mri"))[rows]]
    values = np.zeros(len(recorded))
    along = "drawn at random"
    if column is not None:
        known = pd.Series(cohort.table[column].iloc[recorded])
        is_text = cohort.columns[column].kind == "categorical"
        codes = pd.Series(pd.Categorical(known).codes) if is_text else pd.to_numeric(known)
        values = codes.to_numpy(np.float64, na_value=np.nan)
        along = f"spread evenly along {words.of(column)}, the lowest first"
    sample = spread_sample(recorded, values, NUM_RECORDINGS, seed=seed)
    hearts = "".join(_heart(cohort, int(row), words, column) for row in sample)
    return (
        f"<h2>Recordings</h2><p class='small'>{len(sample)} of {len(recorded):,} with a recording, "
        f"{along}. Beats at 25 mm/s and 10 mm/mV; cines play one heartbeat from end diastole, in "
        f"their own time.</p><div class='hearts'>{hearts}</div>"
    )


def _heart(cohort: Cohort, row: int, words: ReportWords, column: str | None) -> str:
    title = f"Row {row:,}"
    if column is not None and cohort.columns[column].kind == "continuous":
        value = pd.to_numeric(cohort.table[column].iloc[row], errors="coerce")
        known = "–" if pd.isna(value) else f"{float(value):.3g} {cohort.columns[column].unit}"
        title += f" · {words.of(column)} {known}"
    parts = [f"<h3>{html.escape(title)}</h3>"]
    if cohort.has("mri")[row]:
        rr_ms = pd.to_numeric(cohort.table.iloc[row].get("mri_rr_ms"), errors="coerce")
        is_known = pd.notna(rr_ms) and 200 < float(rr_ms) < 4_000
        gif = cine_gif(
            cohort.read("mri", row), float(rr_ms) if is_known else _USUAL_RR_MS, side=CINE_SIDE
        )
        parts.append(image(gif, f"Cine of row {row}", CINE_SIDE, kind="gif"))
    if cohort.has("ecg")[row]:
        beat = beat_picture(cohort.read("ecg", row))
        parts.append(image(beat, f"Median beat of row {row}, 12 leads", 315))
    return f'<div class="heart">{"".join(parts)}</div>'
