"""Who is tested: participants who have a latent, all covariates, and genotypes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.errors import InputError, LatentsError
from cmae.latent.association_confounders import check_names, known
from cmae.latent.latents import Latents

Rows = NDArray[np.int64]


class Covariates(Protocol):
    """What an association needs of a cohort (``cmae.data.cohort.Cohort`` has it)."""

    @property
    def table(self) -> pd.DataFrame:
        """One row a (participant, visit)."""

    @property
    def fingerprint(self) -> str:
        """Hash of the rows: that of the cohort that the latents are of."""


@dataclass(frozen=True)
class MatchCounts:
    """How participants and samples met.

    Attributes:
        participants_with_latent: Participants with a latent of the kind, at the visit.
        samples: Samples of the genotype file.
        matched_by: ``IID``, ``FID_IID`` or ``FID/IID``: what equals the participant.
        without_genotypes: Participants with a latent whom the file does not hold.
        without_latent: Samples of the file who have no latent.
        without_covariates: Participants with both who lack a covariate.
        lacking: By covariate, how many of these lack it.
        tested: Who is left.
    """

    participants_with_latent: int
    samples: int
    matched_by: str
    without_genotypes: int
    without_latent: int
    without_covariates: int
    lacking: Mapping[str, int]
    tested: int

    def as_dict(self) -> dict[str, object]:
        """Return the fields, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Participants:
    """Who is tested, in one order everywhere.

    Attributes:
        rows: (n,) rows of the latents.
        samples: (n,) rows of the genotype file.
        table: Their covariates; one row each, in this order.
        counts: How they were found.
    """

    rows: Rows
    samples: Rows
    table: pd.DataFrame
    counts: MatchCounts


def rows_with_latent(latents: Latents, kind: str, visit: int | None) -> Rows:
    """Return the rows with a latent of a kind, one a participant.

    Args:
        latents: The latents.
        kind: ``ecg``, ``mri`` or ``joint``.
        visit: Only rows of this visit; None where each participant has one.

    Returns:
        (rows,) ascending.

    Raises:
        LatentsError: The file is a shard, lacks the kind, has no such row, or a participant has
            several visits.
    """
    if latents.shard is not None:
        raise LatentsError("The latents are one shard: merge the shards first, with `cmae merge`.")
    if kind not in latents.kinds:
        raise LatentsError(
            f"The file holds no {kind} latents: choose one of {', '.join(latents.kinds)}."
        )
    is_wanted = latents.present[kind]
    if visit is not None:
        is_wanted = is_wanted & (latents.keys["visit"].to_numpy() == visit)
    rows = np.flatnonzero(is_wanted)
    if not len(rows):
        at = "" if visit is None else f" at visit {visit}"
        raise LatentsError(f"No participant has a {kind} latent{at}: choose another kind or visit.")
    if latents.keys["participant_id"].iloc[rows].duplicated().any():
        raise LatentsError(
            "Some participants have several visits, but each counts once: choose a visit with "
            "--visit."
        )
    return rows


def match(
    latents: Latents,
    rows: Rows,
    samples: pd.DataFrame,
    *,
    cohort: Covariates | None,
    covariates: Sequence[str],
) -> Participants:
    """Bring latents, genotypes and covariates of the same participants together.

    Args:
        latents: The latents.
        rows: Rows that have one, one a participant.
        samples: ``fid`` and ``iid`` of the genotype file.
        cohort: Where the covariates stand; None without covariates.
        covariates: Names of columns.

    Returns:
        Who is tested, in the order of the genotype file, which then is read from front to back.

    Raises:
        InputError: Nobody matches, or a covariate is not there or given by nobody.
        LatentsError: The cohort is not the one that was embedded.
    """
    table = covariate_table(latents, cohort, covariates)
    who = latents.keys["participant_id"].iloc[rows].to_numpy(dtype=object)
    matched_by, names = _sample_names(samples, who)
    place = pd.Series(np.arange(len(names)), index=names)
    found = place.reindex(who).to_numpy(np.float64)
    has = np.isfinite(found)
    if not has.any():
        raise InputError(
            f"None of the {len(who):,} participants with latents is among the {len(names):,} "
            "samples of the genotypes: check that both use the same identifiers (IID; "
            "`cmae export --key-file` restores pseudonyms)."
        )
    rows, numbers = rows[has], found[has].astype(np.int64)
    table = table.iloc[rows]
    is_known, lacking = known(table, covariates)
    if not is_known.any():
        raise InputError(
            f"No participant with latents and genotypes has all of {', '.join(covariates)}: leave "
            f"out {max(lacking, key=lambda name: lacking[name])}, which most lack."
        )
    order = np.argsort(numbers[is_known], kind="stable")
    counts = MatchCounts(
        participants_with_latent=len(who),
        samples=len(names),
        matched_by=matched_by,
        without_genotypes=int((~has).sum()),
        without_latent=len(names) - int(has.sum()),
        without_covariates=int((~is_known).sum()),
        lacking=lacking,
        tested=int(is_known.sum()),
    )
    return Participants(
        rows=rows[is_known][order],
        samples=numbers[is_known][order],
        table=table[is_known].iloc[order].reset_index(drop=True),
        counts=counts,
    )


def covariate_table(
    latents: Latents, cohort: Covariates | None, covariates: Sequence[str]
) -> pd.DataFrame:
    """Return the covariates, row by row of the latents."""
    if cohort is not None and cohort.fingerprint != latents.cohort_fingerprint:
        raise LatentsError(
            "The latents are of another cohort, or of this one before it changed: embed again with "
            "this cohort, with `cmae embed`."
        )
    if not covariates:
        return pd.DataFrame(index=range(len(latents)))
    if cohort is None:
        raise InputError("Covariates are columns of a cohort: name it with --cohort.")
    check_names(cohort.table, covariates)
    return cohort.table[list(covariates)]


def _sample_names(samples: pd.DataFrame, who: NDArray[np.object_]) -> tuple[str, NDArray[np.str_]]:
    """Return the names of the samples that most participants have, and what they are made of."""
    fid, iid = samples["fid"].astype(str), samples["iid"].astype(str)
    ways = {"IID": iid, "FID_IID": fid + "_" + iid, "FID/IID": fid + "/" + iid}
    ways = {name: found for name, found in ways.items() if found.is_unique}
    if not ways:
        raise InputError(
            "The genotypes hold a sample twice (same FID and IID): remove the copy, for example "
            "with `plink2 --rm-dup` or a list for `--remove`."
        )
    wanted = pd.Index(who)
    best = max(ways, key=lambda name: int(wanted.isin(ways[name]).sum()))
    return best, ways[best].to_numpy()
