"""Phenome scan: every phenotype of a cohort against the whole latent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.data.column import Column
from cmae.data.split import hashed_places
from cmae.errors import InputError, SettingsError
from cmae.latent.association_confounders import Confounders, confounders, known
from cmae.latent.association_confounders import null_space_projection as project_out
from cmae.latent.association_samples import covariate_table, rows_with_latent
from cmae.latent.latents import KINDS, Latents
from cmae.latent.phenome_results import Found, PhenomeScan, gathered
from cmae.latent.phenome_tests import EXPLAINED, Confirmed, Derived, confirm, derive, joint

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Progress = Callable[[int, int], None]

FEWEST, FEWEST_OF_A_CLASS = 30, 10
"""Fewest participants in each half, and fewest of each class of a binary phenotype in each."""

SALT = "phenome"
"""Makes the halves others than those that the trainer's splits come from."""


class Described(Protocol):
    """What a scan needs of a cohort (``cmae.data.cohort.Cohort`` has it)."""

    columns: dict[str, Column]

    @property
    def table(self) -> pd.DataFrame:
        """One row a (participant, visit)."""

    @property
    def fingerprint(self) -> str:
        """Hash of the rows."""


@dataclass(frozen=True)
class PhenomeSettings:
    """What is scanned, and how.

    Attributes:
        kind: The kind of latent: ``ecg``, ``mri`` or ``joint``.
        visit: Only latents of this visit; None where each participant has one.
        covariates: Columns of the cohort that are removed.
        with_covariates: Whether columns whose role is covariate are scanned too.
        null_space: Whether directions that tell of covariates are projected out first.
        seed: Of the halves, the permutation and the projection.
    """

    kind: str = "joint"
    visit: int | None = None
    covariates: tuple[str, ...] = ()
    with_covariates: bool = False
    null_space: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise SettingsError where a value is out of range."""
        if self.kind not in KINDS:
            raise SettingsError(f"There is no kind {self.kind!r}: choose {', '.join(KINDS)}.")
        if self.seed < 0:
            raise SettingsError("A seed is negative: count from 0.")
        if self.null_space and not self.covariates:
            raise SettingsError(
                "A null-space projection removes what tells of covariates: name some."
            )


def scan(
    latents: Latents,
    cohort: Described,
    *,
    settings: PhenomeSettings | None = None,
    on_progress: Progress | None = None,
) -> PhenomeScan:
    """Test every phenotype against the latents.

    Half of the participants, by a hash of the identifier, derive a probe and a direction, the other
    half tests it (``phenome_tests``); besides, a joint test in all. Phenotypes are taken in groups
    that the same participants have. False discoveries are controlled over all that were tested.

    Args:
        latents: The latents.
        cohort: The cohort that was embedded.
        settings: What is scanned.
        on_progress: Called with (phenotypes done, phenotypes).

    Raises:
        InputError: A covariate is missing, or there is no phenotype to scan.
        LatentsError: The latents are a shard, of another cohort, or lack the kind or visit.
    """
    settings = settings or PhenomeSettings()
    people = _People(latents, cohort, settings)
    candidates, left_out = people.candidates()
    found: list[dict[str, object]] = []
    moves, probes, chance = [], [], []
    total = len(left_out) + sum(len(names) for _, names in candidates)
    for has, names in candidates:
        group = _Group(people, has, names)
        kept, refused = group.testable()
        left_out += refused
        if kept:
            rows, derived = group.tested(kept)
            found += rows
            moves += list(derived.moves.T)
            probes += list(derived.weights.T)
            chance += group.permuted(kept)
        if on_progress is not None:
            on_progress(len(found) + len(left_out), total)
    shape = len(found), latents.latent_dim
    parts = Found(
        found,
        left_out,
        np.array(moves).reshape(shape),
        np.array(probes).reshape(shape),
        np.array(chance),
    )
    return gathered(parts, kind=settings.kind, head=people.summary())


class _People:
    """Participants with a latent and all covariates, with everything that is known of them."""

    def __init__(self, latents: Latents, cohort: Described, settings: PhenomeSettings) -> None:
        self.settings, self.latents, self.columns = settings, latents, cohort.columns
        rows = rows_with_latent(latents, settings.kind, settings.visit)
        covariate_table(latents, cohort, settings.covariates)
        table = cohort.table.iloc[rows]
        is_known, self.lacking = known(table, settings.covariates)
        self.with_latent = len(rows)
        self.table = table[is_known].reset_index(drop=True)
        values = latents.latents[settings.kind][rows[is_known]].astype(np.float64)
        if not np.isfinite(values).all():
            raise InputError("The latents hold numbers that are not finite: embed again.")
        if not np.ptp(values, axis=0).any():
            raise InputError("The latents are all the same: embed with a run that was trained.")
        if len(values) < 2 * FEWEST:
            raise InputError(
                f"{len(values)} participants have a {settings.kind} latent and all covariates: a "
                f"scan in two halves takes {2 * FEWEST} or more."
            )
        self.removed = self.basis(np.ones(len(values), bool))
        if settings.null_space:
            values = project_out(values, self.removed, seed=settings.seed).project(values)
        self.values = values
        who = self.table["participant_id"].to_numpy(dtype=str)
        self.derives = hashed_places(who, f"{SALT}:{settings.seed}") < 0.5

    def summary(self) -> dict[str, object]:
        """Say in numbers who is scanned, for JSON."""
        return {
            "is_simulated": self.latents.is_simulated,
            "run_fingerprint": self.latents.run_fingerprint,
            "cohort_fingerprint": self.latents.cohort_fingerprint,
            "kind": self.settings.kind,
            "participants": {
                "with_latent": self.with_latent,
                "without_covariates": self.with_latent - len(self.table),
                "lacking": self.lacking,
                "scanned": len(self.table),
                "derive": int(self.derives.sum()),
                "test": int((~self.derives).sum()),
            },
            "covariates": {
                "removed": list(self.removed.used),
                "left_out": dict(self.removed.left_out),
            },
            "null_space_projection": self.settings.null_space,
            "seed": self.settings.seed,
        }

    def basis(self, rows: Mask) -> Confounders:
        """Return the covariates of some of them."""
        return confounders(self.table[rows], self.settings.covariates)

    def candidates(self) -> tuple[list[tuple[Mask, list[str]]], list[tuple[str, str, int]]]:
        """Return phenotypes by who has them, and those that cannot be scanned at all."""
        roles = {"phenotype", "covariate"} if self.settings.with_covariates else {"phenotype"}
        named = [name for name, column in self.columns.items() if column.role in roles]
        if not named:
            raise InputError(
                "The cohort has no phenotype: import some with `cmae import table`, or scan "
                "covariates with --with-covariates."
            )
        groups: dict[bytes, tuple[Mask, list[str]]] = {}
        left_out = []
        for name in named:
            values = self.table[name]
            if self.columns[name].kind == "categorical":
                left_out.append((name, "categorical: make a binary column a level", len(values)))
            elif name in self.settings.covariates:
                left_out.append((name, "a covariate that was removed", len(values)))
            else:
                has = np.isfinite(values.to_numpy(np.float64, na_value=np.nan))
                groups.setdefault(np.packbits(has).tobytes(), (has, []))[1].append(name)
        return list(groups.values()), left_out


class _Group:
    """Phenotypes that the same participants have."""

    def __init__(self, people: _People, has: Mask, names: list[str]) -> None:
        self._people, self._has, self._names = people, has, names
        self._halves = has & people.derives, has & ~people.derives

    def _targets(self, names: list[str], rows: Mask) -> Floats:
        """Return phenotypes in SDs, (rows, phenotypes)."""
        values = self._people.table.loc[rows, names].to_numpy(np.float64, na_value=np.nan)
        return np.asarray((values - values.mean(axis=0)) / values.std(axis=0))

    def testable(self) -> tuple[list[str], list[tuple[str, str, int]]]:
        """Return the names that can be tested, and the others with the reason and how many."""
        count = int(self._has.sum())
        counts = [int(half.sum()) for half in self._halves]
        if min(counts) < FEWEST + self._people.removed.basis.shape[1]:
            reason = f"too few participants ({counts[0]} derive, {counts[1]} test)"
            return [], [(name, reason, count) for name in self._names]
        bases = [self._people.basis(half) for half in self._halves]
        kept, refused = [], []
        for name in self._names:
            reason = self._reason(name, bases)
            if reason:
                refused.append((name, reason, count))
            else:
                kept.append(name)
        return kept, refused

    def _reason(self, name: str, bases: list[Confounders]) -> str:
        for half, basis in zip(self._halves, bases, strict=True):
            values = self._people.table.loc[half, name].to_numpy(np.float64)
            about_mean = values - values.mean()
            if np.ptp(values) <= 1e-9 * max(1.0, float(np.abs(values).max())):
                is_binary = self._people.columns[name].kind == "binary"
                return "one class only" if is_binary else "constant"
            _, classes = np.unique(values, return_counts=True)
            if len(classes) == 2 and classes.min() < FEWEST_OF_A_CLASS:
                return f"fewer than {FEWEST_OF_A_CLASS} of a class in a half"
            left = basis.residuals(about_mean[:, None])[:, 0]
            if left @ left < EXPLAINED * (about_mean @ about_mean):
                return "explained by the covariates"
        return ""

    def tested(self, names: list[str]) -> tuple[list[dict[str, object]], Derived]:
        """Test some phenotypes: a row each, and what the first half says."""
        people, (first, second) = self._people, self._halves
        derived, confirmed = self._halved(names, people.values[first], people.values[second])
        note, shared = "", np.full((2, len(names)), np.nan)
        freedom: tuple[float, float] = (np.nan, np.nan)
        try:
            r2, p, freedom = joint(
                people.values[self._has], self._targets(names, self._has), people.basis(self._has)
            )
            shared = np.stack([r2, p])
        except InputError:
            note = "too few participants for the joint test"
        rows: list[dict[str, object]] = []
        for place, name in enumerate(names):
            column = people.columns[name]
            row: dict[str, object] = {"phenotype": name, "kind": column.kind, "unit": column.unit}
            row |= {"source": column.source, "n_derive": first.sum(), "n_test": second.sum()}
            row |= {each: values[place] for each, values in vars(confirmed).items()}
            row |= {"joint_n": self._has.sum(), "joint_r2": shared[0, place]}
            row |= {"joint_df1": freedom[0], "joint_df2": freedom[1]}
            row |= {"joint_neg_log10_p": shared[1, place], "note": note}
            row["penalty"] = derived.penalties[place]
            rows.append(row)
        return rows, derived

    def permuted(self, names: list[str]) -> list[float]:
        """Return −log10 p of the same with latents of other participants (Freedman and Lane)."""
        people = self._people
        rng = np.random.default_rng([people.settings.seed, 1])
        given = []
        for half in self._halves:
            left = people.basis(half).residuals(people.values[half])
            given.append(left[rng.permutation(len(left))])
        return [float(p) for p in self._halved(names, *given)[1].neg_log10_p]

    def _halved(self, names: list[str], first: Floats, second: Floats) -> tuple[Derived, Confirmed]:
        bases = [self._people.basis(half) for half in self._halves]
        derived = derive(first, self._targets(names, self._halves[0]), bases[0])
        targets = self._targets(names, self._halves[1])
        return derived, confirm(second @ derived.weights, targets, bases[1])
