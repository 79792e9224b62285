"""What an ablation says of itself: the table of all runs, a report, a figure and a card."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cmae.data.files import replacing
from cmae.errors import RunError
from cmae.figures.ablation import differences
from cmae.model.run import CARD_FILE, FORMAT_NUMBER
from train.ablation_experiment import AblationExperiment
from train.ablation_metrics import LOSS, METRICS, SECONDS, Cards, Metric, compare, tidy
from train.ablation_variant import BASE, Variant

TABLE_FILE = "ablation.csv"
PEOPLE_FILE = "ablation.md"
ARROWS = {"more": "↑", "less": "↓", "": ""}
"""What the figure says of a metric of which more or less is better."""

FIGURE_FILE = Path("figures") / "differences.svg"


def write(out: Path, experiment: AblationExperiment, cards: Cards) -> pd.DataFrame:
    """Write the table of all finished runs, and what it says for people.

    Args:
        out: The folder of the ablation.
        experiment: The settings.
        cards: Of the finished runs.

    Returns:
        Each variant against the base.
    """
    table = tidy(cards)
    compared = compare(table, experiment)
    with replacing(out / TABLE_FILE) as temporary:
        table.to_csv(temporary, index=False)
    with replacing(out / PEOPLE_FILE) as temporary:
        temporary.write_text(for_people(experiment, cards, table, compared), encoding="utf-8")
    return compared


def finish(out: Path, experiment: AblationExperiment, cards: Cards) -> None:
    """Write the table, the report, the figure and, last, the card of a complete ablation.

    Args:
        out: The folder of the ablation.
        experiment: The settings.
        cards: Of all runs.

    Raises:
        RunError: A run is missing.
    """
    expected = len(experiment.variants) * len(experiment.seeds)
    if len(cards) != expected:
        raise RunError(f"{len(cards)} of {expected} runs are finished: give --resume to go on.")
    compared = write(out, experiment, cards)
    drawn = compared[compared["difference"].notna()]
    if not drawn.empty:
        differences(
            drawn,
            out / FIGURE_FILE,
            title=f"{experiment.name}: difference to the base, N = {len(experiment.seeds)} seeds",
            names={m.name: f"{m.title} {ARROWS[m.better]}".strip() for m in METRICS},
            is_simulated=bool(next(iter(cards.values()))["is_simulated"]),
        )
    with replacing(out / CARD_FILE) as temporary:
        text = json.dumps(describe(experiment, cards, compared), indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")


def describe(
    experiment: AblationExperiment, cards: Cards, compared: pd.DataFrame
) -> dict[str, Any]:
    """Everything that the card of a complete ablation says, ready for JSON."""
    first = next(iter(cards.values()))
    shared = (
        "is_simulated", "cohort_fingerprint", "participants", "started_from", "versions",
        "commit", "processors",
    )  # fmt: skip
    return {
        "format_number": FORMAT_NUMBER,
        "experiment": experiment.name,
        "base": experiment.base.name,
        **{name: first[name] for name in shared},
        "seeds": list(experiment.seeds),
        "variants": [
            {
                "name": variant.name,
                "changes": dict(variant.changes),
                "batches": variant.batches,
                "recordings_seen": variant.recordings_seen,
                "fingerprints": [cards[variant.name, k]["fingerprint"] for k in experiment.seeds],
            }
            for variant in experiment.variants
        ],
        "metrics": [
            {name: None if _is_missing(value) else value for name, value in row.items()}
            for row in compared.to_dict("records")
        ],
    }


def for_people(
    experiment: AblationExperiment, cards: Cards, table: pd.DataFrame, compared: pd.DataFrame
) -> str:
    """What the ablation found as Markdown."""
    first = next(iter(cards.values()))
    source = (
        "**Simulated recordings**: every number here is about simulated hearts."
        if first["is_simulated"]
        else "Recorded participants."
    )
    count, runs = len(experiment.seeds), len(experiment.variants) * len(experiment.seeds)
    intervals = int(compared["low"].notna().sum())
    clear = int(compared["is_clear"].sum())
    variants = "\n".join(_described(variant) for variant in experiment.variants)
    sections = "\n".join(_sections(experiment, table, compared))
    return f"""# Ablation {experiment.name}

Research use only, not for diagnosis. {source}

- {len(cards)} of {runs} runs are finished: {len(experiment.variants)} variants, N = {count} seeds
  each, one factor at a time around the base ({experiment.base.name})
- All start from the same earlier stages ({", ".join(first["started_from"]) or "random weights"});
  the seeds differ in the order of the batches, modality dropout and hidden patches, so their spread
  is not that of another cohort or of other earlier stages
- SD is over seeds; differences to the base are paired by seed, with a 95 % t-interval over them
- **Bold**: the interval is clear of zero, {clear} of {intervals}; of so many about
  {0.05 * intervals:.0f} would be by chance alone
- Where the batch is smaller or larger there are more or fewer steps, so that as many recordings are
  seen; the learning rate stays as it is given
- Every number is from the cards of the runs, `{TABLE_FILE}` has all of them

| variant | changes | batches | recordings seen |
|---|---|---|---|
{variants}

{sections}"""


def _described(variant: Variant) -> str:
    changes = ", ".join(f"`{name}` = {value}" for name, value in variant.changes.items())
    batches = variant.stage.epochs * variant.stage.steps_per_epoch
    return (
        f"| {variant.name} | {changes or 'nothing'} | {batches:,} | {variant.recordings_seen:,} |"
    )


def _sections(
    experiment: AblationExperiment, table: pd.DataFrame, compared: pd.DataFrame
) -> Iterator[str]:
    others = {v.name for v in experiment.variants if not v.has_the_loss_of_the_base}
    for metric in METRICS:
        mine = compared[compared["metric"] == metric.name]
        if mine.empty:
            yield f"## {metric.title}\n\nThese runs have no such number.\n"
            continue
        rows = "\n".join(
            _row(row, metric, is_other=metric is LOSS and row["variant"] in others)
            for row in mine.to_dict("records")
        )
        facts = [f"{metric.better} is better"] if metric.better else []
        numbers = table[table["metric"] == metric.name]
        if numbers["n"].notna().any():
            facts.append(f"N = {numbers['n'].max()} held-out participants")
        if numbers["reference"].notna().any():
            word = (
                "chance" if metric.path[-1] in ("recall_at_10", "specificity") else "mean recording"
            )
            facts.append(f"{word} {metric.format.format(numbers['reference'].mean())}")
        if metric is SECONDS:
            facts.append("on whatever machine, with whatever ran beside")
        heading = f"## {metric.title}\n\n" + (f"{'; '.join(facts)}.\n\n" if facts else "")
        yield (
            f"{heading}| variant | seeds | mean | SD | difference (95 % interval) |\n"
            f"|---|---|---|---|---|\n{rows}\n"
        )


def _row(row: Mapping[Any, Any], metric: Metric, *, is_other: bool) -> str:
    def said(name: str, sign: str = "") -> str:
        if _is_missing(row[name]):
            return "–"
        return metric.format.replace(":", f":{sign}").format(row[name])

    if row["variant"] == BASE:
        difference = "the base"
    elif is_other:
        difference = "another loss, not comparable"
    elif _is_missing(row["low"]):
        difference = f"{said('difference', '+')} (no interval from one seed)"
    else:
        difference = f"{said('difference', '+')} ({said('low', '+')} – {said('high', '+')})"
        difference = f"**{difference}**" if row["is_clear"] else difference
    return f"| {row['variant']} | {row['seeds']} | {said('mean')} | {said('sd')} | {difference} |"


def _is_missing(value: object) -> bool:
    return isinstance(value, float) and np.isnan(value)
