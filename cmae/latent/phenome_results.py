"""Results of a phenome scan: the tables that it writes, in order and with false-discovery rates."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.data.files import replacing
from cmae.latent.direction_files import write_directions
from cmae.latent.false_discovery import log10_q_values
from cmae.latent.traversal import Direction, along

Floats = NDArray[np.float64]

TABLE, LEFT_OUT, PROBES, SUMMARY = "phenome.tsv", "left_out.tsv", "probes.tsv", "summary.json"

DISCOVERY = 0.05
"""False-discovery rate that the summary counts at."""

COLUMNS = (
    "phenotype", "kind", "unit", "source", "n_derive", "n_test", "r", "r_low", "r_high", "auroc",
    "auroc_low", "auroc_high", "p", "neg_log10_p", "q", "joint_n", "joint_r2", "joint_df1",
    "joint_df2", "joint_neg_log10_p", "joint_q", "penalty", "size_per_sd", "note",
)  # fmt: skip
"""Columns of ``phenome.tsv``; chance is 0 for r and 0.5 for AUROC."""


@dataclass(frozen=True, eq=False)
class Found:
    """What the groups of phenotypes gave, in any order.

    Attributes:
        rows: A row a tested phenotype.
        left_out: Phenotype, reason and number of participants of the others.
        moves: (tested, latent_dim) mean change of the latent an SD.
        probes: (tested, latent_dim) weights of the ridge probes.
        chance: (tested,) −log10 p of the same with latents of other participants.
    """

    rows: list[dict[str, object]]
    left_out: list[tuple[str, str, int]]
    moves: Floats
    probes: Floats
    chance: Floats


@dataclass(frozen=True, eq=False)
class PhenomeScan:
    """What a scan found.

    Attributes:
        table: A row a tested phenotype, ``COLUMNS``, the smallest p first.
        left_out: ``phenotype``, ``reason``, ``n`` of the others.
        directions: Of the tested phenotypes, in the order of the table: the mean change of the
            latent in the half that derived.
        probes: (tested, latent_dim) weights of the ridge probes, in the order of the table.
        summary: For JSON.
    """

    table: pd.DataFrame
    left_out: pd.DataFrame
    directions: list[Direction]
    probes: Floats
    summary: dict[str, object]

    def write(self, folder: Path) -> None:
        """Write the table, directions, probes, what was left out, and the summary.

        Args:
            folder: Where ``phenome.tsv``, ``directions.tsv``, ``probes.tsv``, ``left_out.tsv`` and
                ``summary.json`` go; made if missing.

        Raises:
            InputError: The disk is full or not writable.
        """
        probes = pd.DataFrame(self.probes, columns=[f"w_{k}" for k in range(self.probes.shape[1])])
        probes.insert(0, "phenotype", self.table["phenotype"])
        for name, table in ((TABLE, self.table), (LEFT_OUT, self.left_out), (PROBES, probes)):
            with replacing(folder / name) as temporary:
                table.to_csv(temporary, sep="\t", index=False, float_format="%.8g")
        write_directions(self.directions, [[one.name] for one in self.directions], folder)
        with replacing(folder / SUMMARY) as temporary:
            text = json.dumps(self.summary, indent=2, ensure_ascii=False)
            temporary.write_text(text + "\n", encoding="utf-8")


def gathered(found: Found, *, kind: str, head: dict[str, object]) -> PhenomeScan:
    """Put results in order, with false-discovery rates over all of them.

    Args:
        found: What was found.
        kind: The kind of latent.
        head: What the summary says of the participants.

    Returns:
        The scan.
    """
    table = pd.DataFrame(found.rows, columns=list(COLUMNS))
    for prefix in ("", "joint_"):
        logs = log10_q_values(table[f"{prefix}neg_log10_p"].to_numpy(np.float64))
        table[f"{prefix}q"] = 10.0**-logs
    table["p"] = 10.0 ** -table["neg_log10_p"].to_numpy(np.float64)
    table["size_per_sd"] = np.linalg.norm(found.moves, axis=1)
    order = np.argsort(-table["neg_log10_p"].to_numpy(np.float64), kind="stable")
    table = table.iloc[order].reset_index(drop=True)
    names, counts = table["phenotype"].tolist(), table["n_derive"].tolist()
    directions = [
        along(move, name=name, step="SD", kind=kind, rows=int(count))
        for move, name, count in zip(found.moves[order], names, counts, strict=True)
    ]
    left_out = pd.DataFrame(found.left_out, columns=["phenotype", "reason", "n"])
    counted = {
        "tested": len(table),
        "left_out": left_out["reason"].value_counts().to_dict(),
        f"q_below_{DISCOVERY}": int((table["q"] < DISCOVERY).sum()),
        f"joint_q_below_{DISCOVERY}": int((table["joint_q"] < DISCOVERY).sum()),
    }
    chance = log10_q_values(found.chance)
    permutation = {
        "phenotypes": len(chance),
        "below_5_percent": float((found.chance > -np.log10(0.05)).mean()) if len(chance) else None,
        f"q_below_{DISCOVERY}": int((chance > -np.log10(DISCOVERY)).sum()),
    }
    summary = {**head, "phenotypes": counted, "permutation": permutation}
    return PhenomeScan(table, left_out, directions, found.probes[order], summary)
