"""The numbers of an ablation: what is taken of each card, and each variant against the base."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t

from cmae.evaluation.heldout import UNITS
from train.ablation_experiment import AblationExperiment
from train.ablation_variant import BASE

Card = Mapping[str, Any]
Cards = dict[tuple[str, int], Card]
"""Cards of finished runs, by variant and seed."""


@dataclass(frozen=True)
class Metric:
    """One number of a run's card.

    Attributes:
        name: In the tables.
        title: For people, with its unit.
        path: Where it is in the card.
        format: For people.
        better: Whether more or less is better; empty where neither is.
    """

    name: str
    title: str
    path: tuple[str, ...]
    format: str = "{:.3f}"
    better: str = ""

    def number(self, card: Card) -> dict[str, Any] | None:
        """Value, what it is compared with, and N; None where the run has no such number."""
        found: Any = card
        for key in self.path:
            if not isinstance(found, Mapping) or key not in found:
                return None
            around, found = found, found[key]
        if not isinstance(found, Mapping):
            return {"value": found, "reference": None, "n": None}
        reference = found.get("chance", found.get("baseline"))
        return {"value": found["value"], "reference": reference, "n": around.get("n")}


def _retrieval(way: str) -> Metric:
    path = ("metrics", "retrieval", way, "recall_at_10")
    return Metric(
        f"{way}_recall_at_10", f"{_spoken(way)} retrieval, recall@10", path, better="more"
    )


def _path(way: str, metric: str, *, better: str) -> Metric:
    title, form = UNITS[metric]
    path = ("metrics", "paths", way, metric)
    return Metric(f"{way}_{metric}", f"{_spoken(way)}, {title}", path, form, better)


def _spoken(way: str) -> str:
    return way.upper().replace("_TO_", "→")


LOSS = Metric("best_validation_loss", "Best validation loss", ("losses", "validation_loss"))
SECONDS = Metric("seconds", "Training, s", ("training_seconds",), "{:.0f}")

METRICS = (
    _retrieval("ecg_to_mri"),
    _retrieval("mri_to_ecg"),
    _path("mri_to_mri", "mse_z", better="less"),
    _path("mri_to_mri", "ssim", better="more"),
    _path("ecg_to_ecg", "mae_uv", better="less"),
    _path("ecg_to_mri", "mse_z", better="less"),
    _path("ecg_to_mri", "specificity", better="more"),
    _path("mri_to_ecg", "mae_uv", better="less"),
    LOSS,
    Metric("best_epoch", "Best epoch", ("best_epoch",), "{:.1f}"),
    SECONDS,
)
"""What is taken of each card, in the order of the report."""

COLUMNS = ("variant", "seed", "metric", "value", "reference", "n")
COMPARED = (
    "variant", "metric", "seeds", "mean", "sd", "paired_seeds", "difference", "low", "high",
    "is_clear",
)  # fmt: skip


def tidy(cards: Cards) -> pd.DataFrame:
    """One row a (variant, seed, metric), straight from the cards.

    Args:
        cards: By variant and seed; the rows come in their order.

    Returns:
        ``variant``, ``seed``, ``metric``, ``value``, ``reference`` (chance, or the mean recording;
        empty where there is none) and ``n`` (held-out participants).
    """
    rows = [
        {"variant": variant, "seed": seed, "metric": metric.name, **number}
        for (variant, seed), card in cards.items()
        for metric in METRICS
        if (number := metric.number(card)) is not None
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"n": "Int64", "reference": float})


def interval(differences: NDArray[np.float64]) -> tuple[float, float]:
    """95 % t-interval of a mean: mean ± t(0.975, n - 1) · SD / √n; NaN for fewer than 2.

    Args:
        differences: (seeds,) paired differences.
    """
    count = len(differences)
    if count < 2:
        return float("nan"), float("nan")
    away = float(t.isf(0.025, count - 1)) * float(np.std(differences, ddof=1)) / count**0.5
    mean = float(np.mean(differences))
    return mean - away, mean + away


def compare(table: pd.DataFrame, experiment: AblationExperiment) -> pd.DataFrame:
    """Each variant against the base, seed by seed.

    Args:
        table: As ``tidy`` gives it.
        experiment: The settings; where a variant has another validation loss than the base, that
            difference is left empty.

    Returns:
        One row a (variant, metric): ``seeds`` that are done, their ``mean`` and ``sd`` (with n - 1,
        empty for one seed), ``paired_seeds`` that the base has too, the mean paired ``difference``
        with its 95 % t-interval ``low`` … ``high``, and ``is_clear`` where that excludes zero.
    """
    rows = []
    for variant in experiment.variants:
        for metric in METRICS:
            mine = _by_seed(table, variant.name, metric.name)
            if mine.empty:
                continue
            base = _by_seed(table, BASE, metric.name)
            away = (mine - base.reindex(mine.index)).dropna().to_numpy(float)
            if variant.name == BASE or (metric is LOSS and not variant.has_the_loss_of_the_base):
                away = away[:0]
            low, high = interval(away)
            rows.append(
                {
                    "variant": variant.name,
                    "metric": metric.name,
                    "seeds": len(mine),
                    "mean": float(mine.mean()),
                    "sd": float(mine.std(ddof=1)),
                    "paired_seeds": len(away),
                    "difference": float(away.mean()) if len(away) else float("nan"),
                    "low": low,
                    "high": high,
                    "is_clear": bool(low > 0 or high < 0),
                }
            )
    return pd.DataFrame(rows, columns=list(COMPARED))


def _by_seed(table: pd.DataFrame, variant: str, metric: str) -> pd.Series:
    rows = table[(table["variant"] == variant) & (table["metric"] == metric)]
    return rows.set_index("seed")["value"].astype(float)
