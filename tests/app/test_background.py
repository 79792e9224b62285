import threading

import pytest

from app.background import Background, drawing
from cmae.errors import RunError

PATIENCE_S = 30


def test_work_gives_its_result_and_says_how_far_it_is():
    go_on = threading.Event()

    def work(report):
        report(0.5)
        assert go_on.wait(PATIENCE_S)
        return 42

    background = Background(work)
    assert background.result is None
    assert not background.is_done
    go_on.set()
    assert background.wait(PATIENCE_S)
    assert (background.result, background.share, background.error) == (42, 0.5, None)


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (RunError("The run is gone: copy it again."), "The run is gone"),
        (KeyError("P005"), "KeyError"),
    ],
)
def test_work_that_fails_ends_with_a_sentence_that_quotes_nothing(raised, said, caplog):
    def work(report):
        raise raised

    background = Background(work)
    assert background.wait(PATIENCE_S)
    assert background.result is None
    assert said in str(background.error)
    assert "P005" not in str(background.error)


def test_work_waits_while_a_page_is_drawn():
    parts, begun = [], threading.Event()

    def work(report):
        for part in range(3):
            parts.append(part)
            begun.set()
            report(part / 3)
        return parts

    with drawing():
        waiting = Background(work)
        assert not begun.wait(0.2)
    assert waiting.wait(PATIENCE_S)
    assert waiting.result == [0, 1, 2]


def test_nobody_waits_for_people_without_end():
    with drawing():
        started = threading.Event()
        background = Background(lambda _: started.set())
        assert background.wait(PATIENCE_S)
        assert started.is_set()
