"""Embedding a cohort from the page: one process at a time, shared by all who ask for the same."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cmae
from app.demo import Sources
from cmae.errors import InputError
from cmae.progress import describe

MAX_WAITING = 8
"""Embeddings that wait for the one that runs; more are refused."""

MAX_KEPT = 32
"""Jobs that are remembered after they ended."""

GRACE_S = 8.0
"""Seconds that a process has to stop by itself."""

Phase = Literal["waiting", "running", "done", "failed", "stopped"]

_RUNNING: tuple[Phase, ...] = ("waiting", "running")


@dataclass(frozen=True)
class JobState:
    """How far a job has come.

    Attributes:
        phase: ``waiting`` for another job, ``running``, ``done``, ``failed`` or ``stopped``.
        what: The step that runs, a few words.
        done: Pieces of it that are done.
        total: Pieces of it.
        words: How far and how long still, for people.
        error: Why it failed, one sentence.
    """

    phase: Phase = "waiting"
    what: str = "Waiting for another embedding"
    done: int = 0
    total: int = 0
    words: str = ""
    error: str = ""

    @property
    def share(self) -> float:
        """How much of the step is done, 0 to 1."""
        return min(max(self.done / self.total, 0.0), 1.0) if self.total else 0.0


class Job:
    """One embedding.

    Args:
        sources: Run, cohort, and the latents to make.
        command: The process; None: the worker.
    """

    def __init__(self, sources: Sources, command: Sequence[str] | None = None) -> None:
        """Remember what to do; nothing runs yet."""
        self.sources = sources
        self.state = JobState()
        self._command = list(command) if command is not None else _worker(sources)
        self._process: subprocess.Popen[str] | None = None
        self._stopping = threading.Event()

    @property
    def is_running(self) -> bool:
        """Whether it runs, or waits until it may."""
        return self.state.phase in _RUNNING

    def stop(self) -> None:
        """Ask the job to stop; what it has encoded is kept, and another job goes on from there."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            timer = threading.Timer(GRACE_S, _end, (process,))
            timer.daemon = True
            timer.start()

    def run(self) -> None:
        """Do the work, and keep ``state`` up to date."""
        if self._stopping.is_set():
            self.state = replace(self.state, phase="stopped")
            return
        self.state = JobState("running", "Starting")
        try:
            code, said = self._work()
        except OSError as error:
            self.state = replace(
                self.state, phase="failed", error=f"The process could not start: {error.strerror}."
            )
            return
        if self._stopping.is_set():
            self.state = replace(self.state, phase="stopped")
        elif code == 0:
            self.state = replace(self.state, phase="done", done=self.state.total)
        else:
            sentence = said if code == 2 and said else _unexpected(code)
            self.state = replace(self.state, phase="failed", error=sentence)

    def _work(self) -> tuple[int, str]:
        """Run the process; return its exit code and the last line of its standard error."""
        package = Path(str(cmae.__file__)).parents[1]
        path = os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH")]))
        with subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        ) as process:
            self._process = process
            if self._stopping.is_set():
                _end(process)
            lines: list[str] = []
            listener = threading.Thread(target=_keep_last, args=(process, lines), daemon=True)
            listener.start()
            self._follow(process)
            code = process.wait()
            listener.join(timeout=1.0)
        return code, lines[0] if lines else ""

    def _follow(self, process: "subprocess.Popen[str]") -> None:
        """Turn what the process tells into the state."""
        what, started = "", (0, 0.0)
        assert process.stdout is not None
        for line in process.stdout:
            try:
                told = json.loads(line)
                step, done, total = str(told["what"]), int(told["done"]), int(told["total"])
            except (ValueError, KeyError, TypeError):
                continue
            now = time.monotonic()
            if step != what:
                what, started = step, (done, now)
            words = describe(done, total, started=(started[1], started[0]), now=now)
            self.state = JobState("running", step, done, total, words)


class Jobs:
    """The embeddings of a server: one runs, the others wait.

    Args:
        make: Makes a job of what is to be made.
    """

    def __init__(self, make: Callable[[Sources], Job] = Job) -> None:
        """Start with none."""
        self._make = make
        self._jobs: list[Job] = []
        self._changing = threading.Lock()
        self._turn = threading.Lock()

    def ask(self, sources: Sources) -> Job:
        """Start an embedding, or join the one of the same latents that runs or waits.

        Args:
            sources: Run, cohort, and the latents to make.

        Returns:
            The job, the same for all who ask.

        Raises:
            InputError: Too many wait already.
        """
        with self._changing:
            found = self._of(sources)
            if found is not None and found.is_running:
                return found
            if sum(job.is_running for job in self._jobs) > MAX_WAITING:
                raise InputError(
                    f"{MAX_WAITING} embeddings are waiting already: wait until some are done."
                )
            job = self._make(sources)
            ended = [each for each in self._jobs if not each.is_running and each is not found]
            running = [each for each in self._jobs if each.is_running]
            self._jobs = [*ended[-MAX_KEPT:], *running, job]
        threading.Thread(target=self._run, args=(job,), name="embed", daemon=True).start()
        return job

    def find(self, sources: Sources) -> Job | None:
        """Return the last job of some latents, or None.

        Args:
            sources: Run, cohort and latents.
        """
        with self._changing:
            return self._of(sources)

    def running(self) -> list[Job]:
        """Return the jobs that run or wait, the first one first."""
        with self._changing:
            return [job for job in self._jobs if job.is_running]

    def _of(self, sources: Sources) -> Job | None:
        wanted = sources.latents
        return next((job for job in self._jobs if job.sources.latents == wanted), None)

    def _run(self, job: Job) -> None:
        with self._turn:
            job.run()


JOBS = Jobs()
"""Those of this server: they outlive the pages that asked for them."""


def _worker(sources: Sources) -> list[str]:
    paths = (sources.run, sources.cohort, sources.latents)
    return [sys.executable, "-m", "app.embed_worker", *(str(path.resolve()) for path in paths)]


def _keep_last(process: "subprocess.Popen[str]", lines: list[str]) -> None:
    """Keep the last line that a process says on standard error."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.strip():
            lines[:] = [line.strip()]


def _end(process: "subprocess.Popen[str]") -> None:
    """End a process and those that it started."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _unexpected(code: int) -> str:
    if code in (-signal.SIGKILL, 128 + signal.SIGKILL):
        return (
            "The embedding was ended from outside, perhaps for want of memory: start it again, it "
            "goes on where it was."
        )
    return (
        f"The embedding ended with code {code}, a fault of the program: `cmae embed --debug` on "
        "the command line says where."
    )
