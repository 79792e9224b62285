"""Maps of two phenotype axes against NumPy written longhand."""

import numpy as np
import pandas as pd
import pytest

from cmae.errors import InputError
from cmae.latent.phenotype_map import phenotype_map

ROWS, DIM = 400, 6


@pytest.fixture
def planted():
    """Latents in which two phenotypes move two coordinates, and age moves the first as well."""
    rng = np.random.default_rng(3)
    age = rng.normal(60, 8, ROWS)
    mass = rng.normal(120, 20, ROWS) + 2.0 * (age - 60)
    duration = rng.normal(95, 10, ROWS)
    joint = rng.normal(size=(ROWS, DIM))
    joint[:, 0] += (mass - 120) / 10
    joint[:, 1] += (duration - 95) / 4
    joint[:, 2] += (age - 60) / 2
    ecg = joint + rng.normal(0, 0.2, joint.shape)
    mri = joint + rng.normal(0, 0.2, joint.shape)
    mri[7] = np.nan
    table = pd.DataFrame({"age_years": age, "lv_mass_g": mass, "qrs_ms": duration})
    table.loc[3, "lv_mass_g"] = np.nan
    return {"ecg": ecg, "mri": mri, "joint": joint}, table


def test_positions_are_projections_in_sds_of_the_joint_latents(planted):
    latents, table = planted
    found = phenotype_map(latents, table, ("lv_mass_g", "qrs_ms"))
    for axis, direction in enumerate(found.axes):
        along = latents["joint"] @ direction.vector
        expected = (latents["ecg"] @ direction.vector - along.mean()) / along.std()
        np.testing.assert_allclose(found.positions["ecg"][:, axis], expected, atol=1e-4)
    joint = found.positions["joint"]
    np.testing.assert_allclose(joint.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(joint.std(axis=0), 1, atol=1e-4)


def test_an_axis_grows_with_its_phenotype(planted):
    latents, table = planted
    found = phenotype_map(latents, table, ("lv_mass_g", "qrs_ms"))
    known = table["lv_mass_g"].notna()
    joint = found.positions["joint"]
    r = np.corrcoef(joint[known, 0], table["lv_mass_g"][known])[0, 1]
    assert found.correlations[0] == pytest.approx(r, abs=1e-5)
    assert found.correlations[0] > 0.7
    assert found.correlations[1] > 0.7
    assert found.cosine == pytest.approx(found.axes[0].vector @ found.axes[1].vector)


def test_a_row_without_a_latent_has_no_place_and_one_without_the_phenotype_has(planted):
    latents, table = planted
    found = phenotype_map(latents, table, ("lv_mass_g", "qrs_ms"))
    assert np.isnan(found.positions["mri"][7]).all()
    assert np.isfinite(found.positions["mri"][3]).all()
    assert np.isfinite(found.positions["ecg"][7]).all()


def test_adjusting_takes_out_what_the_covariate_moves(planted):
    latents, table = planted
    plain = phenotype_map(latents, table, ("lv_mass_g", "qrs_ms"))
    adjusted = phenotype_map(latents, table, ("lv_mass_g", "qrs_ms"), covariates=("age_years",))
    assert abs(plain.axes[0].vector[2]) > 0.3
    assert abs(adjusted.axes[0].vector[2]) < 0.15


@pytest.mark.parametrize(
    ("names", "kind", "sentence"),
    [
        (("qrs_ms", "qrs_ms"), "joint", "two phenotypes"),
        (("qrs_ms", "unheard_of"), "joint", "no column"),
        (("qrs_ms", "lv_mass_g"), "pet", "none are pet"),
    ],
)
def test_axes_that_cannot_be_are_refused(planted, names, kind, sentence):
    with pytest.raises(InputError, match=sentence):
        phenotype_map(*planted, names, kind=kind)
