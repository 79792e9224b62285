"""Figures and the page of an evaluation: everything that was measured is on them."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from cmae.errors import InputError
from cmae.figures import evaluation as figures
from cmae.figures.evaluation_report import write_report

NAMES = {"lv_mass_g": "LV mass (g)", "lvedv_ml": "LV volume (mL)", "infarct": "Infarct"}
SETS = ("latent", "unimodal", "pca", "covariates", "shuffled")


def probes():
    rng = np.random.default_rng(0)
    rows = []
    for target, measure, chance in (
        ("lv_mass_g", "r2", 0.0), ("lvedv_ml", "r2", 0.0), ("infarct", "auroc", 0.5)
    ):  # fmt: skip
        for place, features in enumerate(SETS):
            value = chance + 0.4 - 0.1 * place
            rows.append(("ecg", target, features, measure, 900, value, value - 0.05,
                         value + rng.uniform(0.02, 0.06), chance))  # fmt: skip
    columns = ["source", "target", "features", "measure", "n", "value", "low", "high", "chance"]
    return pd.DataFrame(rows, columns=columns)


def label_curves():
    rows = [
        ("ecg", target, features, "r2", labels, *(0.1 * step + np.array([0.05 * place, 0, 0.2])))
        for target in ("lv_mass_g", "lvedv_ml")
        for place, features in enumerate(("latent", "supervised"))
        for step, labels in enumerate((50, 200, 1000))
    ]  # fmt: skip
    columns = ["source", "target", "features", "measure", "labels", "value", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def retrieval():
    rows = [
        ("latent", direction, 500, "recall", k, 500, 0.05 * k, 0.04 * k, 0.06 * k, k / 500, 0.9)
        for direction in ("ecg_to_mri", "mri_to_ecg")
        for k in (1, 5, 10)
    ]
    columns = ["features", "direction", "gallery", "measure", "k", "n"]
    columns += ["value", "low", "high", "chance", "ceiling"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def folder(tmp_path):
    tables = {
        "probes": probes(),
        "label_curves": label_curves(),
        "retrieval": retrieval(),
        "ceilings": pd.DataFrame(
            {"name": ["lv_mass_g"], "source": ["ecg"], "measure": ["r2"], "value": [0.62]}
        ),
        "left_out": pd.DataFrame({"target": ["disease"], "reason": ["text <b>not</b> a number"]}),
    }
    (tmp_path / "tables").mkdir()
    for name, table in tables.items():
        table.to_csv(tmp_path / "tables" / f"{name}.csv", index=False)
    metrics = {
        "is_simulated": True,
        "run": {"name": "demo", "fingerprint": "0123"},
        "cohort": {"fingerprint": "abcd", "rows": 1000},
        "held_out": "all 1,000 rows of a cohort other than the one that the run was trained on",
        "mean_recording": "500 other participants' rows",
        "baselines": {"unimodal": "4567"},
        "names": NAMES,
        "measures": {"r2": "R²", "auroc": "AUROC"},
        "headlines": ["LV mass from the ECG: R² 0.40 (0.35 to 0.44), N = 900."],
    }
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    return tmp_path


def test_the_page_holds_all_that_was_measured(folder):
    written = write_report(folder)
    page = (folder / "report.html").read_text()
    assert written[-1] == "report.html"
    assert all((folder / name).is_file() for name in written)
    for text in ("SIMULATED", "LV mass (g)", "0.400 (0.350 to", "unimodal", "ceiling", "disease"):
        assert text in page
    assert "text &lt;b&gt;not" in page
    assert page.count("<svg ") == len(written) - 1


def test_the_page_needs_no_network_and_its_figures_share_no_names(folder):
    write_report(folder)
    page = (folder / "report.html").read_text()
    assert not re.search(r'(src|href)="https?:', page)
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))
    targets = set(re.findall(r'href="#([^"]+)"', page)) | set(re.findall(r"url\(#([^)]+)\)", page))
    assert targets <= set(names)


def test_what_was_not_measured_is_left_out(folder):
    (folder / "tables" / "label_curves.csv").unlink()
    written = write_report(folder)
    assert not any("labels_" in name for name in written)
    assert "With few labels" not in (folder / "report.html").read_text()


def test_the_same_tables_give_the_same_page(folder):
    write_report(folder)
    first = (folder / "report.html").read_bytes()
    write_report(folder)
    assert (folder / "report.html").read_bytes() == first


def test_curves_and_agreement_are_drawn(tmp_path):
    frames = np.arange(50)
    curves = pd.DataFrame(
        {"of": "recorded", "frame": frames, "value": 20 + np.cos(frames / 8), "low": 18, "high": 22}
    )
    figures.mean_curves(curves, tmp_path / "curves.svg", title="Area", unit="cm²")
    measured = pd.DataFrame(
        {"of": ["mri_to_mri"] * 4, "value": [1.0, 2, 3, 4], "reference": [1.5, 2, 2.5, np.nan]}
    )
    figures.agreement(measured, tmp_path / "agreement.svg", title="EF", unit="%")
    assert all((tmp_path / name).stat().st_size > 5000 for name in ("curves.svg", "agreement.svg"))


@pytest.mark.parametrize("draw", [figures.forest, figures.label_curves])
def test_nothing_to_draw_is_one_sentence(tmp_path, draw):
    with pytest.raises(InputError, match="left out"):
        draw(pd.DataFrame(), tmp_path / "a.svg", title="", names={})
