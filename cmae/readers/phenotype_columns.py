"""What the columns of a foreign table mean: names, visits, units and kinds."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cmae.data.column import RECORDING_COLUMNS, Column
from cmae.data.table import STRUCTURE, TRUTH_PLACES
from cmae.errors import InputError
from cmae.readers.canonical import CANONICAL, UKB_FIELDS
from cmae.readers.foreign_table import ID_COLUMNS
from cmae.readers.recording_columns import COLUMNS

VISIT_COLUMNS = ("visit", "instance")
"""Names of the column that says at which visit, in any case."""

PERSONAL = frozenset(
    {
        *ID_COLUMNS,
        *("fid", "id", "subject", "subject_id", "patient", "patient_id", "patientid", "mrn"),
        *(
            "name",
            "first_name",
            "last_name",
            "surname",
            "patient_name",
            "patientname",
            "nhs_number",
        ),
        *("birth_date", "birthdate", "date_of_birth", "dob", "address", "email", "phone"),
    }
)
"""Columns that name a person: never phenotypes."""

_MAX_JSON_BYTES = 2**22
_UKB = (
    re.compile(r"(?:f\.|x|n_)?(?P<field>\d{1,6})[.\-_](?P<instance>\d{1,2})[._](?P<array>\d{1,3})"),
    re.compile(
        r"(?:participant\.)?p(?P<field>\d{1,6})(?:_i(?P<instance>\d+))?(?:_a(?P<array>\d+))?"
    ),
)
_WITH_UNIT = re.compile(r"\s*(.*?)\s*[(\[]\s*([^)\]]{1,20}?)\s*[)\]]\s*")
_SEX = {"1": 1.0, "m": 1.0, "male": 1.0, "0": 0.0, "f": 0.0, "female": 0.0}


@dataclass(frozen=True)
class TableColumn:
    """A column of a foreign table that becomes one of a cohort.

    Attributes:
        source: Its name in the table.
        name: Its name in the cohort.
        visit: The visit that it is about; None where it is about all, or another column says.
        declared: What is known of it before its values were seen: facts of a Column.
    """

    source: str
    name: str
    visit: int | None
    declared: Mapping[str, str]


def read_declarations(path: Path) -> dict[str, dict[str, str] | None]:
    """Read what a person declares of columns.

    Args:
        path: JSON: by the column's name in the table an object with any of ``name`` (its name in
            the cohort), ``unit``, ``kind``, ``role``, ``source``, ``description``; null leaves
            the column out.

    Raises:
        InputError: It is no such file.
    """
    wrong = InputError(
        "The columns file is not as expected: JSON, by the name of a column an object of texts "
        "with any of name, unit, kind, role, source and description, or null to leave it out."
    )
    try:
        if path.stat().st_size > _MAX_JSON_BYTES:
            raise wrong
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise wrong from error
    if not isinstance(facts, dict):
        raise wrong
    known = {"name", "unit", "kind", "role", "source", "description"}
    for declared in facts.values():
        if declared is None:
            continue
        if not isinstance(declared, dict) or not set(declared) <= known:
            raise wrong
        if not all(isinstance(value, str) for value in declared.values()):
            raise wrong
        usual = {"kind": "continuous", "role": "phenotype", "source": "clinical"}
        described = {name: value for name, value in declared.items() if name != "name"}
        Column.from_json({"unit": "", "description": "", **usual, **described})
    return facts


def plan(
    names: Sequence[str],
    declared: Mapping[str, Mapping[str, str] | None],
    *,
    is_ukb: bool = False,
    is_declared_only: bool = False,
) -> tuple[list[TableColumn], dict[str, str]]:
    """Say what becomes of each column of a table.

    Args:
        names: Names of the columns, without those of participant and visit.
        declared: What a person declared, by name.
        is_ukb: Whether names such as ``31-0.0`` and ``p31`` are UK Biobank's.
        is_declared_only: Whether only declared columns are taken.

    Returns:
        The columns to take, those of preferred fields first, and why others are left out, by name.

    Raises:
        InputError: A declared column is not in the table.
    """
    absent = [name for name in declared if name not in names]
    if absent:
        raise InputError(f"The columns file declares {absent[0]!r}, which the table does not have.")
    taken: list[TableColumn] = []
    left_out: dict[str, str] = {}
    for name in names:
        facts = declared.get(name)
        if name.strip().lower() in PERSONAL:
            left_out[name] = "names a person"
        elif (name in declared and facts is None) or (is_declared_only and facts is None):
            left_out[name] = "not asked for"
        elif (column := _planned(name, facts or {}, is_ukb=is_ukb)) is None:
            left_out[name] = "its name is one of the cohort's own columns, or none at all"
        else:
            taken.append(column)
    return (_preferred(taken) if is_ukb else taken), left_out


def described(
    column: TableColumn, values: pd.Series, standing: Column | None
) -> tuple[Column, pd.Series] | str:
    """Describe a column by what is declared and by its values.

    Args:
        column: What was planned.
        values: Its values as text, None where missing, at least one present.
        standing: The cohort's column of this name, if there is one.

    Returns:
        The description and the values as the cohort stores them; or why it is left out.
    """
    known = values.dropna()
    numbers = pd.to_numeric(known, errors="coerce").astype(np.float64)
    base = standing or CANONICAL.get(column.name)
    if column.name == "sex" and base is not None and base.kind == "binary":
        numbers = known.str.strip().str.lower().map(_SEX).astype(np.float64)
        if numbers.isna().any():
            return "sex must be 1 or male, 0 or female"
    is_numeric = bool(np.isfinite(numbers.to_numpy()).all())
    kind = column.declared.get("kind") or (base.kind if base is not None else None)
    if kind is None:
        if "kind" not in column.declared and _is_like_identifiers(known, is_numeric=is_numeric):
            return (
                "different for everybody, as identifiers and free text are: declare it to take it"
            )
        is_binary = is_numeric and set(numbers.unique()) <= {0.0, 1.0}
        kind = "binary" if is_binary else "continuous" if is_numeric else "categorical"
    if kind == "categorical":
        stored = known.astype(object)
    elif not is_numeric:
        return f"{kind}, but not all of its values are finite numbers"
    elif kind == "binary" and not set(numbers.unique()) <= {0.0, 1.0}:
        return "binary, but not all of its values are 0 or 1"
    else:
        stored = numbers
    guessed = {"unit": "", "role": "phenotype", "source": "clinical", "description": column.source}
    facts = guessed if base is None else base.to_json()
    return Column.from_json({**facts, **column.declared, "kind": kind}), stored.reindex(
        values.index
    )


def ukb_name(name: str) -> re.Match[str] | None:
    """Return field, instance and array of a column that is named as UK Biobank's are."""
    for pattern in _UKB:
        found = pattern.fullmatch(name.strip())
        if found is not None:
            return found
    return None


def _planned(source: str, facts: Mapping[str, str], *, is_ukb: bool) -> TableColumn | None:
    """Return what becomes of one column, None if its name cannot be."""
    declared = {name: value for name, value in facts.items() if name != "name"}
    visit, name = None, source
    if is_ukb and (found := ukb_name(source)) is not None:
        field = UKB_FIELDS.get(int(found["field"]))
        array = int(found["array"] or 0)
        is_first = field is not None and array == 0
        name = f"ukb_{int(found['field'])}" + (f"_a{array}" if array else "")
        name = field.name if field is not None and is_first else name
        is_constant = field is not None and field.is_constant
        visit = None if found["instance"] is None or is_constant else int(found["instance"])
        declared = {"description": f"UK Biobank field {int(found['field'])}", **declared}
        if field is not None and is_first:
            declared.pop("description")
            declared |= {key: value for key, value in facts.items() if key == "description"}
    elif (with_unit := _WITH_UNIT.fullmatch(source)) is not None and with_unit[1]:
        name = with_unit[1]
        declared = {"unit": with_unit[2], **declared}
    name = facts.get("name") or re.sub(r"\W+", "_", name.strip()).strip("_")
    canonical = name.lower()
    name = canonical if canonical in CANONICAL else name
    own = {*STRUCTURE, *TRUTH_PLACES, *RECORDING_COLUMNS, *(set(COLUMNS) - set(CANONICAL))}
    if not name.isidentifier() or name in own:
        return None
    return TableColumn(source, name, visit, declared)


def _preferred(taken: Sequence[TableColumn]) -> list[TableColumn]:
    """Give a column's name to one field alone, where several are of it."""
    best: dict[str, str] = {}
    for column in sorted(taken, key=lambda column: _rank(column.source)):
        best.setdefault(column.name, _field_of(column.source))
    return [
        column
        if best[column.name] == _field_of(column.source)
        else replace(column, name=f"ukb_{_field_of(column.source)}")
        for column in taken
    ]


def _field_of(source: str) -> str:
    """Return the field's number of a column of UK Biobank, else its name."""
    found = ukb_name(source)
    return source if found is None else str(int(found["field"]))


def _rank(source: str) -> int:
    """Return how much a field is preferred; columns that are no fields go first."""
    order = {str(number): place for place, number in enumerate(UKB_FIELDS)}
    return order.get(_field_of(source), -1)


def _is_like_identifiers(known: pd.Series, *, is_numeric: bool) -> bool:
    """Tell whether values look as if they named people: nearly all different, long or text."""
    if len(known) < 10 or known.nunique() < 0.9 * len(known):
        return False
    if not is_numeric:
        return True
    return bool(known.str.fullmatch(r"\d{6,}").all())
