"""Genotypes under Hardy–Weinberg, a few of them with effects on the factors of the heart.

Dosages of a variant are Binomial(2, p): two alleles drawn by themselves. Variants are independent
of each other. Every participant has random streams of their own, and the frequencies belong to the
seed, so the number of participants does not change what is drawn, and that of variants does not
change the causal ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.simulate.reference import Floats

EffectKind = Literal["measured", "unmeasured", "spread"]

CHROMOSOMES = 22
BASES_APART = 1_000
"""Distance of neighbouring variants of a chromosome."""

FREQUENCIES = (0.05, 0.5)
"""Range of the frequency of the counted allele, drawn uniformly."""

BLOCK = 1024
"""Null variants of one random stream."""

_GENOTYPE_STREAM, _VARIANT_STREAM = 4, 5


@dataclass(frozen=True)
class Effect:
    """What a causal variant does.

    Attributes:
        kind: ``measured``: on a factor with a phenotype column of its own; ``unmeasured``: on one
            that no phenotype column measures; ``spread``: on several.
        factors: Random numbers of the factors that it shifts: names in NORMALS of the modules.
        share: Share of the variance of each of them that the variant explains.
        sign: Whether the counted allele raises (1) or lowers (−1) the first factor; the signs
            alternate from there.
    """

    kind: EffectKind
    factors: tuple[str, ...]
    share: float
    sign: int = 1

    def signs(self) -> tuple[int, ...]:
        """Return the direction of the effect on each factor."""
        return tuple(self.sign * (-1) ** k for k in range(len(self.factors)))


EFFECTS = (
    Effect("measured", ("chamber_mass",), 0.02),
    Effect("unmeasured", ("turn",), 0.02),
    Effect("spread", ("chamber_lvedv", "chamber_rvedv", "rate", "qtc", "lie", "kick"), 0.005),
    Effect("measured", ("chamber_lvedv",), 0.02, -1),
    Effect("unmeasured", ("kick",), 0.02, -1),
    Effect("spread", ("chamber_mass", "chamber_length", "turn", "t_gain", "voltage"), 0.005, -1),
    Effect("measured", ("rate",), 0.01),
    Effect("unmeasured", ("t_skew",), 0.01),
    Effect("spread", ("chamber_la", "pr", "p_gain", "septal", "shortening", "turn"), 0.005),
    Effect("measured", ("chamber_mass",), 0.005, -1),
    Effect("unmeasured", ("turn",), 0.005, -1),
    Effect("spread", ("chamber_la", "chamber_ra", "p_duration", "la_ef", "lie"), 0.003, -1),
)
"""What the causal variants of every set do, in their order; all other variants are null."""

_SHOWN_BY = {
    "chamber_mass": "lv_mass_g", "chamber_lvedv": "lvedv_ml", "chamber_length": "lv_length_mm",
    "chamber_rvedv": "rvedv_ml", "chamber_la": "la_max_ml", "chamber_ra": "ra_max_ml",
    "rate": "heart_rate_bpm", "qtc": "qtc_ms", "pr": "pr_ms", "p_duration": "p_duration_ms",
    "turn": "heart_turn_z", "lie": "heart_lie_z", "kick": "atrial_kick_share",
    "t_skew": "t_skew", "t_gain": "t_gain", "voltage": "qrs_gain", "p_gain": "p_gain",
    "septal": "septal_gain", "shortening": "lv_shortening", "la_ef": "la_ef_percent",
}  # fmt: skip
"""The column of a cohort that shows each factor most directly."""


def blocks(participants: Sequence[int], variants: int, *, seed: int) -> Iterator[NDArray[np.int8]]:
    """Draw the dosages of a set in the order of its variants.

    Args:
        participants: Their numbers.
        variants: How many variants the set has.
        seed: Of the population.

    Yields:
        (participants, some variants) number of counted alleles, 0, 1 or 2.
    """
    places = _places(variants)
    before = places - np.arange(len(places))  # null variants before each causal one
    causal = _dosages(participants, len(places), seed=seed, block=0)
    nulls = variants - len(places)
    for block, start in enumerate(range(0, max(nulls, 1), BLOCK), start=1):
        count = min(BLOCK, nulls - start)
        is_last = start + count == nulls
        mine = (before >= start) & ((before < start + count) | is_last)
        drawn = _dosages(participants, count, seed=seed, block=block)
        yield np.insert(drawn, before[mine] - start, causal[:, mine], axis=1)


def _places(variants: int) -> NDArray[np.int64]:
    """Where in a set the causal variants stand: spread evenly."""
    count = min(len(EFFECTS), variants)
    return np.arange(count) * variants // max(count, 1)


def _frequencies(count: int, *, seed: int, block: int) -> Floats:
    """Frequencies of the counted alleles of the first ``count`` variants of a block."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, block, _VARIANT_STREAM]))
    return rng.uniform(*FREQUENCIES, count)


def _dosages(participants: Sequence[int], count: int, *, seed: int, block: int) -> NDArray[np.int8]:
    """Dosages of the first ``count`` variants of a block; block 0 holds the causal ones."""
    frequency = _frequencies(count, seed=seed, block=block)[:, None]
    result = np.empty((len(participants), count), np.int8)
    for row, number in enumerate(participants):
        sequence = np.random.SeedSequence([seed, number, _GENOTYPE_STREAM, block])
        result[row] = (np.random.default_rng(sequence).random((count, 2)) < frequency).sum(axis=1)
    return result


def shifted(
    noise: Mapping[str, Floats], participants: Sequence[int], *, seed: int, variants: int
) -> dict[str, Floats]:
    """Move the standard normal numbers of the factors by the effects, keeping their variance.

    With x the dosage standardized by Hardy–Weinberg, x = (d − 2p) / √(2p(1 − p)), and shares h² of
    the variants that act on a factor z: z' = √(1 − Σh²) · z + Σ ± √h² · x.

    Args:
        noise: By name, (participants,) standard normal numbers of the factors.
        participants: Their numbers.
        seed: Of the population.
        variants: How many variants the set has; effects beyond do not act.

    Returns:
        All of ``noise``, with new values where an effect acts.
    """
    acting = EFFECTS[:variants]
    frequency = _frequencies(len(acting), seed=seed, block=0)
    dosage = _dosages(participants, len(acting), seed=seed, block=0)
    standardized = (dosage - 2 * frequency) / np.sqrt(2 * frequency * (1 - frequency))
    result = dict(noise)
    shares: dict[str, float] = {}
    shifts: dict[str, Floats] = {}
    for effect, x in zip(acting, standardized.T, strict=True):
        for factor, sign in zip(effect.factors, effect.signs(), strict=True):
            shares[factor] = shares.get(factor, 0.0) + effect.share
            shifts[factor] = shifts.get(factor, 0.0) + sign * np.sqrt(effect.share) * x
    for factor, shift in shifts.items():
        result[factor] = np.sqrt(1 - shares[factor]) * noise[factor] + shift
    return result


def variant_table(variants: int, *, seed: int) -> pd.DataFrame:
    """Describe the variants of a set, in its order.

    Returns:
        One row a variant: ``variant``, ``chromosome``, ``position``, ``frequency`` of the counted
        allele, ``kind`` (measured, unmeasured, spread or no_effect), ``factors`` (random numbers of
        the simulator, comma-separated), ``columns`` of the cohort that show them most directly,
        ``effects`` in SD of each factor an allele, and ``variance_share`` of each factor.
    """
    places, number = _places(variants), np.arange(variants)
    nulls = variants - len(places)
    starts = range(0, nulls, BLOCK)
    frequency = np.empty(variants)
    frequency[places] = _frequencies(len(places), seed=seed, block=0)
    frequency[np.setdiff1d(number, places)] = [
        value
        for block, start in enumerate(starts, start=1)
        for value in _frequencies(min(BLOCK, nulls - start), seed=seed, block=block)
    ]
    table = pd.DataFrame(
        {
            "variant": [f"sim{k + 1:07d}" for k in number],
            "chromosome": number * CHROMOSOMES // max(variants, 1) + 1,
            "position": (number + 1) * BASES_APART,
            "frequency": frequency,
            "kind": "no_effect",
            "factors": "",
            "columns": "",
            "effects": "",
            "variance_share": 0.0,
        }
    )
    for place, effect in zip(places, EFFECTS, strict=False):
        p = frequency[place]
        size = np.sqrt(effect.share / (2 * p * (1 - p)))
        table.loc[place, ["kind", "factors", "columns", "effects", "variance_share"]] = [
            effect.kind,
            ",".join(effect.factors),
            ",".join(_SHOWN_BY[factor] for factor in effect.factors),
            ",".join(f"{sign * size:.5f}" for sign in effect.signs()),
            effect.share,
        ]
    return table
