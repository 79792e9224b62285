"""The same comparison without the explorer: a few lines of Python, ready to copy."""

from collections.abc import Sequence

from app.comparison_groups import Chosen

_OPERATORS = {"below": "<", "at_most": "<=", "at_least": ">=", "above": ">"}

MOST_ROWS = 2_000
"""Row numbers that are written out; more make no command that anybody pastes."""


def command(cohort: str, first: Chosen, second: Chosen, covariates: Sequence[str]) -> str:
    """Return what compares two groups on the command line.

    Args:
        cohort: Name of the cohort's folder.
        first: The first group.
        second: The second group.
        covariates: Columns that are held constant.

    Returns:
        A command for a shell; row numbers stand for drawn groups, never identifiers.
    """
    held = f", covariates={tuple(covariates)!r}" if covariates else ""
    lines = [
        "python - <<'END'",
        "import numpy as np",
        "from cmae.data.cohort import Cohort",
        "from cmae.latent.group_comparison import compare_groups",
        "",
        f"cohort = Cohort.open({cohort!r})",
        "table = cohort.table",
        f"a = {_rows(first, 'b', second)}",
        f"b = {_rows(second, 'a', first)}",
        "columns = {n: c for n, c in cohort.columns.items() if c.role == 'phenotype'}",
        f"found = compare_groups(table, columns, a, b{held})",
        "found.table.to_csv('comparison.csv', index=False)",
        "END",
    ]
    if first.choice.way == "others":
        lines[7], lines[8] = lines[8], lines[7]
    return "\n".join(lines)


def _rows(group: Chosen, name: str, other: Chosen) -> str:
    """Write one group as an expression."""
    choice = group.choice
    column = f"table[{choice.name!r}].to_numpy(float)"
    if choice.way == "others":
        is_known = other.choice.way in ("threshold", "category")
        return f"~{name}" + (
            f" & table[{other.choice.name!r}].notna().to_numpy()" if is_known else ""
        )
    written = {
        "threshold": f"{column} {_OPERATORS.get(choice.sign, '')} {choice.value!r}",
        "category": f"{column} == {choice.value:g}",
        "everybody": "np.ones(len(table), bool)",
    }
    if choice.way in written:
        return written[choice.way]
    if len(group.rows) > MOST_ROWS:
        return "...  # the row numbers of the group: export them as CSV on the map"
    return f"np.array({group.rows.tolist()})"
