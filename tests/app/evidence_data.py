"""A small report and small results of associations, written as the commands write them."""

import json

import numpy as np
import pandas as pd

from cmae.evaluation.evaluation import FORMAT, FORMAT_NUMBER
from cmae.latent.association_results import VARIANT_COLUMNS
from cmae.latent.direction_files import write_directions
from cmae.latent.phenome_results import COLUMNS
from cmae.latent.traversal import along


def write_report(folder, *, run, cohort):
    """Write ``metrics.json`` with a row or two of every table."""
    folder.mkdir()
    interval = {"low": 0.4, "high": 0.6}
    nothing = dict.fromkeys(("within_sex", "within_sex_low", "within_sex_high"))
    nothing |= dict.fromkeys(("adjusted", "adjusted_low", "adjusted_high"))
    one = {"source": "ecg", "target": "lvef_percent", "measure": "r2", "n": 90}
    tables = {
        "probes": [
            {**one, "features": name, "value": value, **interval, "chance": 0.0, **nothing}
            for name, value in (("latent", 0.5), ("pca", 0.45))
        ],
        "probe_pairs": [
            {**one, "features": "latent", "against": "pca", "difference": 0.05, **interval}
        ],
        "ceilings": [
            {"name": "lvef_percent", "source": "ecg", "measure": "r2", "value": 0.8, "low": 0.7,
             "high": 0.9, "within_sex": 0.5}
        ],
        "label_curves": [
            {**one, "features": "latent", "labels": labels, "value": 0.5, **interval, "chance": 0}
            for labels in (50, 100)
        ],
        "retrieval": [
            {"features": "latent", "direction": "ecg_to_mri", "gallery": 90, "measure": "recall",
             "k": k, "n": 90, "value": 0.5, **interval, "chance": 0.01, "ceiling": ceiling}
            for k, ceiling in ((1, None), (10, 0.9))
        ],
        "paths": [
            {"path": "ecg_to_mri", "measure": "ssim", "n": 20, "value": 0.5, **interval,
             "mean_recording": 0.45, "chance": None}
        ],
        "function_agreement": [
            {"measure": "edv_ml", "unit": "mL", "of": "ecg_to_mri", "against": "recorded",
             "statistic": name, "value": value, "low": value - 1, "high": value + 1, "n": 20}
            for name, value in (("bias", -5), ("limit_low", -40), ("limit_high", 30))
        ],
        "function_measures": [
            {"measure": "edv_ml", "of": "ecg_to_mri", "against": "recorded", "value": 100.0 + k,
             "reference": 110.0}
            for k in range(20)
        ],
        "function_curves": [
            {"of": of, "frame": frame, "value": 30.0, "low": 29.0, "high": 31.0, "n": 20}
            for of in ("recorded", "ecg_to_mri") for frame in range(50)
        ],
        "left_out": [{"source": "ecg", "target": "sex", "reason": "made up"}],
    }  # fmt: skip
    metrics = {
        "format": FORMAT, "format_number": FORMAT_NUMBER, "is_simulated": True,
        "run": {"name": "small", "fingerprint": run},
        "cohort": {"fingerprint": cohort, "rows": 120},
        "held_out": "all 90 test rows", "decoded": 20, "mean_recording": "70 others",
        "names": {"lvef_percent": "Ejection fraction (%)"}, "measures": {"ssim": "SSIM"},
        "headlines": ["It tells <b>something</b>."], "tables": tables,
    }  # fmt: skip
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return folder


def _summary(folder, run, cohort, **more):
    head = {"is_simulated": True, "kind": "ecg", "covariates": {"removed": ["sex"]}}
    head |= {"run_fingerprint": run, "cohort_fingerprint": cohort}
    (folder / "summary.json").write_text(json.dumps({**head, **more}))


def write_variants(folder, *, run, cohort, dim=8):
    """Write results of 300 variants, of which one is a hit with a direction."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "chromosome": np.repeat(["1", "2", "X"], 100),
            "position": np.tile(np.arange(100) * 1000, 3),
            "variant": [f"rs{k}" for k in range(300)],
            "effect_allele": "A",
            "other_allele": "G",
            "joint_neg_log10_p": -np.log10(rng.random(300)),
        }
    )
    table.loc[150, "joint_neg_log10_p"] = 12.5
    table.to_csv(folder / "association.tsv", sep="\t", index=False)
    hit = table.loc[[150], VARIANT_COLUMNS].assign(
        test="joint", effect_allele_frequency=0.3, neg_log10_p=12.5, clumped=1
    )
    hit.to_csv(folder / "hits.tsv", sep="\t", index=False)
    direction = along(np.eye(dim)[0], name="rs150 A", step="allele", kind="ecg", rows=90)
    write_directions([direction], [("rs150", "A")], folder)
    test = {"lambda": 1.02, "lambda_permuted": 0.99, "hits": 1, "lead_variants": 1}
    _summary(
        folder, run, cohort, participants={"tested": 90}, tests={"joint": test},
        variants={"tested": 300, "left_out": {}},
    )  # fmt: skip
    return folder


def write_phenotypes(folder, *, run, cohort, dim=8):
    """Write results of a scan of two phenotypes."""
    folder.mkdir()
    rows = []
    for name, r, q in (("lvef_percent", 0.6, 1e-8), ("age_years", 0.1, 0.4)):
        row = dict.fromkeys(COLUMNS, 1.0)
        row |= {"phenotype": name, "kind": "continuous", "unit": "", "source": "mri", "note": ""}
        rows.append({**row, "r": r, "r_low": r - 0.1, "r_high": r + 0.1, "q": q, "n_test": 45})
    pd.DataFrame(rows).to_csv(folder / "phenome.tsv", sep="\t", index=False)
    directions = [
        along(np.eye(dim)[k], name=row["phenotype"], step="SD", kind="ecg", rows=45)
        for k, row in enumerate(rows)
    ]
    write_directions(directions, [[one.name] for one in directions], folder)
    _summary(
        folder, run, cohort, participants={"derive": 45, "test": 45},
        phenotypes={"tested": 2, "left_out": {"constant": 1}},
    )  # fmt: skip
    return folder
