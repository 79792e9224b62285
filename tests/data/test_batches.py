import threading
import time

import numpy as np
import pytest

from cmae.data.batches import Batches, ReadAhead, in_order, load
from cmae.data.normalization import Normalization
from cmae.errors import CohortError


def equal(one, other) -> bool:
    return (
        one.keys() == other.keys()
        and all((one[name] == other[name]).all() for name in one if name != "present")
        and all((one["present"][n] == other["present"][n]).all() for n in one["present"])
    )


def test_absent_recordings_are_masked_zeros(small_cohort):
    batch = load(small_cohort, [2, 0, 3], ("ecg", "mri"))
    assert batch["present"]["ecg"].tolist() == [True, True, False]
    assert batch["present"]["mri"].tolist() == [False, True, True]
    assert batch["ecg"].shape == (3, 600, 12)
    assert batch["mri"].shape == (3, 96, 96, 50)
    assert batch["ecg"].dtype == batch["mri"].dtype == np.float32
    assert not batch["ecg"][2].any()
    assert not batch["mri"][0].any()
    normal = Normalization()
    for name, place, row in (("ecg", 0, 2), ("ecg", 1, 0), ("mri", 1, 0), ("mri", 2, 3)):
        expected = normal.normalize(name, small_cohort.read(name, row)[None])[0]
        np.testing.assert_allclose(batch[name][place], expected, atol=1e-5)


def test_batch_without_any_recording_of_a_modality_is_all_zeros(small_cohort):
    batch = load(small_cohort, [2, 7], ("mri",))
    assert not batch["mri"].any()
    assert set(batch) == {"mri", "present"}


def test_epoch_holds_each_row_once_in_an_order_of_its_own(full_cohort):
    batches = Batches(full_cohort, np.arange(12), ("ecg",), batch_size=4, seed=3)
    assert batches.steps_per_epoch == 3
    first = np.concatenate([batches.rows_at(step) for step in range(3)])
    second = np.concatenate([batches.rows_at(step) for step in range(3, 6)])
    assert sorted(first) == sorted(second) == list(range(12))
    assert not np.array_equal(first, second)
    other = Batches(full_cohort, np.arange(12), ("ecg",), batch_size=4, seed=4)
    assert not np.array_equal(other.rows_at(0), batches.rows_at(0))


def test_rows_that_do_not_fill_a_batch_wait_for_another_epoch(full_cohort):
    batches = Batches(full_cohort, np.arange(11), ("ecg",), batch_size=4)
    assert batches.steps_per_epoch == 2
    seen = {row for step in range(40) for row in batches.rows_at(step)}
    assert seen == set(range(11))


def test_resumed_stream_continues_as_if_never_stopped(small_cohort):
    batches = Batches(small_cohort, np.arange(12), ("ecg", "mri"), batch_size=5, seed=1)
    with batches.stream(steps=6) as stream:
        whole = list(stream)
    with batches.stream(3, steps=3) as stream:
        resumed = list(stream)
    assert len(whole) == 6
    assert all(equal(one, other) for one, other in zip(whole[3:], resumed, strict=True))
    assert equal(whole[4], batches.at(4))
    with batches.stream() as endless:
        assert equal(next(endless), whole[0])


def test_rows_in_order_come_with_their_numbers_and_a_tail(small_cohort):
    rows = [9, 2, 3, 0, 11]
    with in_order(small_cohort, rows, ("ecg",), batch_size=2) as batches:
        got = list(batches)
    assert [numbers.tolist() for numbers, _ in got] == [[9, 2], [3, 0], [11]]
    assert equal(got[1][1], load(small_cohort, [3, 0], ("ecg",)))


def test_impossible_batches_are_refused(small_cohort):
    with pytest.raises(CohortError, match="cannot fill"):
        Batches(small_cohort, np.arange(3), ("ecg",), batch_size=4)
    with pytest.raises(CohortError, match="2 of 12 rows have no recording"):
        Batches(small_cohort, np.arange(12), ("mri",), batch_size=4)


def test_damage_met_while_reading_ahead_is_raised_where_batches_are_used(small_cohort):
    path = small_cohort.path / "recordings" / "ecg-0001.h5"
    path.write_bytes(path.read_bytes()[:100_000])
    batches = Batches(small_cohort, [0, 1, 2, 4, 5, 6], ("ecg",), batch_size=6)
    with batches.stream() as stream, pytest.raises(CohortError, match="became shorter"):
        next(stream)


def test_reader_stays_a_few_items_ahead_and_ends_when_closed():
    made = []

    def numbers():
        for k in range(1000):
            made.append(k)
            yield k

    stream = ReadAhead(numbers, ahead=2)
    assert [next(stream) for _ in range(5)] == [0, 1, 2, 3, 4]
    time.sleep(0.1)
    assert len(made) <= 5 + 2 + 1
    stream.close()
    assert not stream._thread.is_alive()
    with pytest.raises(StopIteration):
        next(stream)
    stream.close()


def test_forgotten_stream_ends_its_thread():
    stream = ReadAhead(lambda: iter(range(10**9)))
    assert next(stream) == 0
    thread = stream._thread
    del stream
    thread.join(timeout=5)
    assert not thread.is_alive()


def test_items_are_made_in_another_thread_until_they_end():
    with ReadAhead(lambda: (threading.get_ident() for _ in range(3))) as stream:
        makers = list(stream)
    assert len(makers) == 3
    assert threading.get_ident() not in makers
