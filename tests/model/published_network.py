"""The published networks built a second time, from the paper's description alone.

Plain Keras layers in the published order of leads and in published units, with random weights, and
a writer of the published files that uses h5py alone.
"""

import json
from pathlib import Path

import h5py
import keras
import numpy as np
from keras import layers, ops

LEADS = ["I", "II", "III", "V1", "V2", "V3", "V4", "V5", "V6", "aVF", "aVL", "aVR"]
CLINICAL = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
TENSORS = {"ecg": "ecg_rest_median_raw_10", "mri": "lax_4ch_heart_center"}
PARTS = [(name, way) for name in TENSORS for way in ("encode", "decode")]


def mish(x):
    return x * ops.tanh(ops.log1p(ops.exp(x)))


def gelu(x):
    return 0.5 * x * (1 + ops.tanh(float(np.sqrt(2 / np.pi)) * (x + 0.044715 * x * x * x)))


class Network:
    """One network under construction; remembers its layers with weights, in the order made."""

    def __init__(self, modality):
        self.is_ecg = modality == "ecg"
        self.act = mish if self.is_ecg else gelu
        self.made = []

    def add(self, layer, x):
        self.made.append(layer)
        return layer(x)

    def conv(self, filters, x, *, side=None):
        if self.is_ecg:
            return self.add(layers.Conv1D(filters, side or 71, padding="same"), x)
        return self.add(layers.Conv2D(filters, side or 3, padding="same"), x)

    def dense_block(self, filters, number, x):
        seen = [x]
        for _ in range(number):
            out = self.act(self.conv(filters, ops.concatenate(seen, axis=-1)))
            seen.append(out)
        return out

    def encoder(self):
        x = inputs = keras.Input((600, 12) if self.is_ecg else (96, 96, 50))
        filters = 23 if self.is_ecg else 24
        first = self.act(self.conv(filters, x))
        second = self.act(self.conv(filters, first))
        x = self.conv(filters, second, side=1) + first
        if self.is_ecg:
            x = self.dense_block(46, 5, layers.MaxPooling1D(2)(x))
        else:
            for _ in range(3):
                x = self.dense_block(40, 3, layers.AveragePooling2D(2)(x))
        x = self.act(self.add(layers.Dense(256), layers.Flatten()(x)))
        x = self.add(layers.LayerNormalization(epsilon=1e-3), x)
        return keras.Model(inputs, x)

    def decoder(self):
        inputs = keras.Input((256,))
        start = (300, 46) if self.is_ecg else (12, 12, 40)
        x = self.act(self.add(layers.Dense(int(np.prod(start))), inputs))
        x = layers.Reshape(start)(x)
        if self.is_ecg:
            x = self.dense_block(46, 5, layers.UpSampling1D(2)(x))
        else:
            for _ in range(3):
                x = self.dense_block(40, 3, layers.UpSampling2D(2)(x))
        return keras.Model(inputs, self.conv(12 if self.is_ecg else 50, x, side=1))


class Original:
    """All four networks with random weights, as the published program would run them."""

    def __init__(self, seed=0):
        draws = np.random.default_rng(seed)
        self.models, self.arrays, numbers = {}, {}, {}
        for name, way in PARTS:
            network = Network(name)
            model = network.encoder() if way == "encode" else network.decoder()
            stored = []
            for layer in network.made:
                kind = {"Conv1D": "conv1d", "Conv2D": "conv2d", "Dense": "dense"}.get(
                    type(layer).__name__, "layer_normalization"
                )
                number = numbers[kind] = numbers.get(kind, -1) + 1
                arrays = {weight.name: _random(draws, weight) for weight in layer.weights}
                layer.set_weights(list(arrays.values()))
                stored.append((f"{kind}_{number}" if number else kind, arrays))
            self.models[name, way], self.arrays[name, way] = model, stored

    def run(self, part, x):
        return np.asarray(self.models[part](np.asarray(x, np.float32)))


def _random(draws, weight):
    shape = tuple(weight.shape)
    scale = 0.1 if len(shape) == 1 else np.sqrt(2 / (np.prod(shape[:-1]) + shape[-1]))
    noise = scale * draws.standard_normal(shape, np.float32)
    return (noise + (weight.name == "gamma")).astype(np.float32)


def as_tensor(ecg_mv, *, microvolts):
    """(n, 600, 12) in mV and clinical order as the program fed it to its networks."""
    integers = ecg_mv * 1000 / microvolts
    return integers[..., [CLINICAL.index(lead) for lead in LEADS]] / 10


def from_tensor(tensor, *, microvolts):
    """What comes out of the decoder, in mV and clinical order."""
    return tensor[..., [LEADS.index(lead) for lead in CLINICAL]] * 10 * microvolts / 1000


def z_scores(cines):
    cines = cines.astype(np.float64)
    axes = (1, 2, 3)
    return (cines - cines.mean(axes, keepdims=True)) / (cines.std(axes, keepdims=True) + 1e-7)


def write_model(path, submodels, config=None):
    """Write a legacy Keras file; ``submodels`` is a list of names and their layers.

    Keras hands over lists of bytes, which older versions of h5py store with a fixed length, and
    newer ones do not; a long list is cut into numbered arrays. With a description, so is this one.
    """
    with h5py.File(path, "w") as file:
        if config is not None:
            file.attrs["model_config"] = json.dumps(config).encode()
        root = file.create_group("model_weights")
        _write_names(root, "layer_names", [name for name, _ in submodels], is_cut=bool(config))
        for name, stored in submodels:
            group = root.create_group(name)
            keys = [f"{layer}/{key}:0" for layer, arrays in stored for key in arrays]
            _write_names(group, "weight_names", keys, is_cut=bool(config))
            for layer, arrays in stored:
                for key, array in arrays.items():
                    group[f"{layer}/{key}:0"] = array


def _write_names(group, attribute, names, *, is_cut):
    """Write names as Keras does; an empty list becomes one of floats."""
    if is_cut:
        for k, part in enumerate(np.array_split(np.array([name.encode() for name in names]), 3)):
            group.attrs[f"{attribute}{k}"] = part
    else:
        group.attrs[attribute] = [name.encode() for name in names]


def write_separate(folder: Path, original, parts=PARTS):
    """The four files."""
    folder.mkdir(exist_ok=True)
    for name, way in parts:
        block = f"{way}_block_{TENSORS[name]}"
        submodels = [(f"input_{TENSORS[name]}", []), (block, original.arrays[name, way])]
        write_model(folder / f"{way}r_{TENSORS[name]}.h5", submodels)
    return folder


def write_joint(path: Path, original, *, drawn=None, log_scale=1.7, tensors=None):
    """The joint file; ``drawn`` (256,) is the modality that each coordinate was given, or None."""
    tensors = tensors or TENSORS
    submodels = [("input_1", [])]
    for name, way in PARTS:
        block = f"{way}_block_{tensors[name]}"
        stored = [(f"{block}_{layer}", arrays) for layer, arrays in original.arrays[name, way]]
        submodels.append((block, stored))
    spare = {"kernel": np.eye(256, dtype=np.float32), "bias": np.zeros(256, np.float32)}
    submodels.append(("dense_9", [("dense_9", spare)]))
    scale = {"temperature": np.array(log_scale, np.float32)}
    submodels.append(("contrastive_loss_layer", [("contrastive_loss_layer", scale)]))
    write_model(path, submodels, joint_config(drawn))
    return path


def joint_config(drawn):
    """The description of the joint model, as far as it matters here."""
    nodes = [{"class_name": "InputLayer", "config": {"name": "input_1"}, "inbound_nodes": []}]
    activation = {"class_name": "Addons>mish", "config": {"name": "mish"}}
    nodes.append({"class_name": "Activation", "config": {"activation": activation}})
    if drawn is not None:
        pairs = [[int(modality), k] for k, modality in enumerate(drawn)]
        nodes.append(
            {
                "class_name": "TFOpLambda",
                "config": {"name": "tf.compat.v1.gather_nd", "function": "compat.v1.gather_nd"},
                "name": "tf.compat.v1.gather_nd",
                "inbound_nodes": [["tf.stack", 0, 0, {"indices": pairs}]],
            }
        )
    return {"class_name": "Functional", "config": {"name": "model", "layers": nodes}}
