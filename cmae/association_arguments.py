"""The words of ``cmae associate``: what is tested against the latents, and how."""

import argparse
from pathlib import Path
from typing import Protocol

from cmae.argument_types import count

GENOTYPES_ONLY = ("components", "coordinates", "min_mac", "clump_distance")
"""Options that mean nothing for phenotypes; None where they were not given."""


class AddCommand(Protocol):
    """Adds a command with a name and a line of help."""

    def __call__(self, name: str, text: str) -> argparse.ArgumentParser:
        """Return the command's parser."""


def add_associate(command: AddCommand) -> None:
    """Add ``cmae associate``.

    Args:
        command: Adds a command to the command line.
    """
    associate = command("associate", "test genetic variants or phenotypes against the latents")
    associate.add_argument("latents", type=Path, metavar="LATENTS")
    tested = associate.add_mutually_exclusive_group(required=True)
    tested.add_argument("--genotypes", type=Path, metavar="FILE", help="a PLINK .bed, or a .bgen")
    tested.add_argument(
        "--phenotypes", action="store_true", help="every phenotype of --cohort (phenome scan)"
    )
    associate.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    associate.add_argument("--cohort", type=Path, help="the cohort that was embedded")
    associate.add_argument(
        "--covariates", nargs="+", default=[], metavar="NAME", help="columns of --cohort to remove"
    )
    associate.add_argument(
        "--kind", choices=("ecg", "mri", "joint"), default="joint", help="kind of latent (joint)"
    )
    associate.add_argument(
        "--visit", type=int, help="only this visit (needed if there are several)"
    )
    associate.add_argument(
        "--null-space",
        action="store_true",
        help="first project out the latent directions that tell of covariates",
    )
    associate.add_argument(
        "--run",
        type=Path,
        help="the run that made the latents: decode a walk along the leading directions",
    )
    associate.add_argument(
        "--walks", type=count, metavar="K", help="directions that are walked, with --run (3)"
    )
    associate.add_argument(
        "--seed", type=int, default=0, help="seed of the halves and the permutation (0)"
    )
    _add_phenotypes(associate.add_argument_group("of phenotypes"))
    _add_genotypes(associate.add_argument_group("of genotypes"))


def _add_phenotypes(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--with-covariates", action="store_true", help="scan the cohort's covariates too"
    )


def _add_genotypes(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--components",
        type=count,
        nargs="+",
        metavar="K",
        help="test the leading K principal components too (1 5 10 20)",
    )
    group.add_argument(
        "--coordinates",
        nargs="+",
        metavar="all|K",
        help="coordinates, from 0, that get a file of GWAS-SSF columns each (none)",
    )
    group.add_argument("--min-mac", type=count, help="fewest copies of the rarer allele (20)")
    group.add_argument(
        "--clump-distance",
        type=int,
        metavar="BASES",
        help="hits this near to a stronger one belong to it (500000)",
    )
