"""What may be chosen about a simulated population."""

from dataclasses import dataclass, field, fields

from cmae.errors import SettingsError

SIMULATOR_NUMBER = 3
"""Raised when the same seed makes other people or other recordings."""

MOST_VARIANTS = 1_000_000
"""So that their positions fit into the numbers of other programs."""


@dataclass(frozen=True)
class PopulationSettings:
    """How sick, how noisy and how hard to translate a population is; 1 is realistic.

    Attributes:
        disease_frequency: Share of every disease against its realistic share; 0: all healthy,
            4 at most.
        noise: Amplitude of the noise of both recordings against a realistic one; 0: none.
        private_variance: Variance of what only one modality shows against a realistic one; 0: all
            differences are shared.
    """

    disease_frequency: float = 1.0
    noise: float = 1.0
    private_variance: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what no population has."""
        for choice in fields(self):
            value = getattr(self, choice.name)
            if not 0.0 <= value <= 4.0:  # NaN fails too
                raise SettingsError(
                    f"A population with {choice.name} = {value} is impossible: give a factor "
                    "between 0 and 4, where 1 is realistic."
                )


@dataclass(frozen=True)
class CohortSettings:
    """What a simulated cohort holds.

    Attributes:
        population: How sick, noisy and hard to translate the participants are.
        ecg_only: Share of participants with an ECG alone, 0 to 1.
        mri_only: Share of participants with a cine alone, 0 to 1; the others have both.
        has_recordings: Whether recordings are rendered, or the table alone is made.
        has_masks: Whether masks of the chambers are stored for every cine.
        has_noiseless: Whether every recording is stored without noise as well.
        variants: Genetic variants that the participants are genotyped at, some with effects.
        has_ceilings: Whether it is computed how well one modality can tell of the other at best.
    """

    population: PopulationSettings = field(default_factory=PopulationSettings)
    ecg_only: float = 0.0
    mri_only: float = 0.0
    has_recordings: bool = True
    has_masks: bool = False
    has_noiseless: bool = False
    variants: int = 0
    has_ceilings: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be had together."""
        if not (min(self.ecg_only, self.mri_only) >= 0 and self.ecg_only + self.mri_only <= 1):
            raise SettingsError(
                f"Shares of {self.ecg_only} with an ECG alone and {self.mri_only} with a cine "
                "alone do not fit: each is 0 or more, and together they are at most 1."
            )
        if not 0 <= self.variants <= MOST_VARIANTS:
            raise SettingsError(
                f"{self.variants} genetic variants cannot be simulated: ask for 0 to "
                f"{MOST_VARIANTS:,}."
            )
        if not self.has_recordings and (
            self.has_masks or self.has_noiseless or self.ecg_only or self.mri_only
        ):
            raise SettingsError(
                "Masks, noiseless recordings and shares with one recording do not go with a "
                "simulation without recordings: leave out one or the other."
            )
