import io
import json

import numpy as np
import pandas as pd
import pytest

from app import map_caches, map_data
from app.exports import Export
from app.groups import Group

ROWS = np.array([1, 4, 6])


@pytest.fixture
def export(explorer):
    """Three rows of the small cohort, with a way in which they were chosen."""
    group = Group("Mine", ROWS, {"listed": 3})

    def make(**options):
        return Export(explorer, group, ["Listed: 3 rows"], **options)

    return make


def test_rows_are_exported_without_identifiers_unless_they_were_switched_on(export, explorer):
    plain = pd.read_csv(io.BytesIO(export().csv()))
    assert plain["row"].tolist() == ROWS.tolist()
    ages = explorer.cohort.table["age_years"].iloc[ROWS]
    assert plain["age_years"].tolist() == ages.tolist()
    assert "participant_id" not in plain
    named = pd.read_csv(io.BytesIO(export(with_identifiers=True).csv()))
    assert named["participant_id"].tolist() == [
        str(each) for each in explorer.cohort.table["participant_id"].iloc[ROWS]
    ]


def test_latents_are_those_of_the_rows_and_missing_ones_are_empty(export, explorer):
    table = pd.read_parquet(io.BytesIO(export(with_latents=True).parquet()))
    rows = explorer.latent_rows[ROWS]
    for kind in explorer.latents.kinds:
        known = np.asarray(explorer.latents.latents[kind])[rows]
        known[~explorer.latents.present[kind][rows]] = np.nan
        columns = [name for name in table if name.startswith(f"{kind}_latent_")]
        np.testing.assert_array_equal(table[columns].to_numpy(), known)


def test_how_the_rows_were_chosen_goes_with_them(export, explorer):
    how = json.loads(export().sidecar())
    assert how["made"] == ["Listed: 3 rows"]
    assert how["how"] == {"listed": 3}
    assert how["cohort"] == explorer.cohort.fingerprint
    assert how["rows"] == 3


@pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<?xml"), (".png", b"\x89PNG")])
def test_the_map_is_drawn_with_the_selection_in_its_own_colour(export, suffix, start):
    points = map_caches.map_points("both", "umap")
    assert export().figure(points, suffix).startswith(start)
    everybody = Export(export().explorer, None, [])
    assert everybody.figure(points, suffix) != export().figure(points, suffix)
    assert map_data.points_of_rows(points, ROWS).sum() > 3


def test_the_report_says_run_cohort_and_how_it_was_made(export, explorer):
    page = export().page(["age_years"], ["Map umap"]).decode()
    for words in ("Mine: 3 of 12", "Listed: 3 rows", "quick_run", explorer.cohort.fingerprint):
        assert words in page
