import pytest

from app.walk_wish import WalkWish, found, found_parts, from_link, row_of

WISH = WalkWish(
    kind="mri", start="row", along="phenotype:lv_mass_g", alike=("age", "size"), reach=2, count=15
)


def test_a_link_brings_back_the_walk_that_made_it():
    assert from_link(WISH.to_link(), WalkWish()) == WISH
    assert from_link(WalkWish().to_link(), WISH) != WISH


def test_a_link_holds_no_name_of_a_group():
    wish = WalkWish(start="group:Anna's family", along="to:group:Anna's family")
    assert "Anna" not in str(wish.to_link())


@pytest.mark.parametrize(
    "link",
    [
        {"latent": "everything"},
        {"reach": "99"},
        {"reach": "٣"},
        {"steps": "-21"},
        {"steps": "1e9"},
        {"alike": "age.age.<script>.income"},
        {"along": "x" * 100_000},
        {"from": ""},
    ],
)
def test_nonsense_in_a_link_changes_nothing_but_what_is_known(link):
    read = from_link(link, WISH)
    assert read.kind == WISH.kind
    assert (read.reach, read.count, read.start, read.along) == (2, 15, WISH.start, WISH.along)
    assert set(read.alike) <= {"age", "sex", "size"}


def test_a_found_direction_is_named_by_its_association_and_its_name():
    assert found_parts(found(2, "rs12 A:T")) == (2, "rs12 A:T")
    assert found_parts("found:-1:x") == (-1, "")
    assert found_parts("phenotype:x") == (-1, "")


def test_rows_are_read_strictly():
    assert row_of("row:12") == 12
    assert [row_of(text) for text in ("row:", "row:-1", "row:²", "row:1234567890123", "12")] == [
        None
    ] * 5
