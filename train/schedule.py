"""When the learning rate falls and when a stage has learned enough."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

from train.experiment import Stage


@dataclass
class Progress:
    """Where a stage stands; all that must survive an interruption besides the weights.

    Attributes:
        epoch: Epochs done.
        best_loss: Lowest validation loss so far.
        best_epoch: The epoch, counted from 1, that had it; 0 before the first.
        last_change: Epoch of the last halving, or of the best loss if later.
        halvings: How often the rate was halved.
        seconds: Time spent training and validating.
    """

    epoch: int = 0
    best_loss: float = math.inf
    best_epoch: int = 0
    last_change: int = 0
    halvings: int = 0
    seconds: float = 0.0

    @classmethod
    def from_mapping(cls, mapping: dict[str, Any]) -> Self:
        """Restore from ``to_mapping``."""
        values = dict(mapping)
        if values["best_loss"] is None:
            values["best_loss"] = math.inf
        return cls(**values)

    def to_mapping(self) -> dict[str, Any]:
        """As JSON can hold it."""
        values = asdict(self)
        if math.isinf(self.best_loss):
            values["best_loss"] = None
        return values

    def learning_rate(self, stage: Stage) -> float:
        """The rate of the next epoch."""
        if stage.schedule.kind == "plateau":
            return stage.learning_rate * 0.5**self.halvings
        warmup = min(stage.schedule.warmup_epochs, stage.epochs - 1)
        if self.epoch < warmup:
            return stage.learning_rate * (self.epoch + 1) / (warmup + 1)
        done = (self.epoch - warmup + 0.5) / (stage.epochs - warmup)
        return stage.learning_rate * 0.5 * (1.0 + math.cos(math.pi * done))

    def record(self, validation_loss: float, stage: Stage) -> bool:
        """Count an epoch in; halve the rate after a plateau.

        Returns:
            Whether this epoch was the best so far.
        """
        self.epoch += 1
        is_best = validation_loss < self.best_loss
        if is_best:
            self.best_loss, self.best_epoch = validation_loss, self.epoch
            self.last_change = self.epoch
        elif (
            stage.schedule.kind == "plateau"
            and self.epoch - self.last_change >= stage.schedule.patience
        ):
            self.halvings += 1
            self.last_change = self.epoch
        return is_best

    def is_over(self, stage: Stage) -> bool:
        """Whether the stage has had its epochs, or has stopped getting better."""
        if self.epoch >= stage.epochs:
            return True
        return (
            stage.schedule.kind == "plateau"
            and self.epoch - self.best_epoch >= stage.schedule.stop_after
        )
