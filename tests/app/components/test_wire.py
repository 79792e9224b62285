"""The block of bytes that crosses to the browser."""

import json

import numpy as np

from app.components.wire import pack, read_assets


def _unpack(block):
    """Read a block as wire.js does."""
    length = int.from_bytes(block[:4], "little")
    header = json.loads(block[4 : 4 + length])
    start = -(-(4 + length) // 8) * 8
    arrays = {}
    for entry in header["arrays"]:
        at = start + entry["offset"]
        arrays[entry["name"]] = np.frombuffer(block, entry["type"], entry["length"], at)
    return header, arrays, start


def test_arrays_come_back_as_they_were():
    arrays = {
        "a": np.arange(5, dtype=np.uint8),
        "b": np.linspace(-1, 1, 7, dtype=np.float32),
        "c": np.array([[1, 65535], [3, 4]], np.uint16),
        "d": np.array([-1, 2**31 - 1], np.int32),
    }
    header, found, _ = _unpack(pack({"name": "Größe"}, arrays))
    assert header["name"] == "Größe"
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array.ravel())


def test_every_array_starts_where_a_typed_array_may():
    for text in ("", "x", "xyz" * 9):
        header, _, start = _unpack(
            pack({"t": text}, {"a": np.zeros(3, np.uint8), "b": np.zeros(2, np.float32)})
        )
        assert all((start + entry["offset"]) % 8 == 0 for entry in header["arrays"])


def test_equal_input_gives_equal_bytes():
    array = np.arange(12, dtype=np.uint16).reshape(3, 4)
    assert pack({"k": 1}, {"a": array}) == pack({"k": 1}, {"a": array.copy(order="F")})


def test_big_endian_arrays_are_turned():
    _, found, _ = _unpack(pack({}, {"a": np.array([1, 258], ">u2")}))
    np.testing.assert_array_equal(found["a"], [1, 258])


def test_assets_are_packaged_and_load_nothing_from_the_network():
    names = ("wire.js", "ecg_paper.js", "cine_player.js", "map_geometry.js", "map_renderer.js")
    text = read_assets(*names, "map_legend.js", "latent_map.js", "base.css", "latent_map.css")
    assert "export default function" in text
    addresses = text.replace("http://www.w3.org/2000/svg", "")
    assert not any(word in addresses for word in ("http://", "https://", "fetch(", "@import"))
