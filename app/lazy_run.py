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


class LazyRun:
    """One run, loaded once by a thread of its own and used by one thread at a time.

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
        self.start()
        assert self._thread is not None
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._run is not None
        with self._using:
            yield self._run

    def _work(self, delay_s: float) -> None:
        threading.Event().wait(delay_s)
        try:
            run = self._load()
            _compile(run)
            _settle()
        except CmaeError as error:
            self._error = error
        except Exception as error:
            logger.exception("The run could not be loaded.")
            self._error = RunError(f"The run could not be loaded ({type(error).__name__}).")
        else:
            self._run = run


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
