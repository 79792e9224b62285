import numpy as np
import pytest

from cmae.errors import SettingsError
from cmae.simulate import ceilings as module
from cmae.simulate.ceilings import Ceilings, ceilings, numbers_of
from cmae.simulate.factors import COLUMNS, ECG_INPUTS
from cmae.simulate.physiology import draw
from cmae.simulate.settings import PopulationSettings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found():
    return ceilings(PopulationSettings(), seed=3, participants=2000)


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
    recalls = {(row.query, row.k): row for row in found.retrieval}
    assert len(recalls) == 6
    for (_, k), row in recalls.items():
        assert row.low <= row.recall <= row.high
        assert row.recall > 5 * row.chance
        assert row.chance == k / row.gallery


def test_without_private_variance_more_can_be_told(found):
    shared = ceilings(PopulationSettings(private_variance=0.0), seed=3, participants=2000)
    assert of(shared, "lv_mass_g", "ecg").value > of(found, "lv_mass_g", "ecg").value + 0.05


def test_a_population_without_disease_has_no_ceiling_for_diagnoses():
    healthy = ceilings(PopulationSettings(disease_frequency=0.0), seed=3, participants=1000)
    assert not [row for row in healthy.phenotypes if row.name == "infarct"]


def test_the_participants_are_others_than_a_cohorts(monkeypatch):
    asked = []

    def spy(participants, **choices):
        asked.append(choices["first"])
        return draw(participants, **choices)

    monkeypatch.setattr(module, "draw", spy)
    monkeypatch.setattr(module, "_questions", list)
    monkeypatch.setattr(module, "_retrieval", lambda split: ())
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
    (tmp_path / "ceilings.json").write_text('{"format": "x"}')
    with pytest.raises(SettingsError, match="compute them anew"):
        Ceilings.load(tmp_path / "ceilings.json")


def test_too_few_participants_are_refused():
    with pytest.raises(SettingsError, match="1,000 or more"):
        ceilings(PopulationSettings(), seed=1, participants=999)
