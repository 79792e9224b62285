"""Pages that are filled in from the code: tables, and the marks between which they go."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cmae.data.files import replacing


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Lay rows out as Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def fill_in(page: Path, blocks: Mapping[str, str]) -> None:
    """Replace each block of a page between its marks."""
    text = page.read_text(encoding="utf-8")
    for name, block in blocks.items():
        marks = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        if len(marks.findall(text)) != 1:
            raise SystemExit(f"{page} has no place for {name}: put its marks there.")
        text = marks.sub(lambda match, block=block: f"{match[1]}{block}\n{match[2]}", text)
    with replacing(page) as temporary:
        temporary.write_text(text, encoding="utf-8")
