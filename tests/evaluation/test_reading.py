"""Readings: probes that never saw the participant, measured beside predicted."""

import numpy as np
import pandas as pd
import pytest

from cmae.data.column import Column
from cmae.evaluation import reading
from cmae.evaluation.folds import outer_folds
from cmae.evaluation.reading import Standings, fit_without_fold, percentile, read
from cmae.latent import probe

COLUMNS = {
    "mass_g": Column("g", "continuous", "phenotype", "mri", "Mass"),
    "infarct": Column("", "binary", "phenotype", "clinical", "Infarct"),
    "rare": Column("", "binary", "phenotype", "clinical", "Two have it"),
}
ROWS = 240


@pytest.fixture
def latents(rng):
    return {
        "ecg": (rng.normal(size=(ROWS, 6)).astype(np.float32), np.ones(ROWS, bool)),
        "mri": (rng.normal(size=(ROWS, 6)).astype(np.float32), np.arange(ROWS) % 4 != 1),
    }


@pytest.fixture
def table(rng, latents):
    mass = 100 + 20 * latents["mri"][0][:, 0] + rng.normal(0, 2, ROWS)
    infarct = (latents["ecg"][0][:, 1] + rng.normal(0, 0.5, ROWS) > 0).astype(float)
    return pd.DataFrame(
        {
            "participant_id": [f"P{k // 2:03d}" for k in range(ROWS)],
            "mass_g": mass,
            "infarct": infarct,
            "rare": (np.arange(ROWS) < 2).astype(float),
        }
    )


def _fit(latents, table, row):
    fold = int(outer_folds(table["participant_id"].to_numpy(str))[row])
    return fit_without_fold(latents, table, COLUMNS, list(COLUMNS), fold=fold)


def test_a_prediction_is_that_of_a_probe_fitted_to_the_other_folds(latents, table):
    row = 8
    folds = outer_folds(table["participant_id"].to_numpy(str))
    values, present = latents["mri"]
    others = np.flatnonzero(present & (folds != folds[row]))
    own = probe.fit(
        values[others],
        table["mass_g"].to_numpy()[others, None],
        ["continuous"],
        participants=table["participant_id"].to_numpy(str)[others],
    )[0]
    given = {source: each[0][row] for source, each in latents.items()}
    found = read(_fit(latents, table, row), given, table, COLUMNS, row=row)
    told = next(one for one in found if one.name == "mass_g")
    low, high = own.interval(values[row][None])
    assert told.predicted["mri"].value == pytest.approx(own.predict(values[row][None])[0])
    assert (told.predicted["mri"].low, told.predicted["mri"].high) == pytest.approx(
        (low[0], high[0])
    )
    assert told.measured == table["mass_g"][row]
    below = (table["mass_g"] < told.predicted["mri"].value).mean()
    assert told.predicted["mri"].percentile == pytest.approx(100 * below)


def test_what_stands_in_the_table_of_a_participant_does_not_reach_their_prediction(latents, table):
    row = 8
    given = {source: each[0][row] for source, each in latents.items()}
    before = read(_fit(latents, table, row), given, table, COLUMNS, row=row)
    changed = table.copy()
    same = changed["participant_id"] == changed["participant_id"][row]  # two rows: two visits
    changed.loc[same, "mass_g"] = 1e6
    after = read(_fit(latents, changed, row), given, changed, COLUMNS, row=row)
    assert same.sum() == 2
    values = [found[0].predicted["mri"].value for found in (before, after)]
    assert values[0] == values[1]


def test_surprise_is_the_distance_to_the_nearest_prediction_in_sd_of_its_errors(latents, table):
    row = 8
    fitted = _fit(latents, table, row)
    given = {source: each[0][row] for source, each in latents.items()}
    told = read(fitted, given, table, COLUMNS, row=row)[0]
    away = [
        abs(told.measured - one.value) / fitted.probes[source]["mass_g"].residual_sd
        for source, one in told.predicted.items()
    ]
    assert told.surprise == pytest.approx(min(away))


def test_a_condition_is_a_probability_without_an_interval(latents, table):
    given = {source: each[0][8] for source, each in latents.items()}
    found = read(_fit(latents, table, 8), given, table, COLUMNS, row=8)
    told = next(one for one in found if one.name == "infarct")
    assert 0 < told.predicted["ecg"].value < 1
    assert told.predicted["ecg"].low is None
    assert told.percentile is None


def test_what_too_few_have_is_left_out_and_rows_are_counted_by_participant(latents, table):
    fitted = _fit(latents, table, 8)
    assert set(fitted.probes["ecg"]) == {"mass_g", "infarct"}
    folds = outer_folds(table["participant_id"].to_numpy(str))
    others = table["participant_id"][folds != fitted.fold]
    assert fitted.participants["ecg"] == others.nunique()


def test_a_row_without_a_value_is_predicted_and_has_no_surprise(latents, table):
    table.loc[8, "mass_g"] = np.nan
    given = {"ecg": latents["ecg"][0][8]}
    told = read(_fit(latents, table, 8), given, table, COLUMNS, row=8)[0]
    assert told.measured is None
    assert told.surprise is None
    assert set(told.predicted) == {"ecg"}


def test_probes_are_fitted_to_a_bounded_number_of_rows(latents, table, monkeypatch):
    monkeypatch.setattr(reading, "MOST_ROWS", 100)
    fitted = _fit(latents, table, 8)
    assert fitted.probes["ecg"]["mass_g"].rows == 100


def test_percentile_counts_equal_values_half():
    others = np.array([1.0, 2.0, 2.0, 3.0, np.nan])
    assert percentile(2.0, others) == 50
    assert percentile(0.0, others) == 0
    assert percentile(9.0, others) == 100


def test_standings_place_values_as_percentile_does(rng):
    values = np.round(rng.normal(size=200), 1)
    values[::7] = np.nan
    standings = Standings.of(values)
    for value in (-9.0, values[1], 0.05, values[2], 9.0):
        assert standings.percentile(value) == pytest.approx(percentile(value, values))
    assert standings.mean == pytest.approx(np.nanmean(values))
    assert standings.sd == pytest.approx(np.nanstd(values))
