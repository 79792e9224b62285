"""A population of hearts: body, chambers, conduction and disease, drawn participant by participant.

Every participant has random streams of their own, so participant k is the same however many are
drawn; and what one module draws does not change when another draws more.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cmae.errors import SettingsError
from cmae.simulate import anatomy, disease, electricity, genotypes, imaging
from cmae.simulate.factors import COLUMNS
from cmae.simulate.reference import Floats
from cmae.simulate.settings import PopulationSettings

__all__ = ["COLUMNS", "draw"]

REALISTIC = PopulationSettings()

NUMBERS = (
    (anatomy.UNIFORMS, anatomy.NORMALS),
    (electricity.UNIFORMS, electricity.NORMALS),
    (imaging.UNIFORMS, imaging.NORMALS),
    (disease.UNIFORMS, disease.NORMALS),
)
"""(uniforms, normals) of each module, in the order of their streams."""

FIRST_STREAM = 10
"""Number of the first module's stream; the renderers' are below."""


def draw(
    participants: int,
    *,
    seed: int,
    first: int = 0,
    settings: PopulationSettings = REALISTIC,
    variants: int = 0,
) -> pd.DataFrame:
    """Draw participants ``first`` … ``first + participants − 1`` of the population of ``seed``.

    Args:
        participants: How many, at least 1.
        seed: Names the population; 0 or larger.
        first: Number of the first participant; 0 or larger.
        settings: How sick, noisy and hard to translate they are.
        variants: Genetic variants that they are genotyped at, which shift factors by
            ``genotypes.EFFECTS``; 0: none, and the population is as it is without genetics.

    Returns:
        One row a participant, indexed by the participant's number, with the columns of COLUMNS in
        the units given there; what does not exist (PR in atrial fibrillation) is NaN.

    Raises:
        SettingsError: A number is out of range.
    """
    if participants < 1 or seed < 0 or first < 0:
        raise SettingsError(
            f"Simulating {participants} participants from number {first} with seed {seed} is "
            "impossible: ask for at least 1 participant, and for a seed of 0 or more."
        )
    numbers = range(first, first + participants)
    noise = _numbers(numbers, seed)
    if variants:
        noise = genotypes.shifted(noise, numbers, seed=seed, variants=variants)
    for name in (*electricity.PRIVATE, *imaging.PRIVATE):
        noise[name] = noise[name] * np.sqrt(settings.private_variance)
    heart: dict[str, Floats] = {}
    heart |= anatomy.body(noise)
    flags, words = disease.diseases(noise, heart, frequency=settings.disease_frequency)
    heart |= flags
    heart |= anatomy.chambers(noise, heart)
    heart |= anatomy.atria_and_motion(noise, heart)
    heart |= anatomy.lie(noise, heart)
    heart |= electricity.conduction(noise, heart)
    heart |= imaging.imaging(noise, heart)
    heart |= electricity.waves(noise, heart)
    for name in ("ecg_noise_mv", "scanner_noise"):
        heart[name] = heart[name] * settings.noise
    table = pd.DataFrame(heart, index=pd.RangeIndex(first, first + participants))
    for name, word in words.items():
        table[name] = word
    binary = [name for name, column in COLUMNS.items() if column.kind == "binary"]
    table[binary] = table[binary].astype(np.int8)
    return table[list(COLUMNS)]


def _numbers(numbers: Sequence[int], seed: int) -> dict[str, Floats]:
    """Each participant's own random numbers, (participants,) by name."""
    named: dict[str, Floats] = {}
    for stream, (uniforms, normals) in enumerate(NUMBERS, start=FIRST_STREAM):
        uniform = np.empty((len(numbers), len(uniforms)))
        normal = np.empty((len(numbers), len(normals)))
        for row, number in enumerate(numbers):
            rng = np.random.default_rng(np.random.SeedSequence([seed, number, stream]))
            uniform[row] = rng.random(len(uniforms))
            normal[row] = rng.standard_normal(len(normals))
        named |= dict(zip(uniforms, uniform.T, strict=True))
        named |= dict(zip(normals, normal.clip(-3.2, 3.2).T, strict=True))
    return named
