"""The report of an evaluation: one page that opens anywhere, with tables and figures."""

import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cmae.data.files import replacing
from cmae.figures import evaluation as figures
from cmae.figures.feature_sets import spoken

METRICS, REPORT = "metrics.json", "report.html"
TABLES, FIGURES = "tables", "figures"

_STYLE = """
:root{color-scheme:light}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:980px;padding:0 1rem;
color:#1f2937}
h1{font-size:1.6rem;margin:0 0 .2rem}h2{font-size:1.2rem;margin:2.2rem 0 .4rem;border-top:1px solid
#e5e7eb;padding-top:1.2rem}h3{font-size:1rem;margin:1.2rem 0 .3rem}p{max-width:46rem}
.simulated{background:#fff4e5;color:#8a3b00;padding:.1rem .5rem;border-radius:4px;font-weight:600}
table{border-collapse:collapse;font-size:13px;margin:.5rem 0;font-variant-numeric:tabular-nums}
th{text-align:left;border-bottom:1px solid #9ca3af}th,td{padding:.15rem .8rem .15rem 0;
vertical-align:top}td.n,th.n{text-align:right}tr:hover td{background:#f9fafb}
.wide{overflow-x:auto}figure{margin:.6rem 0;overflow-x:auto}figure svg{max-width:100%;height:auto}
figcaption{font-size:13px;color:#4b5563;max-width:46rem}summary{cursor:pointer;color:#1d4ed8}
.small{font-size:13px;color:#4b5563}
"""


@dataclass(frozen=True, eq=False)
class _Contents:
    """What the report is made of: the folder, the metrics, and tables read when asked for."""

    folder: Path
    metrics: Mapping[str, Any]

    @property
    def is_simulated(self) -> bool:
        return bool(self.metrics["is_simulated"])

    @property
    def names(self) -> dict[str, str]:
        """For people, by target and by measure."""
        words = {**self.metrics["measures"], **self.metrics["names"]}
        return {str(key): str(value) for key, value in words.items()}

    def table(self, name: str) -> pd.DataFrame:
        """Return a table; an empty one where the part was not measured."""
        path = self.folder / TABLES / f"{name}.csv"
        return pd.read_csv(path) if path.is_file() and path.stat().st_size > 1 else pd.DataFrame()

    def ceilings(self, source: str, measure: str) -> dict[str, float]:
        """Return by target the most that anything could tell from one modality."""
        table = self.table("ceilings")
        if table.empty:
            return {}
        mine = table[(table["source"] == source) & (table["measure"] == measure)]
        return dict(zip(mine["name"].astype(str), mine["value"].astype(float), strict=True))


def write_report(folder: Path) -> list[str]:
    """Draw the figures of an evaluation and put everything on one page.

    Args:
        folder: With ``metrics.json`` and ``tables/`` as ``evaluation.evaluation.evaluate`` left
            them.

    Returns:
        Names of the files that were written.
    """
    metrics = json.loads((folder / METRICS).read_text(encoding="utf-8"))
    contents = _Contents(folder, metrics)
    body = [_head(contents)]
    drawn: list[str] = []
    for section in (_summary, _probes, _labels, _retrieval, _paths, _function, _left_out):
        text, files = section(contents)
        body.append(text)
        drawn += files
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">"
        f"<title>Evaluation of a cross-modal autoencoder</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(body)}{_HOW}</body></html>\n"
    )
    with replacing(folder / REPORT) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return [*drawn, REPORT]


_HOW = """
<h2>How it was measured</h2>
<p>All numbers are of participants that the run did not see in training. Probes are ridge or
logistic regressions on frozen latents, nested cross-validation by participant; scaling, penalties
and principal components are fitted inside the training folds, and every feature set meets the same
folds and rows. Intervals are 95 % bootstrap intervals over participants; two feature sets are
compared on the same resamples. A ceiling is what gradient boosting reaches from everything that the
renderer of the other modality was given: nothing that was recorded can do better, up to boosting's
own misses.</p>
<p class="small">Research use only, not for diagnosis. Every table of this page lies in
<code>tables/</code> as CSV, every figure in <code>figures/</code> as SVG.</p>
"""


def _head(contents: _Contents) -> str:
    metrics = contents.metrics
    badge = '<span class="simulated">SIMULATED recordings</span> ' if contents.is_simulated else ""
    facts = [
        ("run", f"{metrics['run']['name']} ({metrics['run']['fingerprint']})"),
        ("cohort", f"{metrics['cohort']['fingerprint'][:16]}, {metrics['cohort']['rows']:,} rows"),
        ("measured on", metrics["held_out"]),
        ("baselines", ", ".join(metrics["baselines"]) or "none given"),
    ]
    rows = "".join(
        f"<tr><td>{key}</td><td>{html.escape(str(text))}</td></tr>" for key, text in facts
    )
    return f"<h1>Evaluation of a cross-modal autoencoder</h1><p>{badge}</p><table>{rows}</table>"


def _summary(contents: _Contents) -> tuple[str, list[str]]:
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in contents.metrics["headlines"])
    return (f"<h2>In short</h2><ul>{lines}</ul>" if lines else ""), []


def _probes(contents: _Contents) -> tuple[str, list[str]]:
    table, pairs = contents.table("probes"), contents.table("probe_pairs")
    if table.empty:
        return "", []
    parts, files = ["<h2>Phenotypes from latents</h2>"], []
    for source, words in (("ecg", "the ECG"), ("mri", "the MRI")):
        for measure in ("r2", "auroc"):
            mine = table[(table["source"] == source) & (table["measure"] == measure)]
            if mine.empty:
                continue
            name = f"probes_{source}_{measure}.svg"
            kind = "Measurements" if measure == "r2" else "Diagnoses and sex"
            title = f"{kind} told from {words}, N up to {int(mine['n'].max()):,}"
            figure = _figure(
                contents,
                name,
                partial(
                    figures.forest,
                    mine,
                    title=title,
                    names=contents.names,
                    ceilings=contents.ceilings(source, measure),
                    is_simulated=contents.is_simulated,
                ),
                caption="Points with 95 % intervals; the vertical bar is the ceiling, the dotted "
                "line chance.",
            )
            parts.append(figure)
            files.append(f"{FIGURES}/{name}")
            parts.append(_folded("All numbers", _shown(mine, contents.names)))
    if not pairs.empty:
        parts.append("<h3>Compared in pairs</h3>")
        parts.append(_folded("Differences with 95 % intervals", _shown(pairs, contents.names)))
    return "".join(parts), files


def _labels(contents: _Contents) -> tuple[str, list[str]]:
    table = contents.table("label_curves")
    if table.empty:
        return "", []
    parts, files = ["<h2>With few labels</h2>"], []
    for source in dict.fromkeys(table["source"]):
        mine = table[table["source"] == source]
        name = f"labels_{source}.svg"
        title = f"Told from the {str(source).upper()} with so many labelled participants"
        parts.append(
            _figure(
                contents,
                name,
                partial(
                    figures.label_curves,
                    mine,
                    title=title,
                    names=contents.names,
                    ceilings={
                        **contents.ceilings(str(source), "r2"),
                        **contents.ceilings(str(source), "auroc"),
                    },
                    is_simulated=contents.is_simulated,
                ),
                caption="Means over label draws on a fixed held-out third, with 95 % intervals; "
                "dashed: the ceiling.",
            )
        )
        files.append(f"{FIGURES}/{name}")
        parts.append(_folded("All numbers", _shown(mine, contents.names)))
    return "".join(parts), files


def _retrieval(contents: _Contents) -> tuple[str, list[str]]:
    table, alignment = contents.table("retrieval"), contents.table("alignment")
    if table.empty:
        return "", []
    recalls = table[table["measure"] == "recall"]
    figure = _figure(
        contents,
        "retrieval.svg",
        partial(
            figures.recalls,
            recalls,
            title="Which recording belongs to this one?",
            is_simulated=contents.is_simulated,
        ),
        caption="Share of queries whose own recording of the other modality is among the k that "
        "rank first by cosine.",
    )
    parts = ["<h2>Retrieval</h2>", figure, _shown(table, contents.names)]
    if not alignment.empty:
        parts += ["<h3>Alignment of the space</h3>", _shown(alignment, contents.names)]
    return "".join(parts), [f"{FIGURES}/retrieval.svg"]


def _paths(contents: _Contents) -> tuple[str, list[str]]:
    table = contents.table("paths")
    if table.empty:
        return "", []
    note = (
        "<p>Each decoded recording against the recorded one; beside it what the mean recording of "
        f"{html.escape(str(contents.metrics['mean_recording']))} reaches, or chance.</p>"
    )
    return "<h2>Reconstruction and translation</h2>" + note + _shown(table, contents.names), []


def _function(contents: _Contents) -> tuple[str, list[str]]:
    table, curves = contents.table("function_agreement"), contents.table("function_curves")
    if table.empty:
        return "", []
    parts, files = ["<h2>Function read from cines</h2>"], []
    if not curves.empty:
        parts.append(
            _figure(
                contents,
                "area_curves.svg",
                partial(
                    figures.mean_curves,
                    curves,
                    title="Left-ventricular area over the cycle",
                    unit="area, cm²",
                    is_simulated=contents.is_simulated,
                ),
                caption="Means with 95 % intervals over participants.",
            )
        )
        files.append(f"{FIGURES}/area_curves.svg")
    measured = contents.table("function_measures")
    for measure in [] if measured.empty else dict.fromkeys(measured["measure"]):
        mine = measured[measured["measure"] == measure]
        name = f"agreement_{re.sub(r'[^a-z0-9_]', '', str(measure))}.svg"
        words = contents.names.get(str(measure), str(measure))
        parts.append(
            _figure(
                contents,
                name,
                partial(
                    figures.agreement,
                    mine,
                    title=words,
                    unit=words,
                    is_simulated=contents.is_simulated,
                ),
                caption="Difference against mean; lines: bias and limits of agreement.",
            )
        )
        files.append(f"{FIGURES}/{name}")
    # A cohort's columns are the truth that counts; without any, the recorded cine.
    others = ~table["against"].isin(["recorded", "truth"])
    main = table[(table["statistic"] == "r2") & (others if others.any() else True)]
    if len(main):
        parts.append("<h3>R² after a linear calibration out of fold</h3>")
        parts.append(_shown(main, contents.names))
    parts.append(_folded("All numbers", _shown(table, contents.names)))
    return "".join(parts), files


def _left_out(contents: _Contents) -> tuple[str, list[str]]:
    parts = [
        f"<h3>{title}</h3>" + _shown(table, contents.names)
        for title, name in (("Of the probes", "left_out"), ("Of few labels", "labels_left_out"))
        if not (table := contents.table(name)).empty
    ]
    return ("<h2>Left out</h2>" + "".join(parts) if parts else ""), []


def _figure(contents: _Contents, name: str, draw: Callable[[Path], None], *, caption: str) -> str:
    """Draw a figure into the folder and lay it into the page."""
    path = contents.folder / FIGURES / name
    draw(path)
    text = path.read_text(encoding="utf-8")
    # The names inside an SVG are of the whole page: two figures must not share them.
    mark = path.stem
    text = re.sub(r'\bid="', f'id="{mark}-', text)
    text = re.sub(r'(href="#|url\(#)', rf"\g<1>{mark}-", text)
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    label = html.escape(caption)
    text = text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
    return f"<figure>{text}<figcaption>{label}</figcaption></figure>"


def _folded(title: str, inside: str) -> str:
    return f"<details><summary>{title}</summary>{inside}</details>"


def _shown(table: pd.DataFrame, names: Mapping[str, str]) -> str:
    """Lay a table out: value and interval in one cell, numbers to the right."""
    shown = pd.DataFrame(index=table.index)
    for column in table.columns:
        stem = "" if column in ("low", "high") else column
        if column.endswith(("_low", "_high")) or not stem:
            continue
        ends = (
            ("low", "high")
            if column in ("value", "difference")
            else (f"{column}_low", f"{column}_high")
        )
        if all(end in table.columns for end in ends):
            shown[column] = [
                _interval(*numbers) for numbers in table[[column, *ends]].to_numpy(np.float64)
            ]
        elif column in ("target", "measure", "against"):
            shown[column] = [
                names.get(str(name), str(name).replace("_", " ")) for name in table[column]
            ]
        elif column in ("direction", "path", "of"):
            shown[column] = [spoken(str(name).replace("_to_", " → ")) for name in table[column]]
        else:
            shown[column] = [_cell(value) for value in table[column]]
    right = [
        pd.api.types.is_numeric_dtype(table[column]) and column != "target" for column in shown
    ]
    head = "".join(
        f"<th{_class(is_right)}>{html.escape(column.replace('_', ' '))}</th>"
        for column, is_right in zip(shown, right, strict=True)
    )
    lines = "".join(
        "<tr>"
        + "".join(
            f"<td{_class(is_right)}>{html.escape(str(value))}</td>"
            for value, is_right in zip(row, right, strict=True)
        )
        + "</tr>"
        for row in _rows(shown)
    )
    return f'<div class="wide"><table><tr>{head}</tr>{lines}</table></div>'


def _rows(table: pd.DataFrame) -> Sequence[Sequence[object]]:
    return [list(row) for row in table.itertuples(index=False)]


def _class(is_right: bool) -> str:
    return ' class="n"' if is_right else ""


def _interval(value: float, low: float, high: float) -> str:
    if not np.isfinite(value):
        return "–"
    return f"{_cell(value)} ({_cell(low)} to {_cell(high)})"


def _cell(value: object) -> str:
    if isinstance(value, bool | np.bool_ | str) or not isinstance(value, int | float | np.number):
        return "–" if value is None else str(value)
    number = float(value)
    if not np.isfinite(number):
        return "–"
    if number.is_integer() and abs(number) < 1e9:
        return f"{int(number):,}"
    if 0 < abs(number) < 0.01:
        return f"{number:.1g}"
    return f"{number:.3f}" if abs(number) < 10 else f"{number:,.1f}"
