"""What a column of a cohort's table means: unit, kind, role, source."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Literal, get_args

from cmae.errors import InputError

Kind = Literal["continuous", "binary", "categorical"]
Role = Literal["phenotype", "covariate", "quality", "truth"]
Source = Literal["ecg", "mri", "clinical", "simulated"]


@dataclass(frozen=True)
class Column:
    """The facts of one column of a cohort's table.

    Attributes:
        unit: Unit of its values, empty where there is none.
        kind: ``continuous`` and ``binary`` (0 or 1) are numbers, ``categorical`` is text.
        role: What it is for; ``truth`` is what a simulator knows and nobody could measure.
        source: Where it comes from.
        description: One line for people.
    """

    unit: str
    kind: Kind
    role: Role
    source: Source
    description: str

    def __post_init__(self) -> None:
        """Raise InputError where a field is not one of its words."""
        for name, words in (("kind", Kind), ("role", Role), ("source", Source)):
            if getattr(self, name) not in get_args(words):
                raise InputError(
                    f"A column's {name} is {getattr(self, name)!r}, "
                    f"but it is one of {', '.join(get_args(words))}."
                )
        for name in ("unit", "description"):
            if not isinstance(getattr(self, name), str):
                raise InputError(f"A column's {name} is text, not {type(getattr(self, name))}.")

    def to_json(self) -> dict[str, str]:
        """Return the facts as columns.json holds them."""
        return asdict(self)

    @classmethod
    def from_json(cls, facts: object) -> "Column":
        """Return the column that ``to_json`` described.

        Raises:
            InputError: A field is missing, unknown, or not one of its words.
        """
        names = {field.name for field in fields(cls)}
        if not isinstance(facts, dict) or set(facts) != names:
            raise InputError(f"A column is described by {', '.join(sorted(names))}, each once.")
        return cls(**facts)


RECORDING_COLUMNS: Mapping[str, Column] = {
    "ecg_rr_ms": Column("ms", "continuous", "quality", "ecg", "RR interval of the ECG"),
    "mri_pixel_mm": Column("mm", "continuous", "quality", "mri", "Side of a pixel of the cine"),
    "mri_rr_ms": Column("ms", "continuous", "quality", "mri", "RR interval of the cine"),
    "mri_frames_recorded": Column(
        "frames", "continuous", "quality", "mri", "Frames a cycle that the scanner recorded"
    ),
}
"""What reading a recording needs; every cohort has these columns, empty where not known."""
