import pytest

VIEWS = ("map", "participant", "upload", "about")


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_draws_without_an_exception_and_names_run_and_cohort(page, texts, view):
    at = page(view)
    assert not at.exception
    words = texts(at)
    assert "quick_run" in words
    assert "12 rows" in words
