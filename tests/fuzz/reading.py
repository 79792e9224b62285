"""Foreign files are read here, in a process of its own, and what came of each is reported.

A file may kill the process, hang it or fill its memory: the parent learns of each, knows which file
it was, and starts another process for the rest.
"""

import contextlib
import gc
import io
import logging
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from cmae.errors import CmaeError, ReadError

CANARY = "Quokkason"
"""The name of a participant that no program has on its own."""

NAMES = (CANARY.lower(), "secret-1", "doe^jane", "jane doe", "jane_doe", ">doe<", "p-77")
"""What no output may hold, in lower case."""

SECONDS = 10
MEMORY = 2 * 2**30
_DEAD_AFTER_S = 240.0


@dataclass(frozen=True)
class Outcome:
    """What came of one file.

    Attributes:
        kind: ``"read"``, ``"refused"``, or ``"died"`` with the process.
        message: The refusal.
        faults: What should not have happened, a few words each.
        seconds: Processor time.
        mib: Memory at its highest above what the process had before.
    """

    kind: str
    message: str = ""
    faults: tuple[str, ...] = ()
    seconds: float = 0.0
    mib: float = 0.0


def read_ecg_file(path):
    from cmae.readers.ecg import read_ecg
    from cmae.readers.median_beat import median_beat

    record = read_ecg(path)
    return [record, median_beat(record)]


def read_cine_file(path):
    from cmae.readers.cine import read_cine
    from cmae.readers.heart_crop import heart_crop

    return heart_crop(read_cine(path))


def read_mask_file(path):
    from cmae.readers.ml4h_crop import read_mask

    read_mask(path)


def read_ml4h_file(path):
    from cmae.readers.ml4h import read_ml4h

    return [read_ml4h(path), read_ml4h(path, crop="ml4h")]


def read_weights(path):
    from cmae.model.published_files import read_published

    return repr(read_published(path).left_out)


def read_identity(path):
    from cmae.readers.identity import Identity

    Identity.of(ids=path).key(Path("nobody.csv"))


def read_header_field(path):
    """Who a file is of: the answer is an identifier, so it is not handed on."""
    from cmae.readers.ecg_header import header_field
    from cmae.readers.identity import Identity

    header_field(path, "PatientID")
    Identity.of(id_from="PatientID").key(path)


def read_phenotypes(path):
    from cmae.readers.foreign_table import ForeignTable

    table = ForeignTable(path, what="The table of phenotypes")
    table.read([table.column_of_ids(), *table.columns[-1:]])


class Dropped:
    """A file as a browser hands it over."""

    def __init__(self, path):
        self.name, self._data = path.name, path.read_bytes()

    def getbuffer(self):
        return memoryview(self._data)


def upload(path):
    """Drop a file, or all files of a folder, on the explorer's page."""
    from app.uploads import receive

    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    if path.suffix == ".hea":  # it says nothing without its signal file
        files = sorted(path.parent.iterdir())
    received = receive([Dropped(file) for file in files if file.is_file()])
    if received.ecg is None and received.cine is None:
        if not received.problems:
            raise AssertionError("nothing was read and nothing said")
        raise ReadError(" ".join(received.problems))
    return received


READINGS = {
    "ecg": read_ecg_file,
    "cine": read_cine_file,
    "mask": read_mask_file,
    "ml4h": read_ml4h_file,
    "weights": read_weights,
    "identity": read_identity,
    "header": read_header_field,
    "phenotypes": read_phenotypes,
    "upload": upload,
}


class Host:
    """The parent's side: hands files to a process and starts another when it has died."""

    def __init__(self, folder):
        self._folder = folder
        self._process = None

    def read(self, reading, path):
        """Read a file; return what came of it."""
        if self._process is None:
            self._start()
        try:
            self._connection.send((reading, str(path)))
            if self._connection.poll(_DEAD_AFTER_S):
                return self._connection.recv()
            fault = "hangs without computing"
        except (EOFError, OSError):
            fault = None
        self._process.join(0 if fault else 30)
        code = self._process.exitcode
        self.stop()
        return Outcome("died", faults=(fault or _cause_of_death(code),))

    def stop(self):
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
            self._process = None

    def _start(self):
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, str(self._folder)), daemon=True)
        self._process.start()
        other.close()


def _cause_of_death(code):
    if code is None or code >= 0:
        return f"the process ended with {code}"
    if -code in (signal.SIGXCPU, signal.SIGKILL):
        return f"took more than {SECONDS} s of processor time"
    return f"the process died by {signal.Signals(-code).name}"


@dataclass
class _Watch:
    """What the process did that it should not, gathered by an audit hook."""

    target: str
    faults: list = field(default_factory=list)
    is_on: bool = False

    def __call__(self, event, args):
        if not self.is_on:
            return
        if event == "open":
            path, mode, flags = args
            writes = any(letter in (mode or "") for letter in "wax+") or (
                isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            )
            if writes and isinstance(path, str | bytes):
                self._check(os.fsdecode(path))
        elif event in ("os.mkdir", "os.rename", "os.symlink", "os.link"):
            self._check(os.fsdecode(args[1 if event == "os.symlink" else 0]))
        elif event in ("socket.connect", "os.system", "os.exec", "pty.spawn", "os.posix_spawn"):
            self.faults.append(f"called {event}")

    def _check(self, path):
        place = os.path.realpath(path)
        if place != os.devnull and not place.startswith(self.target + os.sep):
            self.faults.append("wrote a file outside its folder")


def _serve(connection, folder):
    """Read what comes until the parent ends it."""
    scratch = Path(folder).resolve() / f"scratch-{os.getpid()}"
    scratch.mkdir()
    said = (scratch.parent / f"said-{os.getpid()}").open("w+b")
    for number in (1, 2):
        os.dup2(said.fileno(), number)
    sys.stdout = sys.stderr = io.TextIOWrapper(os.fdopen(os.dup(said.fileno()), "wb"), "utf-8")
    tempfile.tempdir = str(scratch)
    log = io.StringIO()
    logging.basicConfig(stream=log, level=logging.DEBUG, force=True)
    logging.captureWarnings(True)
    watch = _Watch(str(scratch))
    sys.addaudithook(watch)
    _warm_up()
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    # Above the 2 GB, so that what wants more is seen as that; a runaway ends in a MemoryError.
    bound = pages * resource.getpagesize() + 2 * MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            reading, path = connection.recv()
        except EOFError:
            return
        connection.send(_read(READINGS[reading], Path(path), watch, (said, log)))


def _warm_up():
    """Load what readers load late, so that its cost is not counted as a file's."""
    import numpy
    import pandas  # noqa: F401
    import pydicom.pixels  # noqa: F401
    import scipy.signal  # noqa: F401
    import wfdb  # noqa: F401

    import app.uploads  # noqa: F401
    import cmae.model.published_files
    import cmae.readers.ecg
    import cmae.readers.ml4h  # noqa: F401

    numpy.linalg.norm(numpy.eye(3))


def _read(read, path, watch, outputs):
    """Read one file under watch."""
    started = time.process_time()
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(started) + SECONDS + 2, hard))
    before = _memory("VmRSS")
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # forget the highest so far
    watch.faults, watch.is_on = [], True
    kind, message, faults, shown = "read", "", [], ""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        try:
            shown = repr(read(path))
        except CmaeError as error:
            kind, message = "refused", str(error)
            faults += _faults_of(error, read)
        except BaseException as error:  # noqa: BLE001 - any other is what is looked for
            kind, message = "refused", "".join(traceback.format_exception(error)[-6:])
            faults.append(f"raised {type(error).__name__}: {message[-900:]}")
    watch.is_on = False
    seconds = time.process_time() - started
    mib = (_memory("VmHWM") - before) / 1024
    faults += watch.faults
    if seconds > SECONDS:
        faults.append(f"took {seconds:.0f} s")
    if mib > MEMORY / 2**20:
        faults.append(f"took {mib:.0f} MiB")
    faults += _named(message, "message"), _named(_said(*outputs), "output"), _named(shown, "repr")
    scratch = Path(tempfile.gettempdir())
    if any(scratch.iterdir()):
        faults.append("left a temporary file")
    gc.collect(0)
    return Outcome(kind, message, tuple(filter(None, faults)), seconds, mib)


def _faults_of(error, read):
    """What is wrong with a refusal."""
    message = str(error)
    of_tables = (read_weights, read_identity, read_phenotypes)
    if not isinstance(error, ReadError) and read not in of_tables:
        yield f"refused a recording by {type(error).__name__}: {message[:200]}"
    if "\n" in message or not 20 < len(message) < (1500 if read is upload else 500):
        yield f"is no one sentence: {message[:300]!r}"
    cause = error
    while cause is not None:
        if isinstance(cause, MemoryError):
            yield "wanted more than 4 GB"
        cause = cause.__cause__ or cause.__context__


def _named(text, where):
    found = [name for name in NAMES if name in text.lower()]
    return f"names a participant in its {where}: {text[:300]!r}" if found else ""


def _said(said, log):
    """Return, and forget, what was printed and logged since the last time."""
    sys.stdout.flush()
    said.seek(0)
    text = said.read().decode("utf-8", errors="replace") + log.getvalue()
    for opened in (said, log):
        opened.seek(0)
        opened.truncate(0)
    return text


def _memory(name):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0
