"""A run that is loaded in the background: the page must not wait for the network's framework."""

import gc
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from cmae.errors import CmaeError, RunError
from cmae.latent.decoding import SOURCES

if TYPE_CHECKING:
    from cmae.model.run import Run

logger = logging.getLogger(__name__)

MAX_LOADED = 2
"""Runs whose networks are in memory at once; the one that was used longest ago goes first."""

RELEASE_S = 2.0
"""Longest wait for a run that is in use, before it is left in memory."""

_loaded: list["LazyRun"] = []
"""The runs in memory, the one that was used last at the end."""

_counting = threading.Lock()


class LazyRun:
    """One run, loaded by a thread of its own and used by one thread at a time.

    At most MAX_LOADED runs are in memory: one that gave way to another is loaded again when it is
    next needed.

    Args:
        load: Opens the run; it may take many seconds.
    """

    def __init__(self, load: Callable[[], "Run"]) -> None:
        """Remember how to load; nothing is loaded yet."""
        self._load = load
        self._run: Run | None = None
        self._error: CmaeError | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._using = threading.Lock()

    @property
    def is_ready(self) -> bool:
        """Whether the run can be used without waiting."""
        return self._run is not None

    @property
    def is_free(self) -> bool:
        """Whether the run can be used at once: it is loaded, and nobody is using it."""
        return self.is_ready and not self._using.locked()

    @property
    def error(self) -> CmaeError | None:
        """Why the run cannot be loaded, or None."""
        return self._error

    def start(self, *, delay_s: float = 0.0) -> None:
        """Begin to load in the background, unless that has begun already.

        Args:
            delay_s: Seconds to wait first, so that a page is painted before the processor is busy.
        """
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, args=(delay_s,), name="load the run", daemon=True
                )
                self._thread.start()

    @contextmanager
    def use(self) -> Iterator["Run"]:
        """Give the run to one thread, after waiting until it is loaded.

        Yields:
            The run.

        Raises:
            CmaeError: It cannot be loaded.
        """
        while True:
            self.start()
            thread = self._thread
            if thread is None:  # it gave way to another run in between
                continue
            thread.join()
            if self._error is not None:
                raise self._error
            with self._using:
                if self._run is None:
                    continue
                _note_use(self)
                yield self._run
                return

    def release(self) -> bool:
        """Give the memory back; the run is loaded again when it is needed.

        Returns:
            Whether it was given back: a run that is in use for long is left alone.
        """
        if not self._using.acquire(timeout=RELEASE_S):
            return False
        try:
            with self._starting:
                self._run, self._thread = None, None
        finally:
            self._using.release()
        return True

    def _work(self, delay_s: float) -> None:
        threading.Event().wait(delay_s)
        try:
            run = self._load()
            _compile(run)
        except CmaeError as error:
            self._error = error
        except Exception as error:
            logger.exception("The run could not be loaded.")
            self._error = RunError(f"The run could not be loaded ({type(error).__name__}).")
        else:
            _settle()
            self._run = run
            _make_room(self)


def _note_use(run: LazyRun) -> None:
    with _counting:
        if run in _loaded:
            _loaded.remove(run)
            _loaded.append(run)


def _make_room(run: LazyRun) -> None:
    """Count one more run as loaded, and release those beyond the bound."""
    with _counting:
        if run in _loaded:
            _loaded.remove(run)
        _loaded.append(run)
        too_many, _loaded[:] = _loaded[:-MAX_LOADED], _loaded[-MAX_LOADED:]
    kept = [other for other in too_many if not other.release()]
    with _counting:
        _loaded[:0] = kept
    if too_many:
        gc.unfreeze()  # what was settled with the released runs is garbage by now
        gc.collect()
        gc.freeze()


def _compile(run: "Run") -> None:
    """Decode nothing once, in the shape that every page decodes in, so that clicks are quick."""
    zeros = np.zeros((len(SOURCES), run.latent_dim), np.float32)
    for modality in run.modalities:
        run.decode(modality, zeros)


def _settle() -> None:
    """Keep Streamlit from taking the loaded run apart, or from looking through it, at each click.

    Before every run of a script Streamlit calls ``keras.backend.clear_session``, meant for scripts
    that build networks; here it only throws the compiled decoders away, some 0.2 s a click. After
    every run it collects garbage; what is loaded by now is none, and need not be looked through.
    """
    keras = sys.modules.get("keras")
    if keras is not None:
        keras.backend.clear_session = lambda *_, **__: None
    gc.collect()
    gc.freeze()
