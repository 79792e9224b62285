import numpy as np
import pytest

from app.walk_words import step_label, ticks, trust_words, warning
from cmae.latent.course import Course
from cmae.latent.traversal import along, walk
from cmae.latent.trust import Trust


def _course(ends, *, step="SD", steps=(-3.0, 0.0, 3.0)):
    taken = walk(np.zeros(4), along(np.ones(4), name="x", step=step, rows=9), steps)
    numbers = np.ones(len(steps))
    trust = Trust(numbers, numbers, numbers, np.arange(len(steps)))
    return Course(taken, trust, np.ones(60, int), ends, ())


@pytest.mark.parametrize(
    ("step", "word", "text"),
    [
        (0.0, "SD", "start"),
        (1.2, "SD", "+1.2 SD"),
        (-0.6, "SD", "−0.6 SD"),
        (1.0, "allele", "+1 allele"),
        (-40.0, "allele", "−40 alleles"),
        (0.25, "way", "25 %"),
    ],
)
def test_steps_are_written_as_people_say_them(step, word, text):
    assert step_label(step, word) == text


def test_the_warning_names_where_the_data_ends():
    assert "Beyond +2.1 SD nobody" in warning(_course((None, 2.08)))
    assert "Beyond −2.5 SD and +2.9 SD nobody" in warning(_course((-2.5, 2.9)))
    assert warning(_course((None, None))).startswith("All of this walk")
    assert "The start itself" in warning(_course((0.0, 0.0), steps=(-3.0, 3.0)))


def test_ticks_stand_at_whole_steps_and_name_the_start():
    assert [text for _, text in ticks(_course((None, None)).walk)] == [
        "−3", "−2", "−1", "start", "+1", "+2", "+3",
    ]  # fmt: skip
    way = _course((None, None), step="way", steps=(0.0, 0.5, 1.0)).walk
    assert [text for _, text in ticks(way)] == ["start", "25 %", "50 %", "75 %", "100 %"]


def test_trust_says_more_where_few_are_near():
    assert trust_words(0.9, 0.6).endswith("each other.")
    assert "2.0 % of people" in trust_words(1.2, 0.02)
    assert "anybody" in trust_words(2.0, 0.0)
    assert "nobody lies as far along" in trust_words(1.1, 0.3, is_inside=False)
