"""Cohort to batches in model units, with a presence mask, read ahead in the background."""

import queue
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from cmae.data.cohort import Cohort
from cmae.data.modality import MODALITIES
from cmae.data.normalization import Normalization
from cmae.errors import CohortError

Batch = dict[str, Any]
"""Recordings by modality, (n, *shape) float32 in model units, zeros where there is none, and under
``"present"`` a mask by modality, (n,) bool."""

AHEAD = 3
"""Batches that are read before they are asked for."""

Item = TypeVar("Item")


def load(
    cohort: Cohort,
    rows: Sequence[int] | NDArray[np.integer[Any]],
    modalities: Sequence[str],
    *,
    normalization: Normalization | None = None,
) -> Batch:
    """Return the recordings of some rows in model units, zeros where a row has none.

    Args:
        cohort: Where they are.
        rows: Which rows, in the order of the batch.
        modalities: Names of the modalities to read.
        normalization: Model units; None for the usual ones.

    Returns:
        A Batch: ``{"ecg": (n, 600, 12), "mri": (n, 96, 96, 50), "present": {"ecg": (n,), …}}``.

    Raises:
        InputError: A recording is damaged.
    """
    normalization = normalization or Normalization()
    numbers = np.asarray(rows, np.int64)
    batch: Batch = {"present": {}}
    for name in modalities:
        present = cohort.has(name)[numbers]
        if present.all():
            recordings = cohort.read_many(name, numbers)
            batch[name] = normalization.normalize(name, recordings, out=recordings)
        else:
            batch[name] = np.zeros((len(numbers), *MODALITIES[name].shape), np.float32)
            if present.any():
                recordings = cohort.read_many(name, numbers[present])
                batch[name][present] = normalization.normalize(name, recordings, out=recordings)
        batch["present"][name] = present
    return batch


@dataclass(frozen=True, eq=False)
class Batches:
    """The batches of a training: which rows are in which depends on seed and step alone.

    An epoch is one pass over the rows in an order drawn for it; the rows that do not fill a batch
    wait for another epoch. Nothing is remembered between batches, so a training that resumes at a
    step gets the same batches as one that was never stopped.

    Attributes:
        cohort: Where the recordings are.
        rows: Rows to draw from; each has at least one of the modalities.
        modalities: Names of the modalities to read.
        batch_size: Rows in a batch.
        seed: Of the orders.
        normalization: Model units.
    """

    cohort: Cohort
    rows: NDArray[np.int64]
    modalities: tuple[str, ...]
    batch_size: int
    seed: int = 0
    normalization: Normalization = field(default_factory=Normalization)

    def __post_init__(self) -> None:
        """Raise CohortError where no batch could be made."""
        object.__setattr__(self, "rows", np.asarray(self.rows, np.int64))
        object.__setattr__(self, "modalities", tuple(self.modalities))
        if self.batch_size < 1 or len(self.rows) < self.batch_size:
            raise CohortError(
                f"{len(self.rows)} rows cannot fill a batch of {self.batch_size}: "
                "take smaller batches, or a larger cohort."
            )
        has_any = np.any([self.cohort.has(name)[self.rows] for name in self.modalities], axis=0)
        if not has_any.all():
            raise CohortError(
                f"{int((~has_any).sum())} of {len(self.rows)} rows have no recording in "
                f"{' or '.join(self.modalities)}: leave them out."
            )

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass over the rows."""
        return len(self.rows) // self.batch_size

    def rows_at(self, step: int) -> NDArray[np.int64]:
        """Return the rows of batch ``step``, counted from 0 over all epochs, (batch_size,)."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = np.random.default_rng([self.seed, epoch]).permutation(self.rows)
        return order[place * self.batch_size : (place + 1) * self.batch_size]

    def at(self, step: int) -> Batch:
        """Return batch ``step``, counted from 0 over all epochs."""
        return load(
            self.cohort, self.rows_at(step), self.modalities, normalization=self.normalization
        )

    def stream(self, first_step: int = 0, *, steps: int | None = None) -> "ReadAhead[Batch]":
        """Return the batches from ``first_step`` on, read in the background.

        Args:
            first_step: Where to start, counted from 0 over all epochs.
            steps: How many; None for no end.

        Returns:
            An iterator; close it, or use it in a ``with`` block.
        """
        last = None if steps is None else first_step + steps
        return ReadAhead(lambda: self._batches(first_step, last))

    def _batches(self, step: int, last: int | None) -> Iterator[Batch]:
        order, drawn = self.rows, -1
        while last is None or step < last:
            epoch, place = divmod(step, self.steps_per_epoch)
            if epoch != drawn:
                order = np.random.default_rng([self.seed, epoch]).permutation(self.rows)
                drawn = epoch
            rows = order[place * self.batch_size : (place + 1) * self.batch_size]
            yield load(self.cohort, rows, self.modalities, normalization=self.normalization)
            step += 1


def in_order(
    cohort: Cohort,
    rows: Sequence[int] | NDArray[np.integer[Any]],
    modalities: Sequence[str],
    *,
    batch_size: int,
    normalization: Normalization | None = None,
) -> "ReadAhead[tuple[NDArray[np.int64], Batch]]":
    """Return all rows in batches, in the order given, read in the background.

    Args:
        cohort: Where the recordings are.
        rows: Which rows.
        modalities: Names of the modalities to read; a row may lack any.
        batch_size: Rows in a batch; the last batch may be smaller.
        normalization: Model units; None for the usual ones.

    Returns:
        An iterator over (rows of the batch (n,), batch); close it, or use it in a ``with`` block.
    """
    numbers = np.asarray(rows, np.int64)

    def batches() -> Iterator[tuple[NDArray[np.int64], Batch]]:
        for start in range(0, len(numbers), batch_size):
            some = numbers[start : start + batch_size]
            yield some, load(cohort, some, modalities, normalization=normalization)

    return ReadAhead(batches)


class ReadAhead(Generic[Item]):
    """Runs an iterator in a thread, a few items ahead, and raises here what it raises."""

    def __init__(self, make: Callable[[], Iterable[Item]], ahead: int = AHEAD) -> None:
        """Start the thread.

        Args:
            make: Makes the iterator, in the thread.
            ahead: Items that may wait.
        """
        self._queue: queue.Queue[tuple[str, object]] = queue.Queue(max(1, ahead))
        self._stop = threading.Event()
        self._is_done = False
        # The thread holds no reference to this object, so that dropping it ends the thread.
        self._thread = threading.Thread(
            target=_produce, args=(make, self._queue, self._stop), daemon=True, name="read-ahead"
        )
        self._thread.start()
        weakref.finalize(self, self._stop.set)

    def __iter__(self) -> Self:
        """Return itself."""
        return self

    def __next__(self) -> Item:
        """Return the next item.

        Raises:
            Exception: What the iterator raised.
        """
        if self._is_done:
            raise StopIteration
        kind, item = self._queue.get()
        if kind == "item":
            return cast(Item, item)
        self.close()
        if kind == "error":
            raise cast(BaseException, item)
        raise StopIteration

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """End the thread, and drop what waits."""
        self._is_done = True
        self._stop.set()
        while self._thread.is_alive():
            try:
                self._queue.get(timeout=0.05)
            except queue.Empty:
                continue
        while not self._queue.empty():
            self._queue.get_nowait()


def _produce(
    make: Callable[[], Iterable[object]],
    waiting: "queue.Queue[tuple[str, object]]",
    stop: threading.Event,
) -> None:
    """Put the items of an iterator into a queue until it ends or is not wanted any more."""

    def put(kind: str, item: object) -> bool:
        while not stop.is_set():
            try:
                waiting.put((kind, item), timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    try:
        for item in make():
            if not put("item", item):
                return
    except BaseException as error:  # noqa: BLE001 - raised again where the items are used
        put("error", error)
    else:
        put("end", None)
