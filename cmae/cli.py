"""The command line: arguments in, one call into the library, a table or one line of error out."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, Protocol

from cmae.argument_types import count
from cmae.association_arguments import add_associate
from cmae.errors import CmaeError, Interrupted
from cmae.evaluation_commands import add_evaluate
from cmae.import_arguments import add_csv_options, add_import_commands

EXIT_FAULT = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


class _AddCommand(Protocol):
    """Adds a command with a name and a line of help."""

    def __call__(self, name: str, text: str) -> argparse.ArgumentParser:
        """Return the command's parser."""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_BAD_INPUT, f"{self.prog}: {message} (see `{self.prog} --help`)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Words of the command line, without the program's name; by default this
            process's own.

    Returns:
        Exit code: 0 done, 1 a fault of the program, 2 bad input, 130 stopped by Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    # TensorFlow reports on its start-up for pages, unless told before it is imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with _log_on_standard_error():
            from cmae import commands  # noqa: PLC0415 - `cmae --help` must not wait for it

            result = commands.COMMANDS[options.command](options)
        _write(result, as_json=options.json)
    except BrokenPipeError:
        # The reader of our output went away; nothing may be flushed into the pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAULT
    except (Exception, KeyboardInterrupt) as error:
        if options.debug:
            raise
        code, message = _explained(error, getattr(options, "out", None))
        sys.stderr.write(f"cmae: {message}\n")
        return code
    return 0


def _explained(error: BaseException, out: Path | None) -> tuple[int, str]:
    """Return the exit code of an error, and one line that says what happened.

    Args:
        error: What was raised.
        out: The path that the command writes to, where it writes.
    """
    one_line = " ".join(str(error).split())
    if isinstance(error, KeyboardInterrupt):
        return EXIT_INTERRUPTED, "stopped."
    if isinstance(error, Interrupted):
        return EXIT_INTERRUPTED, one_line
    if isinstance(error, CmaeError):
        return EXIT_BAD_INPUT, one_line
    if isinstance(error, OSError):
        # The name of the file is left out, as it may be an identifier; --out is the person's own.
        reason = error.strerror or type(error).__name__
        is_out = out is not None and _is_of(error.filename, out)
        named = f"{out} cannot be written: {reason}."
        unnamed = f"a file cannot be used: {reason} (--debug says which)."
        return EXIT_BAD_INPUT, named if is_out else unnamed
    if isinstance(error, MemoryError):
        return EXIT_FAULT, "there is not enough memory."
    return EXIT_FAULT, f"a fault of the program ({type(error).__name__}); --debug shows where."


def _is_of(name: object, out: Path) -> bool:
    """Tell whether a file is ``out``, lies in it, is a folder it lies in, or is to become it."""
    if not isinstance(name, str):
        return False
    met, out = Path(name).absolute(), out.absolute()
    is_temporary = met.parent == out.parent and met.name.endswith(out.name[-80:])
    return met == out or met in out.parents or out in met.parents or is_temporary


@contextmanager
def _log_on_standard_error() -> Iterator[None]:
    logger = logging.getLogger("cmae")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    level, is_passed_on = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = is_passed_on


def _parser() -> _Parser:
    parser = _Parser(
        prog="cmae",
        description="A cross-modal autoencoder for the heart: ECG and cardiac MRI in one latent.",
        epilog="`cmae COMMAND --help` says more. Training is `python -m train`, the explorer "
        "`python -m app`.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    everywhere = _Parser(add_help=False)
    everywhere.add_argument("--json", action="store_true", help="write the result as JSON")
    everywhere.add_argument("--debug", action="store_true", help="show the traceback of an error")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=f"{text}.", parents=[everywhere])

    text = "read files of the outside world into a cohort, or weights into a run"
    add_import_commands(
        commands.add_parser("import", help=text, description=f"{text}."), everywhere
    )
    _add_cohort_commands(command)
    _add_latent_commands(command)
    add_associate(command)
    add_evaluate(command)
    return parser


def _add_cohort_commands(command: _AddCommand) -> None:
    simulate = command("simulate", "make a cohort of simulated participants, ECG and cine paired")
    simulate.add_argument("--participants", type=count, default=1000, help="how many (1000)")
    simulate.add_argument("--seed", type=int, default=0, help="seed of everything random (0)")
    simulate.add_argument("--out", type=Path, required=True, help="cohort folder to make or extend")
    simulate.add_argument("--ecg-only", type=float, default=0.0, help="share with an ECG alone (0)")
    simulate.add_argument("--mri-only", type=float, default=0.0, help="share with a cine alone (0)")
    simulate.add_argument("--processes", type=count, help="processes to use (one a core)")
    simulate.add_argument(
        "--no-recordings", action="store_true", help="only the table: phenotypes and truth"
    )
    simulate.add_argument(
        "--masks", action="store_true", help="store masks of the chambers with every cine"
    )
    simulate.add_argument(
        "--noiseless", action="store_true", help="store every recording without noise as well"
    )
    for name, what in (
        ("--disease-frequency", "frequency of every disease"),
        ("--noise", "amplitude of the recordings' noise"),
        ("--private-variance", "variance of what only one modality shows"),
    ):
        simulate.add_argument(
            name, type=float, default=1.0, help=f"{what}, against a realistic one (1)"
        )
    simulate.add_argument(
        "--variants",
        type=int,
        default=0,
        help="genetic variants, a few with planted effects, as a PLINK set in the cohort (0)",
    )
    simulate.add_argument(
        "--ceilings",
        action="store_true",
        help="compute how well one modality can tell of the other at best (ceilings.json)",
    )

    info = command("info", "say what a cohort, a run or a latents file holds, and if it is sound")
    info.add_argument("path", type=Path, metavar="PATH")
    info.add_argument(
        "--picture", type=Path, metavar="FILE", help="draw the networks of a run: svg, png or pdf"
    )

    drop = command("drop", "remove participants, with their recordings, from a cohort")
    drop.add_argument("cohort", type=Path, metavar="COHORT")
    drop.add_argument(
        "--ids", type=Path, required=True, metavar="FILE", help="one participant_id a line"
    )
    drop.add_argument(
        "--key-file",
        type=Path,
        metavar="KEYFILE",
        help="the list holds identifiers, the cohort their pseudonyms under this key",
    )


def _add_latent_commands(command: _AddCommand) -> None:
    embed = command("embed", "encode every recording of a cohort into latents")
    embed.add_argument("run", type=Path, metavar="RUN")
    embed.add_argument("cohort", type=Path, metavar="COHORT")
    embed.add_argument("--out", type=Path, required=True, metavar="LATENTS")
    embed.add_argument(
        "--shard", type=_shard, metavar="I/N", help="only part I of N, for `cmae merge`"
    )
    embed.add_argument("--batch-size", type=count, help="recordings encoded at once")
    embed.add_argument(
        "--overwrite",
        action="store_true",
        help="replace latents of another run or cohort at --out",
    )

    merge = command("merge", "put shards of latents together")
    merge.add_argument("shards", type=Path, nargs="+", metavar="SHARD")
    merge.add_argument("--out", type=Path, required=True, metavar="LATENTS")

    mapping = command("map", "add two-dimensional maps and nearest neighbours to latents")
    mapping.add_argument("latents", type=Path, metavar="LATENTS")
    mapping.add_argument("--seed", type=int, default=0, help="seed of UMAP (0)")
    mapping.add_argument(
        "--umap-neighbors", type=count, default=15, help="neighbors a point keeps in UMAP (15)"
    )
    mapping.add_argument(
        "--min-distance", type=float, default=0.1, help="least distance of points in UMAP (0.1)"
    )
    mapping.add_argument(
        "--neighbours", type=count, default=20, help="nearest rows kept for each row (20)"
    )

    export = command("export", "write latents as tables for other programs")
    export.add_argument("latents", type=Path, metavar="LATENTS")
    export.add_argument(
        "--format",
        required=True,
        choices=("tsv", "parquet", "regenie", "latentverse"),
        help="tsv: as ml4h writes them; regenie: phenotype files with FID and IID",
    )
    export.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    export.add_argument("--visit", type=int, help="only this visit (needed if there are several)")
    export.add_argument("--name", help="what ends the names of tsv files (the run's fingerprint)")
    export.add_argument(
        "--cohort", type=Path, help="the cohort whose phenotypes become labels (latentverse)"
    )

    export.add_argument(
        "--key-file",
        type=Path,
        metavar="KEYFILE",
        help="restore the identifiers behind pseudonyms of this key, those that --ids lists",
    )
    export.add_argument(
        "--ids",
        type=Path,
        metavar="TABLE",
        help="participants among whom they are: a table with a column participant_id or eid, or "
        "one a line (a hash has no inverse: all of them are hashed and compared)",
    )

    translate = command("translate", "decode a recording of one modality into the other")
    translate.add_argument("run", type=Path, metavar="RUN")
    translate.add_argument(
        "--from",
        dest="source",
        nargs=2,
        required=True,
        metavar=("ecg|mri", "FILE"),
        help="the modality and the recording, in any format that import reads",
    )
    add_csv_options(translate)
    translate.add_argument("--to", dest="target", choices=("ecg", "mri"), required=True)
    translate.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="mri: .gif .nii.gz .nii .npy .svg .png .pdf; ecg: .csv .npy .svg .png .pdf",
    )


def _shard(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    try:
        return int(number), int(of)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 1/4") from None


def _write(result: Mapping[str, object], *, as_json: bool) -> None:
    lines = [json.dumps(result, indent=2, default=_plain)] if as_json else as_lines(result)
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _plain(value: object) -> object:
    """Give JSON what it cannot write by itself: NumPy numbers and paths."""
    item = getattr(value, "item", None)
    return item() if callable(item) else str(value)


def as_lines(result: Mapping[str, object], *, indent: str = "") -> list[str]:
    """Lay a result out for people: names and values, tables of rows.

    Args:
        result: Values, mappings of values, or sequences of mappings (rows of a table).
        indent: What every line begins with.

    Returns:
        The lines.
    """
    lines: list[str] = []
    simple = [name for name, value in result.items() if not _is_nested(value)]
    width = max((len(name) for name in simple), default=0)
    for name, value in result.items():
        title = name.replace("_", " ")
        if not _is_nested(value):
            lines.append(f"{indent}{title:<{width}}  {_cell(value)}")
            continue
        lines.append(f"{indent}{title}")
        if isinstance(value, Mapping) and not _is_table(value):
            lines.extend(as_lines(value, indent=f"{indent}  "))
        else:
            lines.extend(f"{indent}  {line}" for line in _table(value))
    return lines


def _is_table(value: Mapping[str, object]) -> bool:
    """Tell whether a mapping holds rows of a table: several mappings of simple values."""
    rows = [row for row in value.values() if isinstance(row, Mapping)]
    are_simple = all(not _is_nested(cell) for row in rows for cell in row.values())
    return len(rows) == len(value) > 1 and are_simple


def _is_nested(value: object) -> bool:
    is_rows = isinstance(value, list | tuple) and bool(value) and isinstance(value[0], Mapping)
    return is_rows or (isinstance(value, Mapping) and bool(value))


def _table(table: object) -> list[str]:
    if isinstance(table, Mapping):
        table = [{"name": name, **row} for name, row in table.items()]
    rows = list(table) if isinstance(table, list | tuple) else []
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[name.replace("_", " ") for name in names]]
    cells += [[_cell(row.get(name, "")) for name in names] for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(_cell(item) for item in value) or "-"
    return str(value) if value != {} else "-"
