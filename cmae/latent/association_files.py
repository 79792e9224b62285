"""GWAS-SSF files: the regression of single latent coordinates, as the GWAS Catalog takes them.

Columns, their order and ``#NA`` follow Table 1 of GWAS-SSF 1.1.0
(https://github.com/EBISPOT/gwas-summary-statistics-standard): eight mandatory columns, then any.
P-values are given as ``neg_log_10_p_value``, which the standard allows in the place of ``p_value``.
Its metadata file is the submitter's to write: it names what cmae does not know, the genome assembly
and the ancestry.
"""

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.data.files import replacing_folder
from cmae.latent.association_finished import Scan

FOLDER = "coordinates"

COLUMNS = (
    "chromosome", "base_pair_location", "effect_allele", "other_allele", "beta", "standard_error",
    "effect_allele_frequency", "neg_log_10_p_value", "rsid", "n", "variant",
)  # fmt: skip

_CODES = {
    "X": "23", "Y": "24", "MT": "25", "M": "25",
    "XY": "23", "PAR1": "23", "PAR2": "23", "25": "23", "26": "25",
}  # fmt: skip
"""GWAS-SSF's numbers of what genotype files call otherwise: PLINK's 25 is the part that X and Y
share, its 26 mitochondrial."""

_RSID = re.compile(r"rs\d+")


def write_coordinates(scan: Scan, folder: Path) -> None:
    """Write one file a coordinate that was asked for; nothing where none was.

    Args:
        scan: The finished scan.
        folder: Folder of the results.

    Raises:
        InputError: The disk is full; older files are intact.
    """
    chosen = scan.prepared.settings.coordinates
    numbers = range(scan.latents.latent_dim) if chosen is None else chosen
    if not len(numbers):
        return
    count = str(len(scan.prepared.participants.rows))
    with replacing_folder(folder / FOLDER) as new, ExitStack() as stack:
        files = []
        for number in numbers:
            path = new / f"coordinate_{number:03d}.tsv"
            file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
            file.write("\t".join(COLUMNS) + "\n")
            files.append(file)
        for variants, found in scan.chunks():
            tested = found["reason"] == 0
            fronts, backs = _fixed(variants[tested], found["frequency"][tested], count)
            for place, file in enumerate(files):
                _write_lines(file, fronts, backs, found, place)


def chromosome_number(name: str) -> str:
    """Return a chromosome as GWAS-SSF has it: 1 to 22, X 23, Y 24, mitochondrial 25."""
    bare = re.sub(r"^chr", "", name, flags=re.IGNORECASE)
    bare = bare.lstrip("0") or bare
    return _CODES.get(bare.upper(), bare)


def _fixed(
    variants: pd.DataFrame, frequency: NDArray[Any], count: str
) -> tuple[list[str], list[tuple[str, str]]]:
    """Return what is the same in every coordinate's line, before and after its numbers."""
    fronts, backs = [], []
    for row, share in zip(variants.itertuples(index=False), frequency, strict=True):
        place = (chromosome_number(str(row.chromosome)), str(row.position))
        fronts.append("\t".join((*place, row.effect_allele.upper(), row.other_allele.upper())))
        rsid = row.variant if _RSID.fullmatch(row.variant) else "#NA"
        backs.append((f"{share:.6g}", f"{rsid}\t{count}\t{row.variant}"))
    return fronts, backs


def _write_lines(
    file: TextIO,
    fronts: list[str],
    backs: list[tuple[str, str]],
    found: dict[str, NDArray[Any]],
    place: int,
) -> None:
    numbers = np.stack(
        [found[name][place] for name in ("beta", "standard_error", "neg_log10_p")], axis=1
    ).tolist()
    file.writelines(
        f"{front}\t{beta:.6g}\t{error:.6g}\t{share}\t{p:.6g}\t{rest}\n"
        for front, (beta, error, p), (share, rest) in zip(fronts, numbers, backs, strict=True)
    )
