"""What each command of the command line does: open, call the library, say what came of it."""

import argparse
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cmae.association_commands import associate
from cmae.errors import InputError, RunError
from cmae.evaluation_commands import evaluate
from cmae.import_commands import pseudonyms_of, run_import
from cmae.progress import progress_bar
from cmae.quiet import quiet_import

if TYPE_CHECKING:
    from cmae.model.run import Run

# Each command imports what it needs when it runs: `cmae info COHORT` must not wait for Keras.
# ruff: noqa: PLC0415

Result = Mapping[str, object]

_log = logging.getLogger(__name__)

PICTURES = (".svg", ".png", ".pdf")
"""Suffixes that a translated recording is drawn for, instead of written as data."""


def _is_run(path: Path) -> bool:
    return (path / "model.toml").is_file()


def _open_run(path: Path) -> "Run":
    """Open a run, after a look at whether it is one: the framework takes seconds to load."""
    if not _is_run(path):
        raise RunError(
            f"{path} holds no model.toml, so it is no finished run: give the folder that a "
            "training left."
        )
    with quiet_import():
        from cmae.model.run import Run
    return Run.open(path)


def simulate(options: argparse.Namespace) -> Result:
    """Make a cohort of simulated participants."""
    from cmae.simulate import cohort as simulation
    from cmae.simulate.settings import CohortSettings, PopulationSettings

    population = PopulationSettings(
        disease_frequency=options.disease_frequency,
        noise=options.noise,
        private_variance=options.private_variance,
    )
    settings = CohortSettings(
        population=population,
        ecg_only=options.ecg_only,
        mri_only=options.mri_only,
        has_recordings=not options.no_recordings,
        has_masks=options.masks,
        has_noiseless=options.noiseless,
        variants=options.variants,
        has_ceilings=options.ceilings,
    )
    with progress_bar("simulating") as report:
        cohort = simulation.simulate(
            options.out,
            participants=options.participants,
            seed=options.seed,
            settings=settings,
            processes=options.processes,
            on_progress=report,
        )
    return {"cohort": str(options.out), **cohort.info()}


def _check_declared(options: argparse.Namespace, kind: str) -> None:
    """Raise InputError if a rate or a unit is declared for what is no ECG."""
    if kind != "ecg" and (options.rate is not None or options.unit is not None):
        raise InputError("--rate and --unit are those of ECGs in CSV: leave them out for cines.")


def info(options: argparse.Namespace) -> Result:
    """Say what a cohort, a run or a latents file holds."""
    path: Path = options.path
    if _is_run(path):
        return _run_info(path, options.picture)
    if options.picture is not None:
        raise InputError(f"{path} is not a run: --picture draws the networks of a run.")
    if path.is_dir():
        return _cohort_info(path)
    if path.is_file():
        return _latents_info(path)
    raise InputError(f"There is no {path}: give a cohort, a run or a latents file.")


def _cohort_info(path: Path) -> Result:
    from cmae.data import pseudonyms, quality
    from cmae.data.cohort import Cohort

    cohort = Cohort.open(path)
    found = quality.summary(cohort.table, cohort.columns)
    return {
        "kind": "cohort",
        "path": str(path),
        "has_pseudonyms": pseudonyms.key_check(path) is not None,
        **cohort.info(),
        **({"quality": found} if found else {}),
    }


def _run_info(path: Path, picture: Path | None) -> Result:
    run = _open_run(path)
    from cmae.model import describe

    described = describe.describe(run)
    if picture is not None:
        from cmae.figures import network

        layers = {name: part["layers"] for name, part in described["parts"].items()}
        network.draw(layers, picture, title=path.resolve().name)
    return {"kind": "run", "path": str(path), **described}


def _latents_info(path: Path) -> Result:
    from cmae.latent.latents import Latents

    latents = Latents.open(path)
    return {
        "kind": "latents",
        "path": str(path),
        "rows": len(latents),
        "latent_dim": latents.latent_dim,
        "present": {kind: int(mask.sum()) for kind, mask in latents.present.items()},
        "is_simulated": latents.is_simulated,
        "shard": None if latents.shard is None else "{}/{}".format(*latents.shard),
        "maps": latents.map_settings,
        "neighbours": list(latents.neighbours),
        "run_fingerprint": latents.run_fingerprint,
        "cohort_fingerprint": latents.cohort_fingerprint,
    }


def drop(options: argparse.Namespace) -> Result:
    """Remove participants from a cohort."""
    from cmae.data.cohort import Cohort

    try:
        lines = options.ids.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"The list of participants {options.ids} cannot be read: give a text file with one "
            "participant_id a line."
        ) from error
    wanted = [line.strip() for line in lines if line.strip()]
    if wanted and wanted[0] == "participant_id":
        wanted = wanted[1:]
    if not wanted:
        raise InputError(
            f"The list of participants {options.ids} is empty: give a text file with one "
            "participant_id a line."
        )
    key = pseudonyms_of(options.key_file)
    cohort = Cohort.open(options.cohort)
    summary = cohort.drop(wanted if key is None else [key.of(who) for who in wanted])
    _log.info(
        "Latents and exports made from this cohort before, and runs that trained on it, still hold "
        "what came of the participants removed: delete those and make them again."
    )
    return {"cohort": str(options.cohort), **asdict(summary)}


def embed(options: argparse.Namespace) -> Result:
    """Encode every recording of a cohort."""
    from cmae.data.cohort import Cohort
    from cmae.latent import embedding

    if _is_run(options.cohort) and not _is_run(options.run):
        raise InputError(
            f"{options.run} is no run, but {options.cohort} is one: the order is "
            "`cmae embed RUN COHORT`."
        )
    cohort, run = Cohort.open(options.cohort), _open_run(options.run)
    with progress_bar("embedding") as report:
        embedding.embed(
            run,
            cohort,
            options.out,
            shard=options.shard,
            batch_size=options.batch_size or embedding.BATCH_SIZE,
            may_replace=options.overwrite,
            on_progress=report,
        )
    return _latents_info(options.out)


def merge(options: argparse.Namespace) -> Result:
    """Put shards of latents together."""
    from cmae.latent import embedding

    embedding.merge(options.shards, options.out)
    return _latents_info(options.out)


def add_map(options: argparse.Namespace) -> Result:
    """Add maps and neighbours to latents."""
    from cmae.latent import map as maps

    settings = maps.MapSettings(
        neighbors=options.umap_neighbors,
        min_distance=options.min_distance,
        seed=options.seed,
        kept_neighbours=options.neighbours,
    )
    with progress_bar("mapping") as report:
        maps.add_maps(options.latents, settings=settings, on_progress=report)
    return _latents_info(options.latents)


def export(options: argparse.Namespace) -> Result:
    """Write latents as tables for other programs."""
    from cmae.data.cohort import Cohort
    from cmae.latent import export as exports
    from cmae.latent.latents import Latents

    cohort = None if options.cohort is None else Cohort.open(options.cohort)
    latents = Latents.open(options.latents)
    if (options.key_file is None) != (options.ids is None):
        raise InputError(
            "--key-file and --ids restore identifiers together: the key hashes each that the table "
            "lists, and what fits is the participant; give both or none."
        )
    restored = None
    if (key := pseudonyms_of(options.key_file)) is not None:
        from cmae.readers.identity import read_identifiers

        restored = key.originals(latents.keys["participant_id"], read_identifiers(options.ids))
    with progress_bar("exporting") as report:
        files = exports.export(
            latents,
            options.out,
            format_name=options.format,
            settings=exports.ExportSettings(
                visit=options.visit, name=options.name, identifiers=restored
            ),
            cohort=cohort,
            on_progress=report,
        )
    return {"folder": str(options.out), "files": files}


def translate(options: argparse.Namespace) -> Result:
    """Decode a recording of one modality into the other."""
    from cmae.latent import translation

    source, file = options.source
    is_picture = options.out.suffix.lower() in PICTURES
    if not is_picture:
        translation.check_suffix(options.target, options.out)
    _check_declared(options, source)
    recorded = translation.read(source, Path(file), rate_hz=options.rate, unit=options.unit)
    translated = translation.translate(_open_run(options.run), recorded, options.target)
    if is_picture:
        from cmae.figures import recordings

        title = f"Translated from {source} (research use only, not for diagnosis)"
        if options.target == "ecg":
            recordings.ecg_overlay({"translated": translated}, options.out, title=title)
        else:
            recordings.cine_contact_sheet(
                {"translated": translated}, options.out, title=title, rr_ms=recorded.rr_ms
            )
    else:
        translation.write(options.target, translated, options.out, rr_ms=recorded.rr_ms)
    return translation.summary(recorded, options.target, translated, options.out)


COMMANDS: dict[str, Callable[[argparse.Namespace], Result]] = {
    "simulate": simulate,
    "import": run_import,
    "info": info,
    "drop": drop,
    "embed": embed,
    "merge": merge,
    "map": add_map,
    "export": export,
    "translate": translate,
    "associate": partial(associate, open_run=_open_run),
    "evaluate": partial(evaluate, open_run=_open_run),
}
