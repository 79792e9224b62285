"""The whole protocol for one run: every claim about it, measured on people it has never seen."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cmae import __version__
from cmae.data.cohort import Cohort
from cmae.data.files import replacing
from cmae.errors import LatentsError
from cmae.evaluation.decoded_parts import function_tables, path_tables
from cmae.evaluation.headlines import headlines
from cmae.evaluation.heldout import UNITS
from cmae.evaluation.latent_parts import label_tables, probe_tables, retrieval_tables
from cmae.evaluation.participants import held_out
from cmae.evaluation.subject import PARTS, EvaluationSettings, Subject
from cmae.evaluation.tables import Tables, Tidy
from cmae.latent import embedding
from cmae.latent.latents import Latents
from cmae.model.run import Run
from cmae.model.supervised import SupervisedRun
from cmae.progress import Progress
from cmae.simulate.ceilings import FILE as CEILINGS_FILE
from cmae.simulate.ceilings import Ceilings

__all__ = ["PARTS", "Baselines", "EvaluationSettings", "evaluate"]

METRICS = "metrics.json"

WORDS = {"r2": "R²", "pearson_r": "Pearson r", "auroc": "AUROC"}
"""Measures in words, beside those of decoded recordings."""

FORMAT, FORMAT_NUMBER = "cmae-evaluation", 1

Report = Callable[[str, int, int], None]
"""Called with (what is being done, done, total)."""

_MAKERS: Mapping[str, Callable[[Subject, Progress | None], Tidy]] = {
    "retrieval": retrieval_tables,
    "probes": probe_tables,
    "labels": label_tables,
    "paths": path_tables,
    "function": function_tables,
}


@dataclass(frozen=True, eq=False)
class Baselines:
    """What a run is compared with.

    Attributes:
        runs: Other runs, by name: unimodal autoencoders.
        supervised: Networks that supervised experiments left, by name.
    """

    runs: Mapping[str, Run] = field(default_factory=dict)
    supervised: Mapping[str, SupervisedRun] = field(default_factory=dict)


def evaluate(
    run: Run,
    cohort: Cohort,
    folder: Path,
    *,
    latents: Latents | None = None,
    baselines: Baselines | None = None,
    settings: EvaluationSettings | None = None,
    on_progress: Report | None = None,
) -> dict[str, Any]:
    """Measure a run on participants that it has never seen.

    Each part's tables are written as soon as they are made; work that was stopped, and is begun
    again with the same run, cohort and settings, goes on with the next part.

    Args:
        run: The run.
        cohort: The cohort; of the one that it was trained on, the test participants count.
        folder: Where ``tables/``, ``latents/`` and ``metrics.json`` go.
        latents: The cohort's latents, where they were made before.
        baselines: What is measured beside it.
        settings: What is measured.
        on_progress: Called with (what is being done, done, total).

    Returns:
        The metrics, as ``metrics.json`` holds them.

    Raises:
        InputError: There is nobody to measure on, or latents, runs and cohort do not fit.
    """
    settings = settings or EvaluationSettings()
    subject = _subject(
        run, cohort, folder, latents, baselines or Baselines(), settings, on_progress
    )
    tables = Tables(folder, _key(subject))
    made: Tidy = {"ceilings": _ceilings_table(subject)}
    if not made["ceilings"].empty:
        made |= tables.made("ceilings", lambda: {"ceilings": made["ceilings"]})
    for part in (name for name in PARTS if name in settings.parts):
        report = None if on_progress is None else partial(on_progress, f"measuring {part}")
        made |= tables.made(part, partial(_MAKERS[part], subject, report))
    metrics = _metrics(subject, made)
    with replacing(folder / METRICS) as temporary:
        temporary.write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    return metrics


def _subject(
    run: Run,
    cohort: Cohort,
    folder: Path,
    latents: Latents | None,
    baselines: Baselines,
    settings: EvaluationSettings,
    on_progress: Report | None,
) -> Subject:
    if latents is not None:
        _check_fit(run, cohort, latents)
    rows = held_out(
        [run.path, *(one.path for one in baselines.runs.values())],
        cohort,
        most_decoded=settings.decoded,
        seed=settings.seed,
    )

    def embedded(one: Run, words: str) -> Latents:
        report = None if on_progress is None else partial(on_progress, words)
        path = folder / "latents" / f"{one.fingerprint}.h5"
        return embedding.embed(one, cohort, path, on_progress=report)

    path = cohort.path / CEILINGS_FILE
    return Subject(
        run=run,
        baselines=baselines.runs,
        cohort=cohort,
        held_out=rows,
        latents=embedded(run, "embedding") if latents is None else latents,
        of_baselines={
            name: embedded(one, f"embedding by {name}") for name, one in baselines.runs.items()
        },
        supervised=baselines.supervised,
        ceilings=Ceilings.load(path) if path.is_file() else None,
        settings=settings,
    )


def _check_fit(run: Run, cohort: Cohort, latents: Latents) -> None:
    """Raise LatentsError unless latents are those of a run and a cohort."""
    for what, mine, theirs in (
        ("run", run.fingerprint, latents.run_fingerprint),
        ("cohort", cohort.fingerprint, latents.cohort_fingerprint),
    ):
        if mine != theirs:
            raise LatentsError(
                f"{latents.path} holds latents of another {what} ({theirs[:16]}, not {mine[:16]}): "
                "embed the cohort anew, or leave --latents out."
            )
    if latents.shard is not None:
        raise LatentsError(f"{latents.path} holds one shard: put them together by `cmae merge`.")


def _key(subject: Subject) -> str:
    """Hash everything that the tables depend on."""
    settings = asdict(subject.settings)
    del settings["parts"]
    facts = {
        "version": __version__,
        "format": FORMAT_NUMBER,
        "run": subject.run.fingerprint,
        "cohort": subject.cohort.fingerprint,
        "baselines": _fingerprints(subject),
        "rows": hashlib.sha256(subject.held_out.rows.tobytes()).hexdigest(),
        "settings": settings,
        "ceilings": None if subject.ceilings is None else asdict(subject.ceilings),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _fingerprints(subject: Subject) -> dict[str, str]:
    both: dict[str, Run | SupervisedRun] = {**subject.baselines, **subject.supervised}
    return {name: one.fingerprint for name, one in both.items()}


def _ceilings_table(subject: Subject) -> pd.DataFrame:
    if subject.ceilings is None:
        return pd.DataFrame()
    return pd.DataFrame([asdict(row) for row in subject.ceilings.phenotypes])


def _metrics(subject: Subject, tables: Tidy) -> dict[str, Any]:
    names = subject.names()
    return {
        "format": FORMAT,
        "format_number": FORMAT_NUMBER,
        "version": __version__,
        "is_simulated": bool(subject.cohort.is_simulated),
        "run": {
            "name": subject.run.card.get("experiment", subject.run.path.name),
            "fingerprint": subject.run.fingerprint,
        },
        "cohort": {"fingerprint": subject.cohort.fingerprint, "rows": len(subject.cohort)},
        "held_out": subject.held_out.description,
        "decoded": len(subject.held_out.decoded),
        "mean_recording": f"{len(subject.held_out.for_mean):,} other participants' rows",
        "baselines": _fingerprints(subject),
        "settings": asdict(subject.settings),
        "names": names,
        "measures": {**WORDS, **{name: words for name, (words, _) in UNITS.items()}},
        "headlines": headlines(tables, names),
        "tables": {name: _records(table) for name, table in tables.items()},
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Lay a table out for JSON, which knows no NaN."""
    plain = table.astype(object).where(table.notna(), None)
    return [
        {
            str(key): value.item() if isinstance(value, np.generic) else value
            for key, value in row.items()
        }
        for row in plain.to_dict("records")
    ]
