"""Held-out numbers for a run's card: retrieval, reconstruction and translation, with intervals."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.data.modality import MODALITIES
from cmae.errors import CohortError
from cmae.evaluation.measures import errors, pooled, specificity
from cmae.latent import retrieval
from cmae.latent.bootstrap import estimate
from cmae.progress import Progress

ROWS_AT_ONCE = 32
"""Rows in memory at a time: 60 MB of cines, and as much for each path."""

MOST_FOR_MEAN = 1000
"""Training recordings of which the mean recording is made."""

SOURCES = ("ecg", "mri", "joint")

UNITS = {
    "mae_uv": ("mean absolute error, µV", "{:.1f}"),
    "mse_z": ("mean squared error, SD²", "{:.3f}"),
    "psnr_db": ("PSNR a frame, dB", "{:.2f}"),
    "ssim": ("SSIM a frame", "{:.3f}"),
    "correlation": ("Pearson r", "{:.3f}"),
    "motion_correlation": ("Pearson r of the motion", "{:.3f}"),
    "specificity": ("others farther than own", "{:.3f}"),
}
"""For each metric its name for people and its format."""

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


class Evaluated(Protocol):
    """What is needed of a run (``cmae.model.run.Run`` has it)."""

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities."""

    def normalize(self, modality: str, recordings: NDArray[Any]) -> Floats:
        """Return recordings in model units."""

    def encode(self, modality: str, recordings: NDArray[Any], *, batch_size: int = ...) -> Floats:
        """Encode recordings in physical units."""

    def decode(
        self,
        modality: str,
        latents: NDArray[Any],
        *,
        mean: Any = ...,  # noqa: ANN401 - a number or an array, as the run has it
        std: Any = ...,  # noqa: ANN401
        batch_size: int = ...,
    ) -> Floats:
        """Decode latents into physical units."""

    def joint(
        self, latents: Mapping[str, NDArray[Any]], present: Mapping[str, NDArray[np.bool_]]
    ) -> Floats:
        """Merge latents."""


class Recordings(Protocol):
    """What is needed of a cohort (``cmae.data.cohort.Cohort`` has it)."""

    @property
    def table(self) -> pd.DataFrame:
        """One row a (participant, visit)."""

    def has(self, modality: str) -> NDArray[np.bool_]:
        """Tell which rows have a recording."""

    def read_many(self, modality: str, rows: Sequence[int]) -> Floats:
        """Read recordings in physical units."""


@dataclass
class _Found:
    """What the held-out rows gave, gathered chunk by chunk.

    Attributes:
        latents: By modality, one latent a row that has it; NaN elsewhere.
        errors: By path and metric, one number a row of the path.
        baselines: By modality and place, the errors of the training set's mean recording.
        rows: By path, places of its rows among the held-out rows.
        pooled: By path, decoded recordings, pooled and flat.
        recorded: By modality and place, the recorded ones, likewise.
    """

    latents: dict[str, Floats]
    errors: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    baselines: dict[str, dict[int, dict[str, float]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    rows: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    pooled: dict[str, list[Floats]] = field(default_factory=lambda: defaultdict(list))
    recorded: dict[str, dict[int, Floats]] = field(default_factory=lambda: defaultdict(dict))


def evaluate(
    run: Evaluated,
    cohort: Recordings,
    rows: NDArray[np.integer[Any]],
    training_rows: NDArray[np.integer[Any]],
    *,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure a run on rows that it never saw.

    Every path from a latent (ECG, MRI, joint) to a decoded modality is compared with the mean
    recording of the training set. ECG: mean absolute error in µV and Pearson's r. MRI, after the
    z-score of each recording: mean squared error, PSNR a frame (peak: the range of the recorded
    cine), SSIM a frame, Pearson's r of what moves (cines less their mean frame). Specificity: the
    share of other participants' recordings that lie farther from the decoded one than the own does;
    chance 0.5. It compares recordings pooled by 4 samples, or by 4 × 4 pixels × 5 frames.

    Args:
        run: The run.
        cohort: The cohort.
        rows: Held-out row numbers.
        training_rows: Row numbers that the run was trained on; for the mean recording.
        seed: Seed of the bootstrap.
        on_progress: Called with (rows done, rows).

    Returns:
        For JSON: ``rows``, ``mean_recording_of`` (training recordings by modality), ``retrieval``
        (``ecg_to_mri``, ``mri_to_ecg``; only for runs of both) and ``paths`` (``ecg_to_ecg`` …),
        each with ``n`` and its metrics: ``value``, 95 % interval ``low`` … ``high`` over
        participants, and ``baseline`` or ``chance``.

    Raises:
        CohortError: There is no held-out row, or none to train a mean recording on.
    """
    held_out = np.asarray(rows, np.int64)
    if not len(held_out) or not len(training_rows):
        raise CohortError(
            f"There are {len(held_out)} held-out and {len(training_rows)} training rows: a run "
            "is measured on some of both; take a larger cohort or another split."
        )
    means, mean_of = {}, {}
    for name in run.modalities:
        means[name], mean_of[name] = _mean_recording(run, cohort, name, training_rows)
    latent_dim = 0
    found: _Found | None = None
    for start in range(0, len(held_out), ROWS_AT_ONCE):
        places = np.arange(start, min(start + ROWS_AT_ONCE, len(held_out)))
        recorded = dict(_recorded(run, cohort, held_out, places))
        latents = {
            name: run.encode(name, physical, batch_size=ROWS_AT_ONCE)
            for name, (_, physical, _) in recorded.items()
        }
        if found is None and latents:
            latent_dim = next(iter(latents.values())).shape[1]
            found = _empty(run, len(held_out), latent_dim)
        if found is not None:
            _measure_chunk(run, recorded, latents, means, found)
        if on_progress is not None:
            on_progress(int(places[-1]) + 1, len(held_out))
    if found is None:
        raise CohortError("No held-out row has a recording that the run encodes.")
    participants = cohort.table["participant_id"].to_numpy()[held_out].astype(str)
    result: dict[str, Any] = {"rows": len(held_out), "mean_recording_of": mean_of}
    both = np.all([np.isfinite(latent[:, 0]) for latent in found.latents.values()], axis=0)
    if len(run.modalities) == 2 and both.sum() > 1:
        result["retrieval"] = retrieval.both_ways(
            found.latents["ecg"][both],
            found.latents["mri"][both],
            participants=participants[both],
            seed=seed,
        )
    result["paths"] = {path: _path(found, path, participants, seed) for path in found.rows}
    return result


def _empty(run: Evaluated, count: int, latent_dim: int) -> _Found:
    shape = (count, latent_dim)
    return _Found({name: np.full(shape, np.nan, np.float32) for name in run.modalities})


def _mean_recording(
    run: Evaluated, cohort: Recordings, modality: str, rows: NDArray[np.integer[Any]]
) -> tuple[Floats, int]:
    """Return the mean of training recordings in units of comparison, and of how many it is."""
    candidates = np.asarray(rows)[cohort.has(modality)[rows]]
    if not len(candidates):
        raise CohortError(
            f"No training row has an {MODALITIES[modality].title}: give the rows that the run was "
            "trained on."
        )
    chosen = candidates[np.unique(np.linspace(0, len(candidates) - 1, MOST_FOR_MEAN).astype(int))]
    total = np.zeros(MODALITIES[modality].shape)
    for start in range(0, len(chosen), ROWS_AT_ONCE):
        physical = cohort.read_many(modality, chosen[start : start + ROWS_AT_ONCE].tolist())
        total += _comparable(run, modality, physical).sum(axis=0, dtype=np.float64)
    return (total / len(chosen)).astype(np.float32), len(chosen)


def _comparable(run: Evaluated, modality: str, physical: Floats) -> Floats:
    """Give an ECG in mV, a cine as its z-score."""
    return physical if modality == "ecg" else run.normalize(modality, physical)


def _recorded(
    run: Evaluated, cohort: Recordings, rows: Rows, places: Rows
) -> Iterator[tuple[str, tuple[Rows, Floats, Floats]]]:
    """Read a chunk: by modality the places that have it, physical and comparable recordings."""
    for name in run.modalities:
        with_it = places[cohort.has(name)[rows[places]]]
        if len(with_it):
            physical = cohort.read_many(name, rows[with_it].tolist())
            yield name, (with_it, physical, _comparable(run, name, physical))


def _measure_chunk(
    run: Evaluated,
    recorded: Mapping[str, tuple[Rows, Floats, Floats]],
    latents: Mapping[str, Floats],
    means: Mapping[str, Floats],
    found: _Found,
) -> None:
    sources = {name: (recorded[name][0], latents[name]) for name in latents}
    for name, (places, latent) in sources.items():
        found.latents[name][places] = latent
    if len(latents) == 2:
        places = np.intersect1d(sources["ecg"][0], sources["mri"][0])
        present = {name: np.ones(len(places), bool) for name in latents}
        if len(places):
            merged = run.joint({name: found.latents[name][places] for name in latents}, present)
            sources["joint"] = (places, merged)
    for target, (target_places, _, comparable) in recorded.items():
        for place, recording in zip(target_places.tolist(), comparable, strict=True):
            found.recorded[target][place] = pooled(target, recording)
            found.baselines[target][place] = errors(target, recording, means[target])
        for source in (source for source in SOURCES if source in sources):
            places, latent = sources[source]
            shared, from_source, in_target = np.intersect1d(
                places, target_places, return_indices=True
            )
            if not len(shared):
                continue
            scale = {"mean": 0.0, "std": 1.0} if target == "mri" else {}
            decoded = run.decode(target, latent[from_source], batch_size=ROWS_AT_ONCE, **scale)
            path = f"{source}_to_{target}"
            found.rows[path].extend(shared.tolist())
            for truth, output in zip(comparable[in_target], decoded, strict=True):
                for metric, value in errors(target, truth, output).items():
                    found.errors[path, metric].append(value)
                found.pooled[path].append(pooled(target, output))


def _path(found: _Found, path: str, participants: NDArray[np.str_], seed: int) -> dict[str, Any]:
    rows, target = np.array(found.rows[path]), path.rpartition("_")[2]
    result: dict[str, Any] = {"n": len(rows)}
    for metric in (metric for name, metric in found.errors if name == path):
        values = np.array(found.errors[path, metric])
        baseline = np.array([found.baselines[target][place][metric] for place in rows.tolist()])
        # A flat recording correlates with nothing; it says nothing against either.
        is_known = np.isfinite(values)
        if not is_known.any():
            continue
        number = estimate(values[is_known], participants=participants[rows][is_known], seed=seed)
        finite = baseline[np.isfinite(baseline)]
        mean = float(finite.mean()) if len(finite) else None
        result[metric] = {**number.as_dict(), "baseline": mean}
    places = np.array(sorted(found.recorded[target]))
    shares = specificity(
        np.stack(found.pooled[path]),
        np.stack([found.recorded[target][place] for place in places]),
        np.searchsorted(places, rows),
        participants[places][None] != participants[rows][:, None],
    )
    if np.isfinite(shares).all():
        number = estimate(shares, participants=participants[rows], seed=seed)
        result["specificity"] = {**number.as_dict(), "chance": 0.5}
    return result


def to_markdown(metrics: Mapping[str, Any]) -> str:
    """Lay the numbers out as Markdown tables for people.

    Args:
        metrics: What ``evaluate`` gave.

    Returns:
        Tables with 95 % intervals, N, and baseline or chance.
    """
    lines: list[str] = []
    if "retrieval" in metrics:
        lines += [
            "| retrieval | N | measure | value (95 % interval) | chance |",
            "|---|---|---|---|---|",
        ]
        for direction, scores in metrics["retrieval"].items():
            title = _title(direction)
            for name, entry in scores.items():
                if name != "n":
                    lines.append(
                        f"| {title} | {scores['n']:,} | {name.replace('_', ' ')} | "
                        f"{_interval(entry, '{:.3f}')} | {entry['chance']:.3f} |"
                    )
        lines.append("")
    lines += [
        "| path | N | measure | value (95 % interval) | mean recording, or chance |",
        "|---|---|---|---|---|",
    ]
    for path, scores in metrics["paths"].items():
        title = _title(path)
        for name, entry in scores.items():
            if name == "n":
                continue
            words, form = UNITS[name]
            against = entry.get("baseline", entry.get("chance"))
            shown = "-" if against is None else form.format(against)
            lines.append(
                f"| {title} | {scores['n']:,} | {words} | {_interval(entry, form)} | {shown} |"
            )
    recordings = ", ".join(
        f"{count:,} {MODALITIES[name].title}s"
        for name, count in metrics["mean_recording_of"].items()
    )
    lines += ["", f"The mean recordings are of the training set: {recordings}."]
    return "\n".join(lines)


def _title(path: str) -> str:
    return path.replace("_to_", " → ").replace("ecg", "ECG").replace("mri", "MRI")


def _interval(entry: Mapping[str, float], form: str) -> str:
    value, low, high = (form.format(entry[name]) for name in ("value", "low", "high"))
    return f"{value} ({low} – {high})"
