"""Reading by several processes: in order, and one bad file costs itself alone."""

import operator
import os
import time
from functools import partial

from cmae.errors import ReadError
from cmae.readers.workers import Refused, in_order


def fail(error):
    raise error


def values(tasks, **settings):
    return [
        outcome.reason if isinstance(outcome, Refused) else outcome
        for outcome in in_order(tasks, operator.call, **settings)
    ]


def test_one_that_hangs_and_one_that_dies_cost_themselves_alone():
    tasks = [partial(operator.neg, k) for k in range(40)]
    tasks[3] = partial(time.sleep, 60)
    tasks[7] = partial(os._exit, 3)

    found = values(tasks, processes=2, timeout_s=1.5)

    assert "more than 1.5 s" in found.pop(3)
    assert "ended the process" in found.pop(6)
    assert found == [-k for k in range(40) if k not in {3, 7}]


def test_without_processes_errors_are_refusals_that_tell_no_values():
    tasks = [
        partial(operator.neg, 1),
        partial(fail, ReadError("It is\nflat.")),
        partial(fail, KeyError("P-77")),
    ]

    found = values(tasks, processes=0)

    assert found[:2] == [-1, "It is flat."]
    assert "KeyError" in found[2]
    assert "P-77" not in found[2]


def test_nobody_waits_for_what_is_not_asked_for():
    outcomes = in_order([partial(time.sleep, 0), partial(time.sleep, 60)], operator.call,
                        processes=1)  # fmt: skip
    start = time.monotonic()
    next(outcomes)
    outcomes.close()
    assert time.monotonic() - start < 50
