"""What ``cmae associate`` does: open, call the library, draw, say what came of it."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmae.association_arguments import GENOTYPES_ONLY
from cmae.errors import InputError
from cmae.progress import progress_bar

if TYPE_CHECKING:
    from cmae.data.cohort import Cohort
    from cmae.latent.latents import Latents
    from cmae.model.run import Run

# Each command imports what it needs when it runs, as in commands.py.
# ruff: noqa: PLC0415

Result = Mapping[str, object]

WALKS = 3
"""Leading directions that are decoded."""

SHOWN = 20
"""Phenotypes that are listed for people; the table holds all."""


def associate(options: argparse.Namespace, *, open_run: Callable[[Path], "Run"]) -> Result:
    """Test genetic variants or phenotypes against the latents.

    Args:
        options: Of the command line.
        open_run: Opens a run.
    """
    from cmae.data.cohort import Cohort
    from cmae.latent.latents import Latents

    _check(options)
    latents = Latents.open(options.latents)
    cohort = None if options.cohort is None else Cohort.open(options.cohort)
    # Before the work of minutes: what is wrong with the run is wrong from the start.
    run = None if options.run is None else open_run(options.run)
    if run is not None and run.fingerprint != latents.run_fingerprint:
        raise InputError(
            "The latents are of another run than --run: give the one that embedded them."
        )
    if options.phenotypes:
        result = _phenotypes(options, latents, cohort)
    else:
        result = _genotypes(options, latents, cohort)
    if run is not None:
        result["walks"] = _walks(options, latents, run)
    return {"folder": str(options.out), **result}


def _check(options: argparse.Namespace) -> None:
    """Raise InputError where options do not go together."""
    given = [name for name in GENOTYPES_ONLY if getattr(options, name) is not None]
    if options.phenotypes and given:
        words = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise InputError(f"{words} is of genotypes: leave it out with --phenotypes.")
    if options.phenotypes and options.cohort is None:
        raise InputError("Phenotypes are columns of a cohort: name it with --cohort.")
    if options.genotypes is not None and options.with_covariates:
        raise InputError("--with-covariates is of phenotypes: leave it out with --genotypes.")
    if options.walks is not None and options.run is None:
        raise InputError("--walks decodes directions, which takes a run: name it with --run.")


def _genotypes(
    options: argparse.Namespace, latents: "Latents", cohort: "Cohort | None"
) -> dict[str, object]:
    from cmae.figures import association as figures
    from cmae.latent import association
    from cmae.readers.genotypes import open_genotypes

    chosen: dict[str, Any] = {
        name: value
        for name, value in (
            ("components", options.components and tuple(options.components)),
            ("min_mac", options.min_mac),
            ("clump_distance", options.clump_distance),
        )
        if value is not None
    }
    settings = association.AssociationSettings(
        kind=options.kind,
        visit=options.visit,
        covariates=tuple(options.covariates),
        coordinates=association.chosen_coordinates(options.coordinates or ()),
        null_space=options.null_space,
        seed=options.seed,
        **chosen,
    )
    genotypes = open_genotypes(options.genotypes)
    try:
        with progress_bar("testing variants") as report:
            summary = association.associate(
                latents,
                genotypes,
                options.out,
                cohort=cohort,
                settings=settings,
                on_progress=report,
            )
    finally:
        genotypes.close()
    drawn = figures.draw_results(options.out)
    return {**summary, "figures": ", ".join(drawn) or None}


def _phenotypes(
    options: argparse.Namespace, latents: "Latents", cohort: "Cohort | None"
) -> dict[str, object]:
    from cmae.latent import phenome

    assert cohort is not None  # _check
    settings = phenome.PhenomeSettings(
        kind=options.kind,
        visit=options.visit,
        covariates=tuple(options.covariates),
        with_covariates=options.with_covariates,
        null_space=options.null_space,
        seed=options.seed,
    )
    with progress_bar("scanning phenotypes") as report:
        scan = phenome.scan(latents, cohort, settings=settings, on_progress=report)
    scan.write(options.out)
    shown = ["phenotype", "n_test", "r", "r_low", "r_high", "auroc", "q", "joint_q"]
    leading = scan.table[shown].head(SHOWN).astype(object)
    rows = leading.where(leading.notna(), None).to_dict("records")
    return {**scan.summary, "leading": rows}


def _walks(options: argparse.Namespace, latents: "Latents", run: "Run") -> list[dict[str, object]]:
    """Decode and draw walks along the leading directions that the results hold."""
    from cmae.figures import walk
    from cmae.latent.direction_files import read_directions

    count = options.walks or WALKS
    found = read_directions(options.out, kind=options.kind, most=count)
    present = latents.present[options.kind]
    if options.visit is not None:
        present = present & (latents.keys["visit"].to_numpy() == options.visit)
    values = latents.latents[options.kind][present]
    return walk.draw_walks(run, values, found, options.out, is_simulated=latents.is_simulated)
