"""Published weights: the run gives what the original gives; strange files are refused."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from cmae import settings
from cmae.data.normalization import Normalization
from cmae.errors import InputError, RunError, SettingsError
from cmae.latent.embedding import embed
from cmae.model.autoencoder import CrossModalAutoencoder
from cmae.model.describe import describe
from cmae.model.legacy_keras import open_model, read_config
from cmae.model.published import import_weights
from cmae.model.published_assignment import find_assignment
from cmae.model.published_files import read_published
from cmae.model.run import ModelFile, Run, save_model

sys.path.insert(0, str(Path(__file__).parent))
import published_network as published
from published_network import TENSORS, Original, joint_config, write_joint, write_separate

DRAWN = np.random.default_rng(5).integers(0, 2, 256)
ECGS = np.random.default_rng(1).normal(0, 0.4, (2, 600, 12))
CINES = np.random.default_rng(2).integers(0, 900, (2, 96, 96, 50)).astype(np.uint16)
MRI_PARTS = [("mri", "encode"), ("mri", "decode")]
MRI_ENCODER = "encoder_lax_4ch_heart_center.h5"
BLOCK = "model_weights/encode_block_lax_4ch_heart_center"


@pytest.fixture(scope="module")
def original():
    return Original()


@pytest.fixture(scope="module")
def separate(tmp_path_factory, original):
    return write_separate(tmp_path_factory.mktemp("separate"), original)


@pytest.fixture(scope="module")
def joint(tmp_path_factory, original):
    path = tmp_path_factory.mktemp("joint") / "dropfuse_256d.h5"
    return write_joint(path, original, drawn=DRAWN)


@pytest.fixture(scope="module")
def originals(original):
    """What the original gives: latents by modality, and decodings of them in physical units."""
    latents = {
        "ecg": original.run(("ecg", "encode"), published.as_tensor(ECGS, microvolts=5)),
        "mri": original.run(("mri", "encode"), published.z_scores(CINES)),
    }
    scale = CINES.mean((1, 2, 3)), CINES.std((1, 2, 3))
    mean, std = (values.reshape(2, 1, 1, 1) for values in scale)
    decoded = {
        (source, target): original.run((target, "decode"), latent)
        for source, latent in latents.items()
        for target in TENSORS
    }
    for source in latents:
        ecg = decoded[source, "ecg"]
        decoded[source, "ecg"] = published.from_tensor(ecg, microvolts=5)
        decoded[source, "mri"] = decoded[source, "mri"] * (std + 1e-7) + mean
    return latents, decoded, scale


def assert_same(run, originals):
    """Latents, reconstructions and translations equal the original's to 1e-4 of their size."""
    latents, decoded, (mean, std) = originals
    recorded = {"ecg": ECGS, "mri": CINES}
    for source, latent in latents.items():
        ours = run.encode(source, recorded[source])
        np.testing.assert_allclose(ours, latent, rtol=0, atol=1e-4)
        for target in TENSORS:
            scale = {"mean": mean, "std": std} if target == "mri" else {}
            expected = decoded[source, target]
            tolerance = 1e-4 * expected.std()
            found = run.decode(target, ours, **scale)
            np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@pytest.mark.slow
def test_the_joint_file_gives_what_the_original_gives(tmp_path, joint, originals):
    report = import_weights(joint.parent, tmp_path / "run")
    assert report["coordinates"] == {"ecg": (DRAWN == 0).sum(), "mri": (DRAWN == 1).sum()}
    assert report["layers_left_out"] == 1
    run = Run.open(tmp_path / "run")
    assert_same(run, originals)
    latents, both = originals[0], np.ones(2, bool)
    ours = run.joint(latents, {"ecg": both, "mri": both})
    np.testing.assert_array_equal(ours, np.where(DRAWN == 0, latents["ecg"], latents["mri"]))
    alone = run.joint(latents, {"ecg": both, "mri": ~both})
    np.testing.assert_array_equal(alone, latents["ecg"])
    assert float(run.model.alignment.log_scale) == pytest.approx(1.7)


@pytest.mark.slow
def test_the_four_files_make_a_run_that_embeds_and_says_where_it_comes_from(
    tmp_path, separate, small_cohort, original
):
    report = import_weights(separate, tmp_path / "run")
    run = Run.open(tmp_path / "run")
    assert report == {"run": str(tmp_path / "run"), **run.card}
    assert run.card["fingerprint"] == run.fingerprint
    assert run.card["origin"] == "imported published weights"
    assert "participants" not in run.card
    assert run.card["are_files_recognized"] is False
    assert "are **not** the" in (run.path / "card.md").read_text()
    assert sorted(path.name for path in run.path.iterdir()) == [
        "card.json", "card.md", "model.toml", "weights.safetensors"
    ]  # fmt: skip
    assert describe(run, with_speed=False)["parameters"] == 14_746_605 + 1
    latents = embed(run, small_cohort, tmp_path / "latents.h5")
    ecg, mri = (latents.latents[name][0] for name in ("ecg", "mri"))
    beat = published.as_tensor(small_cohort.read_many("ecg", [0]), microvolts=5)
    np.testing.assert_allclose(ecg, original.run(("ecg", "encode"), beat)[0], rtol=0, atol=1e-4)
    np.testing.assert_allclose(latents.latents["joint"][0], (ecg + mri) / 2, atol=1e-6)


@pytest.mark.slow
def test_integers_of_one_microvolt_make_a_unit_of_ten(tmp_path, original):
    parts = [("ecg", "encode"), ("ecg", "decode")]
    folder = write_separate(tmp_path / "ecg", original, parts)
    report = import_weights(folder, tmp_path / "run", microvolts_per_integer=1)
    assert report["ecg_unit_microvolts"] == 10
    run = Run.open(tmp_path / "run")
    assert run.modalities == ("ecg",)
    latents = original.run(("ecg", "encode"), published.as_tensor(ECGS, microvolts=1))
    np.testing.assert_allclose(run.encode("ecg", ECGS), latents, rtol=0, atol=1e-4)
    beats = published.from_tensor(original.run(("ecg", "decode"), latents), microvolts=1)
    np.testing.assert_allclose(run.decode("ecg", latents), beats, rtol=0, atol=1e-4 * beats.std())


def test_separate_and_joint_files_hold_the_same_weights(separate, joint):
    four, one = read_published(separate), read_published(joint)
    assert set(four.arrays) == set(one.arrays)
    assert all(np.array_equal(four.arrays[key], one.arrays[key]) for key in one.arrays)
    assert four.assignment is None
    assert four.log_scale is None
    assert one.assignment == "".join("em"[modality] for modality in DRAWN)
    assert one.log_scale == pytest.approx(1.7)


def test_first_and_last_convolution_are_put_into_our_order_of_leads(separate, original):
    arrays = read_published(separate).arrays
    first = original.arrays["ecg", "encode"][0][1]["kernel"]
    last = original.arrays["ecg", "decode"][-1][1]
    # aVR is the fourth of our leads and the last of theirs, V1 the seventh and the fourth.
    ours = arrays["ecg_encoder/residual_a/kernel"]
    np.testing.assert_array_equal(ours[:, 3], first[:, 11])
    np.testing.assert_array_equal(ours[:, 6], first[:, 3])
    np.testing.assert_array_equal(
        arrays["ecg_decoder/output/kernel"][..., 3], last["kernel"][..., 11]
    )
    assert arrays["ecg_decoder/output/bias"][3] == last["bias"][11]


def test_cines_are_scored_as_the_published_code_does():
    cines = np.concatenate([CINES, np.full((1, 96, 96, 50), 7, np.uint16)])
    ours = Normalization().normalize("mri", cines)
    np.testing.assert_allclose(ours, published.z_scores(cines), rtol=0, atol=1e-5)


def test_the_model_merges_as_the_run_does_with_a_frozen_assignment(tmp_path, tiny_architecture):
    architecture = replace(tiny_architecture, merge="frozen", assignment="emmeem")
    model = CrossModalAutoencoder(architecture)
    save_model(tmp_path, ModelFile(format_number=1, architecture=architecture), model)
    run = Run.open(tmp_path)
    latents = {"ecg": np.ones((3, 6), np.float32), "mri": np.full((3, 6), 3, np.float32)}
    present = {"ecg": np.array([True, True, False]), "mri": np.array([True, False, True])}
    joint = run.joint(latents, present)
    np.testing.assert_array_equal(joint, [[1, 3, 3, 1, 1, 3], [1] * 6, [3] * 6])
    floats = {name: mask.astype("f4") for name, mask in present.items()}
    for training in (False, True):
        merged = np.asarray(model.merge(latents, floats, training=training))
        np.testing.assert_array_equal(merged, joint)


@pytest.mark.parametrize(
    ("merge", "assignment"),
    [("frozen", None), ("mean", "emmeem"), ("frozen", "em"), ("frozen", "emmeex")],
)
def test_an_assignment_that_does_not_fit_is_refused(tiny_architecture, merge, assignment):
    with pytest.raises(SettingsError, match="assignment"):
        replace(tiny_architecture, merge=merge, assignment=assignment)


# Which files are meant.


def test_a_joint_file_beside_equal_separate_ones_is_taken(tmp_path, joint, original):
    folder = write_separate(tmp_path / "all", original, MRI_PARTS)
    (folder / "dropfuse.h5").symlink_to(joint)
    assert read_published(folder).assignment is not None


def test_a_joint_file_beside_other_separate_ones_is_refused(tmp_path, joint, mri_folder):
    with h5py.File(mri_folder / MRI_ENCODER, "a") as file:
        file[f"{BLOCK}/conv2d/bias:0"][0] += 1
    (mri_folder / "dropfuse.h5").symlink_to(joint)
    with pytest.raises(InputError, match=rf"other weights than {MRI_ENCODER} beside"):
        read_published(mri_folder)
    (mri_folder / "dropfuse_2.h5").symlink_to(joint)
    with pytest.raises(InputError, match="2 other"):
        read_published(mri_folder)


def test_a_joint_file_may_name_its_tensors_otherwise(tmp_path, joint, original):
    names = {"ecg": "ecg_median_10", "mri": "lax_4ch_cycle"}
    other = write_joint(tmp_path / "a.h5", original, drawn=None, tensors=names)
    one, two = read_published(joint), read_published(other)
    assert all(np.array_equal(one.arrays[key], two.arrays[key]) for key in one.arrays)
    assert two.assignment is None


def test_a_note_of_git_lfs_is_told_from_weights(mri_folder):
    (mri_folder / MRI_ENCODER).write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(InputError, match="git lfs pull"):
        read_published(mri_folder)


def test_what_is_missing_is_named(tmp_path, mri_folder):
    with pytest.raises(InputError, match="There is no"):
        read_published(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"lacks encoder_ecg_rest_median_raw_10\.h5 and"):
        read_published(tmp_path / "empty")
    (mri_folder / MRI_ENCODER).unlink()
    with pytest.raises(InputError, match=rf"lacks {MRI_ENCODER}:"):
        read_published(mri_folder)


def test_a_file_of_one_network_is_no_joint_file(mri_folder):
    with pytest.raises(InputError, match="holds no encode_block_ecg"):
        read_published(mri_folder / MRI_ENCODER)


def test_nothing_that_stands_is_lost(tmp_path, tiny_architecture):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("x")
    for may_replace in (False, True):
        with pytest.raises(RunError, match="is no run"):
            import_weights(tmp_path, out, may_replace=may_replace)
    description = ModelFile(format_number=1, architecture=tiny_architecture)
    (out / "model.toml").write_text(settings.dumps(description))
    with pytest.raises(RunError, match="--overwrite"):
        import_weights(tmp_path, out)
    (out / "weights").mkdir()
    with pytest.raises(RunError, match="inside of"):
        import_weights(out / "weights", out, may_replace=True)
    assert (out / "thesis.txt").read_text() == "x"
    with pytest.raises(RunError, match="is no run"):
        import_weights(tmp_path, out / "thesis.txt")


@pytest.mark.parametrize("unit", [0, -5, float("nan"), 1e6])
def test_a_senseless_unit_is_refused(tmp_path, unit):
    with pytest.raises(InputError, match="µV"):
        import_weights(tmp_path, tmp_path / "run", microvolts_per_integer=unit)


# Files that are damaged, or were made to do harm.


@pytest.fixture
def mri_folder(tmp_path, original):
    """A folder with the two files of the MRI, to be spoiled."""
    return write_separate(tmp_path / "mri", original, MRI_PARTS)


def _replaced(name, make):
    def spoil(file):
        group = file[BLOCK]
        shape = group[name].shape
        del group[name]
        group[name] = make(shape)

    return spoil


def _no_root(file):
    file.move("model_weights", "weights")


def _root_is_an_array(file):
    del file["model_weights"]
    file["model_weights"] = np.zeros(3)


def _external_link(file):
    del file[BLOCK]["conv2d"]
    file[BLOCK]["conv2d"] = h5py.ExternalLink("other.h5", "/")


def _soft_link(file):
    del file[BLOCK]["conv2d"]
    file[BLOCK]["conv2d"] = h5py.SoftLink("/nowhere")


def _virtual(file):
    del file[BLOCK]["conv2d/bias:0"]
    layout = h5py.VirtualLayout((24,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (24,))
    file[BLOCK].create_virtual_dataset("conv2d/bias:0", layout)


def _huge(file):
    del file[BLOCK]["conv2d/bias:0"]
    file[BLOCK].create_dataset("conv2d/bias:0", (10**6, 10**6), "f4", chunks=(1, 10**6))


def _no_names(file):
    del file["model_weights"].attrs["layer_names"]


def _names_are_numbers(file):
    file["model_weights"].attrs["layer_names"] = np.arange(4)


def _names_are_many(file):
    file[BLOCK].attrs["weight_names"] = np.zeros(2500, "S1")


def _names_are_long(file):
    file[BLOCK].attrs["weight_names"] = ["x" * 2**11] * 1000


def _names_are_no_text(file):
    file[BLOCK].attrs["weight_names"] = [b"\xff\xfe/kernel:0"]


def _name_of_nothing(file):
    file[BLOCK].attrs["weight_names"] = [b"conv2d/kernel:0", b"conv2d_77/kernel:0"]


def _layer_is_missing(file):
    names = list(file[BLOCK].attrs["weight_names"])
    file[BLOCK].attrs["weight_names"] = names[2:]


def _layer_is_too_many(file):
    file[BLOCK]["conv2d_99/kernel:0"] = np.zeros((3, 3, 7, 7))
    names = list(file[BLOCK].attrs["weight_names"])
    file[BLOCK].attrs["weight_names"] = [*names, "conv2d_99/kernel:0"]


def _order_is_unclear(file):
    names = list(file[BLOCK].attrs["weight_names"])
    shapes = {name: file[BLOCK][name].shape for name in names}
    equal = [name for name in names if shapes[name] == (3, 3, 40, 40)]
    at = [names.index(name) for name in equal]
    names[at[0]], names[at[1]] = names[at[1]], names[at[0]]
    names[at[0] + 1], names[at[1] + 1] = names[at[1] + 1], names[at[0] + 1]
    file[BLOCK].attrs["weight_names"] = names


SPOILED = [
    (_no_root, "no group model_weights"),
    (_root_is_an_array, "no group model_weights"),
    (_external_link, "external link"),
    (_soft_link, "soft link"),
    (_virtual, "virtual"),
    (_huge, "fill the memory"),
    (_no_names, "no layer_names"),
    (_names_are_numbers, "no list of at most"),
    (_names_are_many, "no list of at most"),
    (_names_are_long, "fill the memory"),
    (_names_are_no_text, "damaged"),
    (_name_of_nothing, "lacks an array"),
    (_layer_is_missing, r"has kernel \(3, 3, 50, 24\) and bias \(24,\) in residual_a"),
    (_layer_is_too_many, "1 layers more"),
    (_order_is_unclear, "disagree"),
    (_replaced("conv2d/bias:0", lambda shape: np.full(shape, b"x")), "no floats but text"),
    (_replaced("conv2d/bias:0", lambda shape: np.zeros(shape, "i4")), "no floats but integers"),
    (_replaced("conv2d/bias:0", lambda shape: ["x"] * shape[0]), "no floats but objects"),
    (_replaced("conv2d/bias:0", lambda shape: np.full(shape, np.nan)), "NaN"),
    (_replaced("conv2d/bias:0", lambda shape: np.full(shape, 1e300)), "enormous"),
    (_replaced("conv2d/bias:0", lambda shape: h5py.Empty("f4")), "damaged"),
    (
        _replaced("conv2d/kernel:0", lambda _: np.zeros((5, 5, 50, 24))),
        r"but the file has kernel \(5, 5, 50, 24\) and bias \(24,\) instead",
    ),
]


@pytest.mark.parametrize(("spoil", "message"), SPOILED)
def test_a_spoiled_file_is_refused_in_one_sentence(tmp_path, mri_folder, spoil, message):
    with h5py.File(mri_folder / MRI_ENCODER, "a") as file:
        spoil(file)
    with pytest.raises(InputError, match=message) as caught:
        import_weights(mri_folder, tmp_path / "run")
    assert str(tmp_path) not in str(caught.value)
    assert MRI_ENCODER in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["mri"]


@pytest.mark.parametrize("keep", [0, 100, 5000, -4000])
def test_a_truncated_file_is_refused(mri_folder, keep):
    path = mri_folder / MRI_ENCODER
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="HDF5 file"):
        read_published(mri_folder)


def test_flipped_bytes_are_refused_or_read(mri_folder):
    path = mri_folder / MRI_ENCODER
    whole, draws = path.read_bytes(), np.random.default_rng(0)
    refused = read = 0
    for place in draws.integers(0, 20_000, 40):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            read_published(mri_folder)
        except InputError as error:
            refused += "\n" not in str(error)
        else:
            read += 1
    assert refused > 0
    assert refused + read == 40


def _config_file(path, config):
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = config
    with open_model(path, what="The joint file") as file:
        return read_config(file, what="The joint file")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (b"{not json", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("1" * 100_000, "no JSON"),
        (np.arange(3), "no text"),
        (np.array([b"{}", b"{}"]), "no text"),
        (" " * (2**24 + 1), "characters"),
    ],
    ids=["words", "deep", "number", "array", "texts", "long"],
)
def test_a_strange_description_is_refused(tmp_path, config, message):
    with pytest.raises(InputError, match=message):
        _config_file(tmp_path / "a.h5", config)


def test_the_description_is_read_as_data(tmp_path):
    config = joint_config(DRAWN)
    assert _config_file(tmp_path / "a.h5", json.dumps(config)) == config
    with h5py.File(tmp_path / "b.h5", "w") as file:
        assert read_config(file, what="It") is None


def _pairs(change):
    config = joint_config(DRAWN)
    node = config["config"]["layers"][-1]
    node["inbound_nodes"] = change(node["inbound_nodes"][0][3]["indices"])
    return config


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (_pairs(lambda pairs: pairs[::-1]), "in another way"),
        (_pairs(lambda pairs: [[2, k] for _, k in pairs]), "in another way"),
        (_pairs(lambda pairs: pairs[:255]), "0 assignments"),
        (_pairs(lambda pairs: [[float(m), k] for m, k in pairs]), "0 assignments"),
        (_pairs(lambda pairs: [pairs, [[1 - m, k] for m, k in pairs]]), "2 assignments"),
    ],
    ids=["reversed", "third modality", "short", "floats", "two"],
)
def test_another_assignment_is_refused(config, message):
    with pytest.raises(InputError, match=message):
        find_assignment(config)


def test_a_model_without_an_assignment_has_none():
    assert find_assignment(joint_config(None)) is None
    assert find_assignment(None) is None


def test_a_temperature_that_is_no_number_is_refused(tmp_path, joint):
    path = shutil.copy(joint, tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        group = file["model_weights/contrastive_loss_layer/contrastive_loss_layer"]
        del group["temperature:0"]
        group["temperature:0"] = np.zeros(3)
    with pytest.raises(InputError, match="temperature"):
        read_published(path)
