"""What may be chosen about a simulated population."""

from dataclasses import dataclass, fields

from cmae.errors import SettingsError


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
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0.0 <= value <= 4.0:  # NaN fails too
                raise SettingsError(
                    f"A population with {field.name} = {value} is impossible: give a factor "
                    "between 0 and 4, where 1 is realistic."
                )
