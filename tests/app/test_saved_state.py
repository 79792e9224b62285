import json

import numpy as np
import pytest

from app import saved_state
from app.groups import Filter, Group
from app.saved_state import SavedState, read_state
from cmae.errors import InputError

STATE = SavedState(
    cohort="c" * 64,
    run="r" * 64,
    row=7,
    filters=(Filter("age_years", low=45.5), Filter("sex", values=(1,))),
    chosen=Group("Selection", np.array([1, 3]), {"space": "both", "shapes": [{"mode": "add"}]}),
    groups=(Group("Ämne", np.array([4]), {"listed": 1}), Group("Nobody", np.array([], np.int64))),
    settings={"colour": "sex", "ecg_difference": True},
)


def _read(data):
    return read_state(data, cohort=STATE.cohort, count=10)


def test_a_state_comes_back_from_its_file():
    back = _read(STATE.to_bytes())
    assert (back.run, back.row, back.filters) == (STATE.run, 7, STATE.filters)
    assert back.settings == STATE.settings
    for group, known in zip(
        (back.chosen, *back.groups), (STATE.chosen, *STATE.groups), strict=True
    ):
        assert (group.name, group.how) == (known.name, known.how)
        assert group.rows.tolist() == known.rows.tolist()
    assert back.to_bytes() == STATE.to_bytes()


def test_a_state_of_another_cohort_restores_nothing():
    with pytest.raises(InputError, match="another cohort"):
        read_state(STATE.to_bytes(), cohort="d" * 64, count=10)


def _changed(**changes):
    return json.dumps({**json.loads(STATE.to_bytes()), **changes}).encode()


GROUP = {"name": "G", "how": {}, "rows": [1]}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"1" * 10_000,
        b"[1]",
        b'{"format": "other"}',
        _changed(format_number="1"),
        _changed(format_number=2),
        _changed(row=10),
        _changed(row=True),
        _changed(filters=[{"column": "age_years", "low": "45"}]),
        _changed(filters=[{"column": "age_years", "code": 1}]),
        _changed(filters=[{"column": ["a"]}]),
        _changed(filters=[{"column": "sex", "values": [[1]]}]),
        _changed(groups=[{**GROUP, "rows": [10]}]),
        _changed(groups=[{**GROUP, "rows": [-1]}]),
        _changed(groups=[{**GROUP, "rows": [1.5]}]),
        _changed(groups=[{**GROUP, "rows": "1"}]),
        _changed(groups=[{**GROUP, "name": "x" * 5_000}]),
        _changed(groups=[GROUP] * 1_000),
        _changed(chosen={"rows": [1]}),
        _changed(settings=[]),
    ],
)
def test_damaged_and_hostile_files_are_one_sentence(data):
    with pytest.raises(InputError, match="state"):
        _read(data)


def test_a_huge_file_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(saved_state, "MAX_BYTES", 10)
    with pytest.raises(InputError, match="MB"):
        _read(STATE.to_bytes())
