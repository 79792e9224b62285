"""A comparison as people read it: one row a phenotype, in an order of their choice."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from app import phenotypes
from cmae.data.column import Column
from cmae.latent.group_comparison import Comparison

Order = Literal["effect", "p", "name"]

ORDER_TITLES: Mapping[Order, str] = {"effect": "Effect size", "p": "p", "name": "Name"}

FALSE_DISCOVERY = 0.05
"""Rate at which a difference counts as found."""


def shown(
    comparison: Comparison,
    columns: Mapping[str, Column],
    *,
    is_adjusted: bool = False,
    order: Order = "effect",
) -> pd.DataFrame:
    """Lay a comparison out for a chart and a table.

    Args:
        comparison: What differs.
        columns: What each phenotype means.
        is_adjusted: Whether effects are those with the covariates held constant.
        order: Largest effect first, smallest p first, or by name as clinicians order them.

    Returns:
        ``phenotype``, ``title`` (with unit), ``is_share``, ``first`` and ``second`` (in words),
        ``effect``, ``low``, ``high``, ``p``, ``q``, ``n``, ``is_found``, ``note``.
    """
    table = comparison.table
    names = {
        "effect": "adjusted_effect" if is_adjusted else "effect",
        "low": "adjusted_low" if is_adjusted else "effect_low",
        "high": "adjusted_high" if is_adjusted else "effect_high",
        "p": "adjusted_p" if is_adjusted else "p",
        "q": "adjusted_q" if is_adjusted else "q",
    }
    found = pd.DataFrame(
        {
            "phenotype": table["phenotype"],
            "title": [_title(str(name), columns) for name in table["phenotype"]],
            "is_share": table["kind"] == "binary",
            "first": [_summary(row, "first") for row in table.to_dict("records")],
            "second": [_summary(row, "second") for row in table.to_dict("records")],
            **{key: table[name].astype(np.float64) for key, name in names.items()},
            "n": table["adjusted_n"] if is_adjusted else table["n_first"] + table["n_second"],
            "note": table["note"],
        }
    )
    found["is_found"] = found["q"] < FALSE_DISCOVERY
    if order == "name":
        places = {name: place for place, name in enumerate(phenotypes.ordered(columns))}
        return found.sort_values("phenotype", key=lambda names: names.map(places))
    by = -found["effect"].abs() if order == "effect" else found["p"]
    return found.iloc[np.argsort(by.to_numpy(np.float64), kind="stable")]


def held_constant(comparison: Comparison) -> str:
    """Say what was held constant, in words; empty for nothing.

    Args:
        comparison: The comparison.
    """
    names = dict.fromkeys(name.partition("=")[0] for name in comparison.covariates)
    return ", ".join(phenotypes.abbreviation(name) for name in names)


def without_covariates(comparison: Comparison) -> int | None:
    """Return how many lack one of the covariates, of the phenotype that most have; or None.

    Args:
        comparison: The comparison.
    """
    if not comparison.covariates:
        return None
    known = comparison.table["n_first"] + comparison.table["n_second"]
    return int((known - comparison.table["adjusted_n"])[known == known.max()].min())


def _title(name: str, columns: Mapping[str, Column]) -> str:
    column = columns[name]
    words = phenotypes.categories(name, column)
    if words is not None:
        return f"{phenotypes.title(name)}, {words[1]}" if name == "sex" else phenotypes.title(name)
    unit = f" ({column.unit})" if column.unit else ""
    return phenotypes.title(name) + unit


def _summary(row: Mapping[str, object], group: str) -> str:
    """Write a mean with its SD, or a share."""
    mean, sd = (float(str(row[f"{part}_{group}"])) for part in ("mean", "sd"))
    if not np.isfinite(mean):
        return "–"
    if row["kind"] == "binary":
        return f"{100 * mean:.1f} %"
    spread = f" ± {phenotypes.number(sd)}" if np.isfinite(sd) else ""
    return phenotypes.number(mean) + spread
