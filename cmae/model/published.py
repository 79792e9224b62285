"""The published DropFuse weights (legacy Keras ``.h5``) as a run folder.

The published networks saw the integers that the ECG device had stored, divided by 10; the unit of
those is in no file, so that it is given here and held by the run's normalization. Cines were
z-scored one by one, with an epsilon of 1e-7 beside the SD, as ours are.
"""

import hashlib
import importlib.metadata
import json
from pathlib import Path
from typing import Any

import numpy as np

import cmae
from cmae.data.files import replacing_folder
from cmae.data.normalization import Normalization
from cmae.errors import InputError, RunError
from cmae.model.architecture import PAPER_NETWORKS, Architecture, Contrast
from cmae.model.autoencoder import CrossModalAutoencoder
from cmae.model.published_assignment import LATENT_DIM
from cmae.model.published_files import PARTS, Published, file_name, read_published
from cmae.model.run import (
    CARD_FILE,
    FORMAT_NUMBER,
    ModelFile,
    read_model_file,
    run_fingerprint,
    save_model,
)
from cmae.model.weights import count_parameters, weight_variables

MICROVOLTS_PER_INTEGER = 5.0
"""What CardioSoft files of the UK Biobank declare for one stored integer of an ECG."""

INTEGERS_PER_UNIT = 10
"""The published networks saw the stored integers divided by this."""

PUBLISHED_SHA256 = {
    "209f4d9a6ebcee02ced493a320d2116787b9cfaba2476a653e442581557475d0",
    "256c617fe91863c4994b367f0e1efbcbf7ff17378c593ba7498ce3d96fd66c4e",
    "72d98c3ff072ea0fdac4753986ca913394bfff231dc9d9cc130bbe4fe276cdac",
    "5fa8a2f7dde41668dfe52b4465e8d9a6972956e553486b8b76f9400ffc6f5b41",
    "fc7f8e9b5d5c1b17992d7c676b64f269f6f67248b07a68efe312e93e53934dff",
}
"""SHA-256 of the four files and the joint one, as git-lfs notes them in ml4h's model zoo."""


def import_weights(
    folder: Path | str,
    out: Path | str,
    *,
    microvolts_per_integer: float = MICROVOLTS_PER_INTEGER,
    may_replace: bool = False,
) -> dict[str, Any]:
    """Make a run of the published weights.

    Args:
        folder: The folder with the four files ``encoder_…``/``decoder_<tensor>.h5`` (or the two of
            one modality), or with the joint file; or the path of the joint file.
        out: The run folder to write; it appears when it is complete.
        microvolts_per_integer: What one stored integer of the ECG device meant in µV.
        may_replace: Whether a run that stands at ``out`` may be replaced. Anything else never is.

    Returns:
        What was imported, ready for JSON: the card of the run, and its path.

    Raises:
        ReadError: A file is damaged, or holds other networks.
        InputError: Files are missing, or the unit is no sensible number.
        RunError: ``out`` must not be replaced.
    """
    folder, out = Path(folder), Path(out)
    if not 0.01 <= microvolts_per_integer <= 1000:
        raise InputError(
            f"An ECG integer cannot be {microvolts_per_integer} µV: give a number between 0.01 and "
            "1000 (5 for CardioSoft files of the UK Biobank)."
        )
    _check_target(out, folder, may_replace=may_replace)
    published = read_published(folder)
    normalization = Normalization(
        ecg_unit_mv=round(INTEGERS_PER_UNIT * microvolts_per_integer / 1000, 9)
    )
    architecture = _architecture(published)
    model = _model(published, architecture)
    description = ModelFile(
        format_number=FORMAT_NUMBER, architecture=architecture, normalization=normalization
    )
    with replacing_folder(out) as temporary:
        save_model(temporary, description, model)
        card = _card(published, model, description, run_fingerprint(temporary))
        (temporary / "card.md").write_text(_for_people(card), encoding="utf-8")
        text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
        (temporary / CARD_FILE).write_text(text, encoding="utf-8")
    return {"run": str(out), **card}


def _architecture(published: Published) -> Architecture:
    """The paper's, for the modalities that the files hold."""
    is_joint = published.log_scale is not None
    return Architecture(
        networks={name: PAPER_NETWORKS[name] for name in published.modalities},
        latent_dim=LATENT_DIM,
        merge="mean" if published.assignment is None else "frozen",
        # The published loss with its temperature; separate files say nothing of one.
        contrast=Contrast(loss="published" if is_joint else "none"),
        assignment=published.assignment,
    )


def _model(published: Published, architecture: Architecture) -> CrossModalAutoencoder:
    """Our networks with the published weights."""
    model = CrossModalAutoencoder(architecture)
    arrays = dict(published.arrays)
    variables = weight_variables(model)
    if published.log_scale is not None:
        arrays["alignment/alignment/log_scale"] = np.array(published.log_scale, np.float32)
    for key, array in arrays.items():
        variables[key].assign(array)
    return model


def _check_target(out: Path, source: Path, *, may_replace: bool) -> None:
    """Refuse to write over what nobody asked to lose."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    try:
        read_model_file(out)
    except RunError as error:
        raise RunError(
            f"{out} exists and is no run that can be read: give another --out, or delete it."
        ) from error
    if not may_replace:
        raise RunError(f"{out} holds a run: give another --out, or --overwrite to replace it.")
    if source.resolve().is_relative_to(out.resolve()):
        raise RunError(
            f"The published weights lie inside of {out}, which would be replaced: give another "
            "--out."
        )


def _card(
    published: Published, model: CrossModalAutoencoder, description: ModelFile, fingerprint: str
) -> dict[str, Any]:
    """What is known of the run, ready for JSON; nothing is said of a training nobody saw here."""
    letters = published.assignment
    known = {file_name(part) for part in PARTS}
    files = {
        path.name if path.name in known else "joint file": _sha256(path) for path in published.files
    }
    return {
        "format_number": FORMAT_NUMBER,
        "experiment": "dropfuse",
        "origin": "imported published weights",
        "is_simulated": False,
        "modalities": list(published.modalities),
        "latent_dim": LATENT_DIM,
        "parameters": count_parameters(model),
        "fingerprint": fingerprint,
        "ecg_unit_microvolts": round(description.normalization.ecg_unit_mv * 1000, 6),
        "joint_latent": description.architecture.merge,
        "coordinates": None
        if letters is None
        else {"ecg": letters.count("e"), "mri": letters.count("m")},
        "log_scale": published.log_scale,
        "layers_left_out": published.left_out,
        "files": files,
        "are_files_recognized": set(files.values()) <= PUBLISHED_SHA256,
        "versions": {
            "cmae": cmae.__version__,
            **{name: importlib.metadata.version(name) for name in ("keras", "numpy", "h5py")},
        },
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _for_people(card: dict[str, Any]) -> str:
    """The card as Markdown."""
    coordinates, log_scale = card["coordinates"], card["log_scale"]
    scale = "not in the files" if log_scale is None else f"{log_scale:.4g}"
    joint = "the mean of both latents (the files hold no assignment of coordinates)"
    if coordinates is not None:
        joint = (
            f"{coordinates['ecg']} coordinates from the ECG and {coordinates['mri']} from the MRI, "
            "drawn once and kept"
        )
    elif len(card["modalities"]) == 1:
        joint = "that of the only modality"
    files = "\n".join(f"| {name} | `{digest}` |" for name, digest in card["files"].items())
    parameters = "\n".join(f"| {name} | {count:,} |" for name, count in card["parameters"].items())
    return f"""# Imported published weights (DropFuse)

Research use only, not for diagnosis. These weights were **not trained here**: they were read from
files in the layout of those that Radhakrishnan et al. (Nature Communications 14, 2436, 2023)
published. By their SHA-256 sums they {"are" if card["are_files_recognized"] else "are **not**"} the
files that stood in ml4h's model_zoo/dropfuse when this program was written.

- Modalities: {", ".join(card["modalities"])}; latent of {card["latent_dim"]} numbers
- One model unit of the ECG: {card["ecg_unit_microvolts"]:g} µV; leads in the clinical order;
  cines as z-scores of each recording
- Joint latent where both recordings exist: {joint}
- Logarithm τ of the contrastive loss' scale: {scale}
- Who was trained, validated and tested on is not known here: there is no `split.csv`, no learning
  curve and no number on held-out participants. The paper trained on participants of the UK
  Biobank: rows of such a cohort may be among them
- A decoded cine without a recorded one has no scale: it is given as z-scores
- cmae {card["versions"]["cmae"]}, Keras {card["versions"]["keras"]}

| part | parameters |
|---|---|
{parameters}

| file | SHA-256 |
|---|---|
{files}
"""
