"""What was asked of a run before it was measured, beside what it reaches."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from pages import table

Tables = dict[str, pd.DataFrame]


def goals(tables: Tables, association: dict[str, Any]) -> str:
    """Lay out each goal, what was reached, and whether that is enough."""
    rows = [
        [what, asked, reached, "yes" if is_met else "**no**"]
        for what, asked, reached, is_met in (
            *_probes(tables),
            *_retrieval(tables),
            *_translation(tables),
            *_calibration(association),
        )
    ]
    return table(["what", "asked", "reached", "met"], rows)


Goal = tuple[str, str, str, bool]


def _probes(tables: Tables) -> Iterator[Goal]:
    pairs = tables["probe_pairs"]
    is_main = pairs["measure"].isin(["r2", "auroc"])
    for source in ("ecg", "mri"):
        mine = pairs[(pairs["source"] == source) & (pairs["against"] == "unimodal") & is_main]
        if len(mine):
            better = int((mine["low"] > 0).sum())
            yield (
                f"targets told better from the {source.upper()} than by the unimodal latent",
                "all",
                f"{better} of {len(mine)}",
                better == len(mine),
            )
    for target, words in (("lv_mass_g", "LV mass"), ("lvedv_ml", "LVEDV")):
        scores = _only(tables["probes"], source="ecg", target=target, features="latent")
        value = _only(scores, measure="r2")["value"].item()
        share = value / _ceiling(tables, target)
        yield (
            f"{words} from ECG latents, of the ceiling",
            "≥ 80 %",
            f"{100 * share:.0f} %",
            (share >= 0.8),
        )
    curves = tables["label_pairs"]
    few = curves[(curves["labels"] == 200) & (curves["against"] == "supervised")]
    if len(few):
        better = int((few["low"] > 0).sum())
        yield (
            "targets told better than by a supervised network, 200 labels",
            "all",
            (f"{better} of {len(few)}"),
            better == len(few),
        )


def _retrieval(tables: Tables) -> Iterator[Goal]:
    found = _only(tables["retrieval"], features="latent", measure="recall", k=10)
    for row in found[found["gallery"] == found["gallery"].max()].itertuples():
        if np.isfinite(row.ceiling):
            share = row.value / row.ceiling
            words = f"recall@10 of {row.gallery:,}, {row.direction.replace('_to_', ' → ').upper()}"
            yield f"{words}, of the ceiling", "≥ 60 %", f"{100 * share:.0f} %", share >= 0.6


def _translation(tables: Tables) -> Iterator[Goal]:
    function = _only(
        tables["function_agreement"], of="ecg_to_mri", measure="all measures", statistic="r2"
    )
    for target, words in (("lv_mass_g", "LV mass"), ("lvedv_ml", "LVEDV")):
        share = _only(function, against=target)["value"].item() / _ceiling(tables, target)
        yield (
            f"{words} read from cines translated from the ECG, of the ceiling",
            "≥ 75 %",
            (f"{100 * share:.0f} %"),
            share >= 0.75,
        )
    paths = _only(tables["paths"], path="ecg_to_mri")
    ssim = _only(paths, measure="ssim").iloc[0]
    yield (
        "SSIM of cines translated from the ECG",
        f"above the mean cine's {ssim['mean_recording']:.3f}",
        f"{ssim['value']:.3f} ({ssim['low']:.3f} – {ssim['high']:.3f})",
        bool(ssim["low"] > ssim["mean_recording"]),
    )
    own = _only(paths, measure="specificity").iloc[0]
    yield (
        "pairs in which a translated cine is nearer to its own heart",
        "> 90 %",
        (f"{100 * own['value']:.0f} %"),
        bool(own["value"] > 0.9),
    )


def _calibration(association: dict[str, Any]) -> Iterator[Goal]:
    inflation = association["tests"]["joint"]["lambda"]
    yield (
        "genomic inflation λ of the joint test",
        "0.97 – 1.03",
        f"{inflation:.3f}",
        (0.97 <= inflation <= 1.03),
    )


def _only(found: pd.DataFrame, **chosen: object) -> pd.DataFrame:
    for name, value in chosen.items():
        found = found[found[name] == value]
    return found


def _ceiling(tables: Tables, target: str) -> float:
    return float(_only(tables["ceilings"], source="ecg", name=target)["value"].item())
