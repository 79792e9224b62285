"""How the factors of a simulated heart are described as columns of a cohort."""

from cmae.data.column import Column, Kind, Role


def described(role: Role, kind: Kind, rows: tuple[tuple[str, str, str], ...]) -> dict[str, Column]:
    """Describe columns of one role and kind.

    Args:
        role: Of all of them.
        kind: Of all of them.
        rows: Each (name, unit, description).

    Returns:
        The columns by name.
    """
    return {
        name: Column(unit=unit, kind=kind, role=role, source="simulated", description=description)
        for name, unit, description in rows
    }
