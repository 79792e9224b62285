import json

import numpy as np
import pytest

from cmae.errors import SettingsError
from cmae.simulate import ceilings as module
from cmae.simulate.ceilings import Ceilings, ceilings, numbers_of
from cmae.simulate.factors import COLUMNS, ECG_INPUTS
from cmae.simulate.physiology import draw
from cmae.simulate.settings import PopulationSettings

pytestmark = pytest.mark.slow

FEW = (100, 250)
"""Galleries that 2,000 participants fill without more being drawn."""


@pytest.fixture(scope="module")
def found():
    return ceilings(PopulationSettings(), seed=3, participants=2000, galleries=FEW)


def of(found, name, source):
    (one,) = [row for row in found.phenotypes if (row.name, row.source) == (name, source)]
    return one


def test_each_continuous_phenotype_is_told_by_the_other_modality_alone(found):
    for name, source in (("lvedv_ml", "mri"), ("pr_ms", "ecg")):
        assert not [row for row in found.phenotypes if (row.name, row.source) == (name, source)]
    named = {row.name for row in found.phenotypes}
    continuous = {
        name for name, column in COLUMNS.items()
        if column.role == "phenotype" and column.kind == "continuous"
    }  # fmt: skip
    assert continuous <= named
    assert {row.source for row in found.phenotypes if row.name == "sex"} == {"ecg", "mri"}


def test_ceilings_lie_between_chance_and_knowing(found):
    for row in found.phenotypes:
        assert row.low <= row.value <= row.high <= 1
        assert (row.within_sex is None) == (row.measure == "auroc")
        assert row.measure == ("auroc" if COLUMNS[row.name].kind == "binary" else "r2")
    mass = of(found, "lv_mass_g", "ecg")
    assert 0.2 < mass.value < 0.8
    assert 0.1 < mass.within_sex < mass.value
    assert 0.7 < of(found, "heart_rate_bpm", "mri").value < 0.95
    assert of(found, "lv_hypertrophy", "mri").value > 0.8
    assert of(found, "la_ef_percent", "ecg").value < 0.5


def test_retrieval_is_better_than_chance(found):
    recalls = {(row.query, row.k, row.gallery): row for row in found.retrieval}
    assert len(recalls) == 12
    for (query, k, gallery), row in recalls.items():
        assert found.of_retrieval(query, k, gallery) == row
        assert row.low <= row.recall <= row.high
        assert row.recall > 5 * row.chance
        assert row.chance == k / row.gallery
    assert recalls["ecg", 1, 100].recall > recalls["ecg", 1, 250].recall
    with pytest.raises(SettingsError, match="no ceiling of recall@10 among 4,752 by the ECG"):
        found.of_retrieval("ecg", 10, 4752)


def test_participants_are_drawn_until_half_of_the_held_out_fill_the_largest_gallery(monkeypatch):
    monkeypatch.setattr(module, "_questions", list)
    monkeypatch.setattr(module, "_boosting", lambda kind: Constant())
    found = ceilings(PopulationSettings(), seed=3, participants=1000, galleries=(200, 600))
    assert (found.trained, found.held_out) == (750, 250)
    assert {row.gallery: row.participants for row in found.retrieval} == {200: 1200, 600: 1200}


class Constant:
    """A model that learned nothing."""

    def fit(self, inputs, truth):
        return self

    def predict(self, inputs):
        return np.zeros(len(inputs))


def test_ranks_are_those_of_the_likelihood_ratio_written_longhand():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4))
    predicted = 0.6 * truth + rng.normal(0, 0.5, (60, 4))
    ecg, mri, size = module._ranks(truth, predicted, 30)
    wanted = []
    for own, other in (
        (slice(0, None, 2), slice(1, None, 2)),
        (slice(1, None, 2), slice(0, None, 2)),
    ):
        within = np.linalg.inv(np.cov((truth - predicted)[other].T) + 1e-4 * np.eye(4))
        total = np.linalg.inv(np.cov(truth[other].T) + 1e-4 * np.eye(4))
        scores = np.array(
            [
                [-(y - guess) @ within @ (y - guess) + y @ total @ y for y in truth[own]]
                for guess in predicted[own]
            ]
        )
        wanted.append(scores)
    assert size == 30
    np.testing.assert_array_equal(
        ecg, np.concatenate([(s > np.diag(s)[:, None]).sum(1) for s in wanted])
    )
    np.testing.assert_array_equal(
        mri, np.concatenate([(s > np.diag(s)[None]).sum(0) for s in wanted])
    )


def test_without_private_variance_more_can_be_told(found):
    shared = ceilings(
        PopulationSettings(private_variance=0.0), seed=3, participants=2000, galleries=FEW
    )
    assert of(shared, "lv_mass_g", "ecg").value > of(found, "lv_mass_g", "ecg").value + 0.05


def test_a_population_without_disease_has_no_ceiling_for_diagnoses():
    healthy = ceilings(
        PopulationSettings(disease_frequency=0.0), seed=3, participants=1000, galleries=FEW
    )
    assert not [row for row in healthy.phenotypes if row.name == "infarct"]


def test_the_participants_are_others_than_a_cohorts(monkeypatch):
    asked = []

    def spy(participants, **choices):
        asked.append(choices["first"])
        return draw(participants, **choices)

    monkeypatch.setattr(module, "draw", spy)
    monkeypatch.setattr(module, "_questions", list)
    monkeypatch.setattr(module, "_retrieval", lambda split, galleries: ())
    ceilings(PopulationSettings(), seed=3, participants=1000)
    assert min(asked) > 10**9


def test_inputs_are_numbers_without_the_noise():
    table = draw(300, seed=1)
    numbers = numbers_of(table, ECG_INPUTS)
    assert numbers.dtype == np.float64
    amplitude = table["ecg_noise_mv"].to_numpy()
    assert not any(np.array_equal(column, amplitude) for column in numbers.T)


def test_ceilings_survive_saving(found, tmp_path):
    found.save(tmp_path / "ceilings.json")
    assert Ceilings.load(tmp_path / "ceilings.json") == found
    older = json.loads((tmp_path / "ceilings.json").read_text())
    assert older["format_number"] == 2
    (tmp_path / "ceilings.json").write_text(json.dumps({**older, "format_number": 1}))
    assert Ceilings.load(tmp_path / "ceilings.json") == found
    (tmp_path / "ceilings.json").write_text('{"format": "x"}')
    with pytest.raises(SettingsError, match="compute them anew"):
        Ceilings.load(tmp_path / "ceilings.json")


def test_too_few_participants_are_refused():
    with pytest.raises(SettingsError, match="1,000 or more"):
        ceilings(PopulationSettings(), seed=1, participants=999)
