import numpy as np
import pandas as pd
import pytest

from cmae.errors import InputError
from cmae.latent.traversal import (
    Direction,
    along,
    between,
    decode_walk,
    even_steps,
    mean_latent,
    phenotype_direction,
    principal_components,
    variance_share,
    walk,
)


class LinearRun:
    """A run whose recordings are its latents, twice; it counts its batches."""

    modalities = ("ecg", "mri")

    def __init__(self):
        self.batches = []

    def decode(self, modality, latents, *, mean=None, std=None):
        self.batches.append((modality, len(latents)))
        scale = 1.0 if std is None else std[:, None]
        return (2 * latents * scale).astype(np.float32)


@pytest.fixture(scope="module")
def people():
    """Latents in which LV mass moves coordinate 1 and sex, which tells of mass, coordinate 2."""
    rng = np.random.default_rng(0)
    sex = rng.integers(0, 2, 4000).astype(float)
    mass = 80 + 30 * sex + rng.normal(0, 15, 4000)
    latents = rng.normal(0, 0.5, (4000, 6))
    latents[:, 1] += 0.02 * mass
    latents[:, 2] += 2 * sex
    site = rng.choice(np.array(["north", "south"], dtype=object), 4000)
    table = pd.DataFrame({"sex": sex, "lv_mass_g": mass, "site": site})
    return latents.astype(np.float32), table


def test_direction_is_the_planted_one_once_covariates_are_removed(people):
    latents, table = people
    raw = phenotype_direction(latents, table, "lv_mass_g")
    pure = phenotype_direction(latents, table, "lv_mass_g", kind="ecg", covariates=["sex", "site"])
    assert abs(raw.vector[2]) > 0.8  # sex shines through
    assert pure.vector[1] > 0.99
    assert pure.size * pure.vector[1] == pytest.approx(0.02 * table["lv_mass_g"].std(), rel=0.05)
    assert np.linalg.norm(pure.vector) == pytest.approx(1)
    assert (pure.name, pure.step, pure.kind, pure.rows) == ("lv_mass_g", "SD", "ecg", 4000)


def test_direction_is_the_least_squares_of_latents_on_phenotype_and_covariates(people):
    latents, table = people
    found = phenotype_direction(latents, table, "lv_mass_g", covariates=["sex"])
    z = (table["lv_mass_g"] - table["lv_mass_g"].mean()) / table["lv_mass_g"].std(ddof=0)
    design = np.column_stack([np.ones(4000), table["sex"], z])
    wanted = np.linalg.lstsq(design, latents.astype(np.float64), rcond=None)[0][-1]
    np.testing.assert_allclose(found.vector * found.size, wanted, rtol=1e-6, atol=1e-9)


def test_rows_that_lack_something_are_left_out(people):
    latents, table = people[0].copy(), people[1].copy()
    latents[:100] = np.nan
    table.loc[100:149, "lv_mass_g"] = np.nan
    table.loc[150:159, "sex"] = np.nan
    found = phenotype_direction(latents, table, "lv_mass_g", covariates=["sex"])
    assert found.rows == 4000 - 160


def test_a_phenotype_among_its_own_covariates_is_not_removed_from_itself(people):
    latents, table = people
    with_itself = phenotype_direction(latents, table, "sex", covariates=["sex"])
    np.testing.assert_array_equal(
        with_itself.vector, phenotype_direction(latents, table, "sex").vector
    )


@pytest.mark.parametrize(
    ("name", "covariates", "message"),
    [
        ("weight_kg", [], "no column weight_kg"),
        ("site", [], "is text"),
        ("constant", [], "same in all rows"),
        ("twice_sex", ["sex"], "does not vary beyond"),
    ],
)
def test_phenotypes_without_a_direction_are_refused(people, name, covariates, message):
    latents, table = people
    table = table.assign(constant=3.0, twice_sex=2 * table["sex"])
    with pytest.raises(InputError, match=message):
        phenotype_direction(latents, table, name, covariates=covariates)


def test_too_few_rows_and_another_number_of_latents_are_refused(people):
    latents, table = people
    with pytest.raises(InputError, match="9 rows have"):
        phenotype_direction(latents[:9], table[:9], "lv_mass_g")
    with pytest.raises(InputError, match="one latent a row"):
        phenotype_direction(latents[:9], table, "lv_mass_g")
    with pytest.raises(InputError, match="does not move with"):
        phenotype_direction(np.zeros_like(latents), table, "lv_mass_g")


def test_components_are_those_of_the_singular_value_decomposition(people):
    latents = people[0].copy()
    latents[5] = np.nan
    found = principal_components(latents, 3, kind="mri")
    values = np.delete(latents, 5, axis=0).astype(np.float64)
    _, sizes, rows = np.linalg.svd(values - values.mean(0), full_matrices=False)
    for place, one in enumerate(found):
        assert abs(one.vector @ rows[place]) == pytest.approx(1)
        assert one.size == pytest.approx(sizes[place] / (len(values) - 1) ** 0.5)
        assert one.vector[np.abs(one.vector).argmax()] > 0
    assert (found[0].name, found[0].step, found[0].kind) == ("PC 1", "SD", "mri")
    with pytest.raises(InputError, match="6 directions"):
        principal_components(latents, 7)
    with pytest.raises(InputError, match="10 or more"):
        principal_components(latents[:9], 1)


def test_a_walk_from_a_to_b_begins_at_a_and_ends_at_b():
    first, last = np.array([1.0, 2.0]), np.array([4.0, -2.0])
    taken = walk(first, between(first, last, name="A to B"), [0, 0.5, 1])
    np.testing.assert_allclose(taken.points, [[1, 2], [2.5, 0], [4, -2]], rtol=1e-6)
    with pytest.raises(InputError, match="does not move"):
        between(first, first, name="A to A")
    with pytest.raises(InputError, match="same latents"):
        between(first, np.ones(3), name="A to B")


def test_walk_decodes_steps_away_from_its_start_in_one_batch():
    effect = Direction("rs1 G", "allele", "joint", np.array([0.6, 0.8, 0.0]), 0.5, 100)
    run = LinearRun()
    taken = walk(np.ones(3), effect, (-2, 0, 2))
    found = decode_walk(run, taken, cine=np.array([[0.0, 6.0]]))
    np.testing.assert_allclose(found["ecg"][:, 0], [0.8, 2, 3.2], rtol=1e-6)
    np.testing.assert_allclose(found["mri"], 3 * found["ecg"], rtol=1e-6)
    assert run.batches == [("ecg", 3), ("mri", 3)]


@pytest.mark.parametrize(
    ("start", "steps", "message"),
    [
        (np.ones(3), (), "no step"),
        (np.ones(4), (1,), "same latents"),
        (np.ones(3), (np.nan,), "not finite"),
        (np.full(3, np.nan), (1,), "not finite"),
        (np.ones(3), range(1000), "201 or fewer"),
    ],
)
def test_impossible_walks_are_refused(start, steps, message):
    effect = Direction("rs1 G", "allele", "joint", np.array([0.6, 0.8, 0.0]), 0.5, 100)
    with pytest.raises(InputError, match=message):
        walk(start, effect, list(steps))


def test_the_mean_latent_is_of_those_rows_that_have_one(people):
    latents = people[0].copy()
    latents[3] = np.nan
    rows = np.array([3, 5, 9])
    np.testing.assert_allclose(mean_latent(latents, rows), latents[[5, 9]].mean(0), rtol=1e-6)
    wanted = np.nanmean(latents.astype(np.float64), axis=0)
    np.testing.assert_allclose(mean_latent(latents), wanted, rtol=1e-6)
    with pytest.raises(InputError, match="None of these rows"):
        mean_latent(latents, np.array([3]))


def test_steps_are_even_about_the_start(people):
    latents = people[0]
    component = principal_components(latents, 1)[0]
    found = even_steps(component, latents, reach=2, count=5)
    np.testing.assert_allclose(found, [-2, -1, 0, 1, 2])
    way = between(latents[0], latents[1], name="two")
    np.testing.assert_allclose(even_steps(way, latents, reach=3, count=3), [0, 0.5, 1])


def test_a_variant_is_walked_in_whole_alleles_that_span_the_latents(people):
    latents = people[0]
    move = np.zeros(6)
    move[1] = 0.01
    direction = along(move, name="rs1 A", step="allele", rows=4000)
    found = even_steps(direction, latents, reach=3, count=21)
    assert (found == np.round(found)).all()
    assert found[-1] * 0.01 == pytest.approx(3 * latents[:, 1].std(), rel=0.05)


@pytest.mark.parametrize(("reach", "count"), [(3, 4), (3, 1), (3, 999), (0, 5), (np.nan, 5)])
def test_steps_that_cannot_be_are_refused(people, reach, count):
    component = principal_components(people[0], 1)[0]
    with pytest.raises(InputError):
        even_steps(component, people[0], reach=reach, count=count)


def test_components_share_the_variance_and_lie_across_each_other(people):
    latents = people[0]
    components = principal_components(latents, 6)
    shares = [variance_share(each, latents) for each in components]
    assert sum(shares) == pytest.approx(1, rel=1e-5)
    assert shares == sorted(shares, reverse=True)
    assert components[0].cosine(components[0]) == pytest.approx(1)
    assert components[0].cosine(components[1]) == pytest.approx(0, abs=1e-6)
