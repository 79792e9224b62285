"""When the rate falls and when a stage ends."""

from dataclasses import replace

import pytest

from train.experiment import Schedule, Stage
from train.schedule import Progress

PLATEAU = Stage(
    "x", ("ecg",), epochs=50, learning_rate=1.0, schedule=Schedule(patience=2, stop_after=6)
)


def test_plateau_halves_after_patience_and_stops_after_three():
    progress, rates = Progress(), []
    progress.record(1.0, PLATEAU)
    while not progress.is_over(PLATEAU):
        rates.append(progress.learning_rate(PLATEAU))
        progress.record(2.0, PLATEAU)
    assert rates == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    assert (progress.best_epoch, progress.best_loss) == (1, 1.0)


def test_a_better_loss_resets_the_patience():
    progress = Progress()
    for loss in (3.0, 4.0, 2.0, 4.0, 1.0, 4.0):
        progress.record(loss, PLATEAU)
    assert progress.halvings == 0
    assert not progress.is_over(PLATEAU)


def test_cosine_rises_then_falls_to_almost_nothing():
    stage = replace(PLATEAU, epochs=10, schedule=Schedule(kind="cosine", warmup_epochs=2))
    progress, rates = Progress(), []
    while not progress.is_over(stage):
        rates.append(progress.learning_rate(stage))
        progress.record(1.0, stage)
    assert len(rates) == 10
    assert rates[:2] == pytest.approx([1 / 3, 2 / 3])
    assert max(rates) == rates[2] > 0.98
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[-1] < 0.02


def test_progress_survives_json():
    progress = Progress()
    assert Progress.from_mapping(progress.to_mapping()) == progress
    progress.record(0.5, PLATEAU)
    assert Progress.from_mapping(progress.to_mapping()) == progress
