import matplotlib as mpl
import pandas as pd
import pytest

from cmae.errors import InputError
from cmae.figures.ablation import differences
from cmae.figures.style import BLUE, GRAY

NAMES = {"recall": "Recall@10", "error": "Error, SD²", "unused": "Not drawn"}


def table(**columns):
    rows = {
        "variant": ["mean", "none", "mean"],
        "metric": ["recall", "recall", "error"],
        "difference": [0.1, -0.2, 0.01],
        "low": [0.05, -0.5, float("nan")],
        "high": [0.15, 0.1, float("nan")],
        "is_clear": [True, False, False],
    }
    return pd.DataFrame(rows | columns)


def test_each_metric_gets_a_panel_and_clear_differences_another_color(tmp_path, monkeypatch):
    monkeypatch.setitem(mpl.rcParams, "svg.fonttype", "none")
    path = tmp_path / "differences.svg"
    differences(table(), path, title="Ablation", names=NAMES, is_simulated=True)
    text = path.read_text()
    for word in ("Recall@10", "Error, SD²", ">mean<", ">none<", "SIMULATED", BLUE, GRAY):
        assert word in text
    assert "Not drawn" not in text
    differences(table(is_clear=False), path, title="Ablation", names=NAMES)
    assert BLUE not in path.read_text()


def test_an_ablation_without_a_difference_is_refused(tmp_path):
    with pytest.raises(InputError, match="no difference to draw"):
        differences(table().iloc[:0], tmp_path / "x.svg", title="", names=NAMES)
