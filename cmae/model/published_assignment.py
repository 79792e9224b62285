"""Which modality each coordinate of the published joint latent comes from."""

from collections.abc import Iterator
from typing import Any

from cmae.errors import ReadError
from cmae.model.architecture import ASSIGNED

LATENT_DIM = 256


def find_assignment(config: Any) -> str | None:  # noqa: ANN401 - any JSON
    """Find which modality each coordinate of the joint latent comes from.

    The published code drew it once, when it built its graph: as ``indices`` (256, 2) of a
    ``gather_nd`` node, each pair a modality (0 ECG, 1 MRI) and a coordinate.

    Args:
        config: The model's description, or None.

    Returns:
        A letter a coordinate, as in ``Architecture.assignment``; None without such a node.

    Raises:
        ReadError: The indices are not what was expected.
    """
    letters = list(ASSIGNED)
    nodes = list(_gather_nodes(config))
    found = set()
    for pairs in nodes:
        if pairs is None:
            continue
        modalities, coordinates = zip(*pairs, strict=True)
        if set(modalities) - {0, 1} or list(coordinates) != list(range(LATENT_DIM)):
            raise ReadError(
                "The joint file mixes its latents in another way than a modality for each "
                "coordinate in order: check that it is the published file."
            )
        found.add("".join(letters[modality] for modality in modalities))
    if nodes and len(found) != 1:
        raise ReadError(
            f"The joint file has {len(found)} assignments of coordinates to modalities where one "
            f"of shape ({LATENT_DIM}, 2) was expected: check that it is the published file."
        )
    return found.pop() if found else None


def _gather_nodes(config: Any) -> Iterator[list[list[int]] | None]:  # noqa: ANN401
    """The pairs inside of each ``gather_nd`` node, and None for each mention of one."""
    waiting = [(config, False)]
    while waiting:
        item, is_inside = waiting.pop()
        if isinstance(item, dict):
            texts = [item.get(key) for key in ("name", "function", "class_name")]
            is_node = any(isinstance(text, str) and "gather_nd" in text for text in texts)
            if is_node:
                yield None
            waiting += [(value, is_inside or is_node) for value in item.values()]
        elif isinstance(item, list):
            if is_inside and _is_pairs(item):
                yield item
            else:
                waiting += [(value, is_inside) for value in item]


def _is_pairs(item: list[Any]) -> bool:
    return len(item) == LATENT_DIM and all(
        isinstance(pair, list) and len(pair) == 2 and all(type(number) is int for number in pair)
        for pair in item
    )
