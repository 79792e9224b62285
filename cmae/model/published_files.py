"""The files of the published DropFuse weights: found, checked against our networks, renamed.

The networks are those of `cmae.model.architecture.PAPER_NETWORKS`. A layer is told by the shapes of
its arrays, and among layers of equal shapes by its order. The published ECGs have another order of
leads, which the first convolution of the encoder and the last one of the decoder absorb here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import LEADS, MODALITIES
from cmae.errors import InputError, ReadError
from cmae.model.architecture import PAPER_NETWORKS
from cmae.model.legacy_keras import StoredLayer, open_model, read_array, read_config, read_layers
from cmae.model.networks import build_decoder, build_encoder
from cmae.model.published_assignment import LATENT_DIM, find_assignment

TENSORS = {"ecg": "ecg_rest_median_raw_10", "mri": "lax_4ch_heart_center"}
"""How the published files name each modality."""

PUBLISHED_LEADS = ("I", "II", "III", "V1", "V2", "V3", "V4", "V5", "V6", "aVF", "aVL", "aVR")
"""The order of leads that the published networks were trained on."""

Floats = NDArray[np.float32]
Part = tuple[str, str]
Shapes = dict[str, tuple[int, ...]]

PARTS: tuple[Part, ...] = tuple(
    (name, direction) for name in TENSORS for direction in ("encoder", "decoder")
)
"""Modality and direction of each network."""


@dataclass(frozen=True)
class Published:
    """What published files hold, in our names, order of leads and shapes.

    Attributes:
        files: The files that it was read from.
        arrays: Weights by their key in a run.
        assignment: The modality of each coordinate of the joint latent, a letter each, or None.
        log_scale: τ of the contrastive loss, or None.
        left_out: How many layers of the files nothing of ours has a place for.
    """

    files: tuple[Path, ...]
    arrays: Mapping[str, Floats]
    assignment: str | None = None
    log_scale: float | None = None
    left_out: int = 0

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities that have weights, ECG first."""
        return tuple(
            name for name in MODALITIES if f"{name}_encoder/latent_dense/kernel" in self.arrays
        )


def read_published(folder: Path) -> Published:
    """Find the published files in a folder and read them.

    Where both the joint and the separate files are there, they must hold the same weights.

    Args:
        folder: A folder, or the joint file.

    Raises:
        ReadError: A file is damaged, or holds other networks.
        InputError: Files are missing, or it is unclear which ones are meant.
    """
    if folder.is_file():
        return _read_joint(folder)
    if not folder.is_dir():
        raise InputError(f"There is no {folder}: give the folder of the published weights.")
    separate = {part: path for part in PARTS if (path := folder / file_name(part)).is_file()}
    others = [
        path
        for path in sorted(folder.glob("*.h5"))
        if not path.name.startswith(("encoder_", "decoder_"))
    ]
    if len(others) > 1:
        raise InputError(
            f"The folder holds {len(others)} other .h5 files besides the published four: give the "
            "path of the one joint file itself."
        )
    if not others:
        return _read_separate(separate)
    joint = _read_joint(others[0])
    differing = _differing(_read_separate(separate), joint) if separate else []
    if differing:
        raise InputError(
            f"The joint file holds other weights than {' and '.join(differing)} beside it: give "
            "the path of the joint file itself, or a folder with the separate files alone."
        )
    return joint


def file_name(part: Part) -> str:
    """The name of the published file of a network alone."""
    return f"{part[1]}_{TENSORS[part[0]]}.h5"


def _read_separate(files: Mapping[Part, Path]) -> Published:
    names = {name for name, _ in files}
    lacking = [part for part in PARTS if part not in files and (part[0] in names or not names)]
    if lacking:
        raise InputError(
            f"The folder lacks {' and '.join(file_name(part) for part in lacking)}: give a folder "
            "with an encoder and a decoder of each modality, or with the joint file."
        )
    arrays: dict[str, Floats] = {}
    left_out = 0
    for part, path in files.items():
        with open_model(path, what=path.name) as file:
            layers = read_layers(file, what=path.name)
            placed, others = _place(layers, part, path.name)
            arrays |= placed
            left_out += others
    return Published(tuple(files.values()), arrays, left_out=left_out)


def _read_joint(path: Path) -> Published:
    what = "The joint file"
    arrays: dict[str, Floats] = {}
    left_out = 0
    with open_model(path, what=what) as file:
        layers = read_layers(file, what=what)
        for part in PARTS:
            own = _of_part(layers, part)
            if not own:
                raise ReadError(
                    f"The joint file holds no {_block(part)}{TENSORS[part[0]]}: check that it is "
                    "the published one, which has an encoder and a decoder of the ECG and the MRI."
                )
            layers = [layer for layer in layers if layer not in own]
            placed, others = _place(own, part, what)
            arrays |= placed
            left_out += others
        contrast = [layer for layer in layers if _is_within(layer, "contrastive_loss")]
        left_out += len(layers) - len(contrast)
        log_scale = _log_scale(contrast, what)
        assignment = find_assignment(read_config(file, what=what))
    return Published((path,), arrays, assignment, log_scale, left_out)


def _block(part: Part) -> str:
    return f"{part[1].removesuffix('r')}_block_"


def _of_part(layers: list[StoredLayer], part: Part) -> list[StoredLayer]:
    """The layers of one network of a joint file, whose tensors may have had another name."""
    named = [layer for layer in layers if _is_within(layer, _block(part) + TENSORS[part[0]])]
    if named:
        return named
    rank = {"ecg": 3, "mri": 4}[part[0]]
    submodels = {
        layer.path[0]
        for layer in layers
        if layer.path[0].startswith(_block(part)) and _rank(layer.shapes) == rank
    }
    return [layer for layer in layers if layer.path[0] in submodels]


def _is_within(layer: StoredLayer, prefix: str) -> bool:
    return any(name.startswith(prefix) for name in layer.path)


def _differing(separate: Published, joint: Published) -> list[str]:
    """Names of the separate files whose weights the joint file does not hold."""
    keys = [
        key
        for key in separate.arrays
        if not np.array_equal(separate.arrays[key], joint.arrays[key])
    ]
    parts = {tuple(key.partition("/")[0].split("_")) for key in keys}
    return [file_name(part) for part in PARTS if part in parts]


@cache
def _places(part: Part) -> dict[str, Shapes]:
    """The shapes that our network of the paper has, by layer, in its order."""
    name, direction = part
    build = build_encoder if direction == "encoder" else build_decoder
    network: keras.Model = build(PAPER_NETWORKS[name], MODALITIES[name], LATENT_DIM)
    return {
        layer.name: {weight.name: tuple(weight.shape) for weight in layer.weights}
        for layer in network.layers
        if layer.weights
    }


def _place(layers: list[StoredLayer], part: Part, what: str) -> tuple[dict[str, Floats], int]:
    """Find the place of each layer by its shapes, and among equal ones by its order.

    Returns:
        The weights by key, and how many layers were left out, as the published code does.
    """
    waiting, arrays = list(layers), {}
    title = f"{what}, {MODALITIES[part[0]].title} {part[1]}"
    places = _places(part)
    for place, shapes in places.items():
        same = _in_order([layer for layer in waiting if layer.shapes == shapes], title)
        if not same:
            raise ReadError(_mismatch(title, place, shapes, waiting, places))
        waiting.remove(same[0])
        for weight, dataset in same[0].datasets.items():
            array = read_array(dataset, what=f"{title}: {place}/{weight}")
            arrays[f"{part[0]}_{part[1]}/{place}/{weight}"] = array
    # The first stage had a dense layer between encoder and decoder, which nothing uses later.
    spare = {"kernel": (LATENT_DIM, LATENT_DIM), "bias": (LATENT_DIM,)}
    unknown = [layer for layer in waiting if layer.shapes != spare]
    if unknown:
        raise ReadError(
            f"{title}: the file has {len(unknown)} layers more than the paper's network (the first "
            f"has {_words(unknown[0].shapes)}), so it is another network."
        )
    return _in_our_leads(arrays), len(waiting)


def _in_order(layers: list[StoredLayer], title: str) -> list[StoredLayer]:
    """Layers of one shape in the order of the file, which Keras' numbers must confirm."""
    numbers = [layer.number for layer in layers]
    known = [number for number in numbers if number is not None]
    if len(known) == len(numbers) and known != sorted(set(known)):
        raise ReadError(
            f"{title}: the numbers of the convolutions and the order that the file lists them in "
            "disagree, so their places are unknown: download the file again."
        )
    return layers


def _mismatch(
    title: str, place: str, shapes: Shapes, waiting: list[StoredLayer], places: Mapping[str, Shapes]
) -> str:
    """What a place wants, and what the file has that no place wants: of the same rank if any."""
    wanted = list(places.values())
    came = [layer.shapes for layer in waiting if layer.shapes not in wanted]
    came.sort(key=lambda found: _rank(found) != _rank(shapes))
    found = f"has {_words(came[0])} instead" if came else "has no such layer left"
    return (
        f"{title}: the paper's network has {_words(shapes)} in {place}, but the file {found}: "
        "check that it is the published file."
    )


def _rank(shapes: Mapping[str, tuple[int, ...]]) -> int:
    return max((len(shape) for shape in shapes.values()), default=0)


def _words(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """Names and shapes of a layer's arrays; names that no layer of ours has are not repeated."""
    known = ("kernel", "bias", "gamma", "beta")
    words = [f"{name} {shapes[name]}" for name in known if name in shapes]
    words += ["another array"] if set(shapes) - set(known) else []
    return " and ".join(words)


def _in_our_leads(arrays: dict[str, Floats]) -> dict[str, Floats]:
    """Move the ECG's input and output channels from the published order into the clinical one."""
    order = [PUBLISHED_LEADS.index(lead) for lead in LEADS]
    moved = dict(arrays)
    if (first := "ecg_encoder/residual_a/kernel") in arrays:
        moved[first] = arrays[first][:, order, :]
    for last in ("ecg_decoder/output/kernel", "ecg_decoder/output/bias"):
        if last in arrays:
            moved[last] = arrays[last][..., order]
    return moved


def _log_scale(layers: list[StoredLayer], what: str) -> float | None:
    """τ of the contrastive loss: its layer's only weight."""
    datasets = [dataset for layer in layers for dataset in layer.datasets.values()]
    if not datasets:
        return None
    if len(datasets) > 1 or datasets[0].size != 1:
        raise ReadError(
            f"{what}: the contrastive loss holds {len(datasets)} arrays, but one number, the "
            "temperature, was expected: check that it is the published file."
        )
    return float(read_array(datasets[0], what=f"{what}, temperature").reshape(()))
