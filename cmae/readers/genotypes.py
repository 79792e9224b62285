"""Genotypes of the outside world: PLINK sets (.bed, .bim, .fam) and BGEN, a few variants at once.

PLINK 1 binary: https://www.cog-genomics.org/plink/1.9/formats#bed. BGEN:
https://www.chg.ox.ac.uk/~gav/bgen_format/. Neither is ever held in memory whole.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.errors import ReadError

SUFFIXES = (".bed", ".bgen")
"""What is read."""

_BED_START = b"\x6c\x1b\x01"
"""First bytes of a PLINK 1 file that is stored variant by variant."""

_MAX_TEXT_BYTES = 8 * 2**30
"""Beyond this a .bim or .fam is no such file (a variant takes some 30 bytes)."""

_FAM = ("fid", "iid")
_BIM = ("chromosome", "variant", "position", "effect_allele", "other_allele")


@dataclass(frozen=True)
class Dosages:
    """Counted alleles of some variants.

    Attributes:
        values: (samples, variants) number of effect alleles, 0 to 2; 0 where missing.
        missing: (samples, variants), True where there is no call.
    """

    values: NDArray[Any]
    missing: NDArray[np.bool_]


class Genotypes(Protocol):
    """A file of genotypes.

    Attributes:
        samples: ``fid``, ``iid``; one row a sample, in the order of the file.
        variants: ``chromosome`` (text), ``position`` (bases), ``variant`` (its name),
            ``effect_allele``, ``other_allele``, ``is_biallelic``; one row a variant.
        stamp: Size and time of the file: another one where it was written anew.
    """

    samples: pd.DataFrame
    variants: pd.DataFrame
    stamp: str

    def read(self, samples: NDArray[np.int64], start: int, stop: int) -> Dosages:
        """Read variants ``start`` to ``stop`` of some samples (row numbers, in that order)."""

    def close(self) -> None:
        """Close the file."""


def open_genotypes(path: Path | str) -> Genotypes:
    """Open a file of genotypes and read who and what is in it.

    Args:
        path: A ``.bed`` with its ``.bim`` and ``.fam`` beside it, or a ``.bgen``.

    Returns:
        The genotypes; ``close`` them in the end. The effect allele is A1 of PLINK (whose copies
        the .bed counts) and the second allele of BGEN.

    Raises:
        ReadError: The file is missing, of another kind, or damaged.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ReadError(
            f"Genotypes in {suffix or 'a file without a suffix'} cannot be read: give a PLINK .bed "
            "or a .bgen (`plink2 --make-bed` makes one of anything)."
        )
    if not path.is_file():
        raise ReadError("There is no genotype file of that name: check --genotypes.")
    return _Bed(path) if suffix == ".bed" else _Bgen(path)


class _Bed:
    """A PLINK set."""

    def __init__(self, path: Path) -> None:
        from bed_reader import open_bed  # noqa: PLC0415 - few commands need it

        self.stamp = _stamp(path)
        self.samples = _text_table(path.with_suffix(".fam"), (0, 1), _FAM)
        variants = _text_table(path.with_suffix(".bim"), (0, 1, 3, 4, 5), _BIM)
        variants["position"] = _whole_numbers(variants["position"], ".bim")
        variants["is_biallelic"] = True
        self.variants = variants[["chromosome", "position", *_BIM[1:2], *_BIM[3:], "is_biallelic"]]
        _check_bed(path, len(self.samples), len(self.variants))
        with _damage_named():
            self._bed = open_bed(
                path,
                iid_count=len(self.samples),
                sid_count=len(self.variants),
                properties=dict.fromkeys(
                    ("fid", "iid", "father", "mother", "sex", "pheno", "chromosome", "sid",
                     "cm_position", "bp_position", "allele_1", "allele_2")
                ),
            )  # fmt: skip

    def read(self, samples: NDArray[np.int64], start: int, stop: int) -> Dosages:
        with _damage_named():
            values = self._bed.read(index=(samples, slice(start, stop)), dtype="int8")
        missing = values < 0
        if missing.any():
            values[missing] = 0
        return Dosages(values, missing)

    def close(self) -> None:
        self._bed.close() if hasattr(self._bed, "close") else None


class _Bgen:
    """A BGEN file; its table of contents is read when it is opened, dosages when asked for."""

    def __init__(self, path: Path) -> None:
        try:
            from bgen import BgenReader  # noqa: PLC0415 - few commands need it
        except ImportError as error:
            raise ReadError(
                "BGEN needs the package bgen: install it (`pip install bgen`), or convert the "
                "genotypes with `plink2 --make-bed`."
            ) from error
        beside = path.with_suffix(".sample")
        with _damage_named():
            self._file = BgenReader(path, str(beside) if beside.is_file() else "")
            names = np.array(list(self._file.samples), dtype=object)
            facts = [self._facts(variant) for variant in self._file]
        self.stamp = _stamp(path)
        self.samples = pd.DataFrame({"fid": names, "iid": names}, dtype=object)
        self.variants = pd.DataFrame(
            facts,
            columns=["chromosome", "position", "variant", *_BIM[3:], "is_biallelic"],
        )
        texts = self.variants[["chromosome", "variant", *_BIM[3:]]].astype(str)
        if texts.apply(lambda column: column.str.contains(r"[\t\r\n]").any()).any():
            raise ReadError(
                "The .bgen holds names of variants with tabs or line breaks, which no table can "
                "carry: rename them with `plink2 --set-all-var-ids`."
            )

    @staticmethod
    def _facts(variant: Any) -> tuple[object, ...]:  # noqa: ANN401 - the package has no types
        alleles = list(variant.alleles)
        first, second = (alleles[0], alleles[1]) if len(alleles) > 1 else (*alleles, "")
        name = variant.rsid if variant.rsid not in {"", "."} else variant.varid
        return (variant.chrom, variant.pos, name, second, first, len(alleles) == 2)

    def read(self, samples: NDArray[np.int64], start: int, stop: int) -> Dosages:
        values = np.zeros((len(samples), stop - start), np.float32, order="F")
        is_biallelic = self.variants["is_biallelic"].to_numpy()
        missing = np.zeros(values.shape, bool, order="F")
        for place, number in enumerate(range(start, stop)):
            if not is_biallelic[number]:
                missing[:, place] = True
                continue
            with _damage_named():
                found = np.asarray(self._file[number].alt_dosage)[samples]
            missing[:, place] = np.isnan(found)
            values[:, place] = np.where(missing[:, place], 0, found)
        return Dosages(values, missing)

    def close(self) -> None:
        self._file.close()


def _stamp(path: Path) -> str:
    facts = path.stat()
    return f"{facts.st_size}-{facts.st_mtime_ns}"


@contextmanager
def _damage_named() -> Iterator[None]:
    """Turn what the packages raise for damaged files into one sentence."""
    try:
        yield
    except (ValueError, IndexError, KeyError, RuntimeError, OSError, EOFError) as error:
        raise ReadError(
            "The genotype file is damaged or cut short: restore it, or make it again."
        ) from error


def _check_bed(path: Path, samples: int, variants: int) -> None:
    """Compare the size of a .bed with what its .bim and .fam say, before anything is read."""
    with path.open("rb") as file:
        if file.read(3) != _BED_START:
            raise ReadError(
                "The .bed is no PLINK 1 file stored variant by variant: make one with "
                "`plink2 --make-bed`."
            )
    expected, found = 3 + variants * -(-samples // 4), path.stat().st_size
    if found != expected:
        raise ReadError(
            f"The .bed has {found:,} bytes, but its .fam with {samples:,} samples and its .bim "
            f"with {variants:,} variants need {expected:,}: they are not of one set, or cut short."
        )


def _text_table(path: Path, places: tuple[int, ...], names: tuple[str, ...]) -> pd.DataFrame:
    """Read some columns of a .bim or .fam as text."""
    suffix = path.suffix
    if not path.is_file():
        raise ReadError(f"The .bed has no {suffix} beside it: put all three files in one folder.")
    if path.stat().st_size > _MAX_TEXT_BYTES:
        raise ReadError(f"The {suffix} is larger than any such file: check what it holds.")
    if not path.stat().st_size:
        raise ReadError(f"The {suffix} is empty: make the genotypes again.")
    read: Callable[..., pd.DataFrame] = pd.read_csv
    try:
        table = read(
            path, sep=r"\s+", header=None, dtype=str, keep_default_na=False, quoting=3, comment=None
        )
    except (ValueError, UnicodeDecodeError) as error:
        raise ReadError(f"The {suffix} is no table of six columns: make it again.") from error
    if table.shape[1] < 6 or table.isna().to_numpy().any():
        raise ReadError(
            f"The {suffix} has {table.shape[1]} columns in some row, expected 6: make it again."
        )
    chosen = table[list(places)]
    chosen.columns = list(names)
    return chosen


def _whole_numbers(texts: pd.Series, suffix: str) -> NDArray[np.int64]:
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64)
    if not np.isfinite(numbers).all() or np.abs(numbers).max(initial=0) > 2**53:
        raise ReadError(f"The {suffix} holds a position that is no number: make it again.")
    return np.asarray(numbers, np.int64)
