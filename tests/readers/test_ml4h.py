"""Files of ml4h tensors in every layout, whole, with gaps, and hostile."""

import zlib

import h5py
import numpy as np
import pytest

from cmae.data.cohort import Cohort
from cmae.data.column import RECORDING_COLUMNS
from cmae.data.modality import LEADS
from cmae.errors import ReadError, SettingsError
from cmae.readers.cine_series import CineSeries
from cmae.readers.heart_crop import heart_crop
from cmae.readers.ml4h import COLUMNS, read_ml4h, table_of_lacks

STORED_ORDER = ("I", "II", "III", "V1", "V2", "V3", "V4", "V5", "V6", "aVF", "aVL", "aVR")
CINE = "ukb_cardiac_mri/cine_segmented_lax_4ch"
UNIT_UV = 5.0
MILLIMETERS = {"height": 1.6, "width": 1.5}


@pytest.fixture
def beat(foreign):
    """The device's median beat (600, 12) in mV, offset and with R at sample 210, in 5 µV steps."""
    signals = np.roll(foreign.one_beat(500.0), 10, axis=0) + np.linspace(0.1, 0.3, 12)
    return np.round(signals * 1000 / UNIT_UV) * UNIT_UV / 1000


@pytest.fixture
def frames(foreign):
    """A cine (112, 128, 50) of integers."""
    return np.round(foreign.beating_heart(50))[16:].astype(np.int16)


@pytest.fixture
def mask():
    """An annotation of frame 1, padded to (256, 256); the heart is 1 to 12 and 14."""
    classes = np.zeros((256, 256), np.uint8)
    classes[2:100, 3:110] = 13
    classes[30:90, 20:75] = 5
    classes[28, 40] = 14
    classes[92, 100] = 15
    return classes


def put(file, name, data, **options):
    file.create_dataset(name, data=data, **({"compression": "gzip"} | options))


def put_ecg(file, beat, *, instance=2, kind="median", rename=str, skip=()):
    """Write leads as integers of 5 µV, each gzipped."""
    for lead in STORED_ORDER:
        if lead not in skip:
            stored = np.round(beat[:, LEADS.index(lead)] * 1000 / UNIT_UV).astype(np.int16)
            put(file, f"ukb_ecg_rest/{kind}_{rename(lead)}/instance_{instance}", stored)


def put_spacing(file):
    for side, size in MILLIMETERS.items():
        file[f"ukb_cardiac_mri/mri_pixel_{side}_cine_segmented_lax_4ch"] = size


@pytest.fixture
def write(tmp_path):
    """Write a file by a function of the open file; return its path."""

    def write(*steps):
        path = tmp_path / "1234567.hd5"
        with h5py.File(path, "w") as file:
            for step in steps:
                step(file)
        return path

    return write


def _series(frames):
    pixel_mm = (MILLIMETERS["height"], MILLIMETERS["width"])
    return CineSeries(np.ascontiguousarray(frames, np.float32), pixel_mm, None)


@pytest.mark.parametrize("ecg_instance", [0, 2])
@pytest.mark.parametrize("cine", ["2/instance_0", "instance_2", "instance_0"])
def test_ecg_and_cine_of_one_visit_pair_in_every_mix_of_layouts(
    write, beat, frames, ecg_instance, cine
):
    path = write(
        lambda file: put_ecg(file, beat, instance=ecg_instance),
        lambda file: put(file, f"{CINE}/{cine}", frames),
        put_spacing,
    )
    (visit,) = read_ml4h(path)
    assert visit.visit == 2
    assert visit.ecg.shape == (600, 12)
    assert visit.cine.shape == (96, 96, 50)
    assert visit.lacks == ()
    assert visit.found == ("median beat", "cine", "pixel spacing")


@pytest.mark.parametrize("instances", [(2, 3), (0, 1)])
def test_two_visits_are_two_rows(write, beat, frames, instances):
    first, second = instances
    path = write(
        lambda file: put_ecg(file, beat, instance=first),
        lambda file: put_ecg(file, beat / 2, instance=second),
        lambda file: put(file, f"{CINE}/2/instance_0", frames),
        lambda file: put(file, f"{CINE}/instance_3", np.roll(frames, 3, axis=1)),
        put_spacing,
    )
    one, two = read_ml4h(path)
    assert (one.visit, two.visit) == (2, 3)
    np.testing.assert_allclose(two.ecg, one.ecg / 2, atol=0.006)
    shift = two.values["mri_heart_column"] - one.values["mri_heart_column"]
    assert shift == pytest.approx(3, abs=0.5)


def test_ecg_is_in_mv_in_clinical_order_with_the_pr_segment_at_zero(write, beat):
    (visit,) = read_ml4h(write(lambda file: put_ecg(file, beat)))
    assert visit.ecg.dtype == np.float32
    level = visit.ecg - beat
    assert np.ptp(level, axis=0).max() < 1e-5
    onset = 210 - 18
    assert np.abs(visit.ecg[onset - 8 : onset - 2]).max() < 0.01
    assert visit.values["ecg_r_sample"] == 210
    assert visit.values["ecg_is_device_median"] == 1.0
    (double,) = read_ml4h(write(lambda file: put_ecg(file, beat)), ecg_unit_uv=10.0)
    np.testing.assert_allclose(double.ecg, 2 * visit.ecg, rtol=1e-5)


def test_r_is_moved_to_sample_200_only_if_asked(write, beat):
    path = write(lambda file: put_ecg(file, beat))
    (stored,), (moved,) = read_ml4h(path), read_ml4h(path, is_ecg_aligned=True)
    assert np.argmax(stored.ecg[:, 1]) == 210
    assert np.argmax(moved.ecg[:, 1]) == 200
    np.testing.assert_array_equal(moved.ecg[:590], stored.ecg[10:])
    assert moved.values["ecg_r_sample"] == 210


def test_r_is_found_where_it_lies_and_where_neighbors_show(foreign):
    from cmae.readers.ml4h_ecg import find_r

    for place in (150, 200, 260, 320):
        beat = np.roll(foreign.one_beat(500.0), place - 200, axis=0)
        assert abs(find_r(beat) - place) <= 1
        for neighbor in (-230, 230):
            both = beat + 0.9 * np.roll(beat, neighbor, axis=0)
            near = min((place, (place + neighbor) % 600), key=lambda sample: abs(sample - 250))
            assert abs(find_r(both) - near) <= 1


@pytest.mark.parametrize("rename", [str.upper, str.lower])
def test_lead_names_may_have_any_case(write, beat, rename):
    (visit,) = read_ml4h(write(lambda file: put_ecg(file, beat, rename=rename)))
    assert visit.ecg is not None


def test_ten_seconds_become_a_beat_where_there_is_no_median(write, foreign, rng):
    signals = foreign.rhythm(rng, rr_s=0.9)
    path = write(
        lambda file: put_ecg(file, signals, kind="strip"),
        lambda file: put_ecg(file, signals[:600], skip=("V3", "aVL")),
    )
    (visit,) = read_ml4h(path)
    truth = foreign.one_beat(500.0)
    truth = truth - truth[175:185].mean(axis=0)
    assert np.corrcoef(visit.ecg[120:400].ravel(), truth[120:400].ravel())[0, 1] > 0.99
    assert visit.values["ecg_is_device_median"] == 0.0
    assert visit.values["heart_rate_bpm"] == pytest.approx(60 / 0.9, abs=2)
    assert visit.lacks == ("No median beat in leads aVL, V3.", "No cine.")
    assert visit.found == ("median beat", "10-second ECG")


def test_our_crop_is_heart_crop_of_the_frames(write, frames):
    path = write(lambda file: put(file, f"{CINE}/instance_2", frames[:, :, ::2]), put_spacing)
    (visit,) = read_ml4h(path)
    expected = heart_crop(_series(frames[:, :, ::2]))
    np.testing.assert_array_equal(visit.cine, expected.recording)
    assert visit.values["mri_frames_recorded"] == 25
    assert visit.values["mri_pixel_mm"] == 1.8
    assert visit.values["mri_heart_row"] == expected.heart_row


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64, ">u2"])
def test_ml4h_crop_is_the_box_of_the_heart_at_the_top_left(write, frames, mask, dtype):
    path = write(
        lambda file: put(file, f"{CINE}/2/instance_0", frames.astype(dtype), shuffle=True),
        lambda file: put(file, f"{CINE}_annotated_1/instance_0", mask),
        lambda file: put(file, f"{CINE}_annotated_2/instance_0", np.roll(mask, 9)),
    )
    (visit,) = read_ml4h(path, crop="ml4h")
    expected = np.zeros((96, 96, 50), np.float32)
    expected[: 90 - 28, : 75 - 20] = frames[28:90, 20:75]
    np.testing.assert_array_equal(visit.cine, expected)
    assert visit.cine.dtype == np.float32
    assert visit.values["mri_pixel_mm"] is None
    assert visit.lacks == ("No ECG.",)


def test_ml4h_crop_cuts_hearts_that_are_larger_than_its_canvas(write, frames, mask):
    mask[5:108, 1:120] = 1
    path = write(
        lambda file: put(file, f"{CINE}/instance_2", frames),
        lambda file: put(file, f"{CINE}_annotated_1/instance_2", mask),
    )
    (visit,) = read_ml4h(path, crop="ml4h")
    np.testing.assert_array_equal(visit.cine, frames[5:101, 1:97].astype(np.float32))


def test_measurements_and_phenotypes_have_names_and_units(write, beat):
    def numbers(file):
        for name, value in {
            "VentricularRate": 61, "PQInterval": 160, "QRSDuration": 92, "QTInterval": 400,
            "QTCInterval": 410, "PAxis": 45, "RAxis": 350, "TAxis": -30, "PPInterval": 980,
        }.items():  # fmt: skip
            put(file, f"ukb_ecg_rest/{name}/instance_2", [float(value)], compression=None)
        file["continuous/21002_Weight-kg_2_0"] = [71.5]
        file["continuous/50_Height/instance_2"] = 172
        file["continuous/not_measured"] = np.nan
        file["categorical/31_Sex"] = [1]
        file["categorical/Group"] = np.bytes_("north")
        file["continuous/SampleID"] = [1234567]

    (visit,) = read_ml4h(write(lambda file: put_ecg(file, beat), numbers))
    values = dict(visit.values)
    assert {name: values[name] for name in COLUMNS if name in values} == {
        "heart_rate_bpm": 61, "pr_ms": 160, "qrs_ms": 92, "qt_ms": 400, "qtc_ms": 410,
        "p_axis_deg": 45, "qrs_axis_deg": -10, "t_axis_deg": -30, "ecg_is_device_median": 1,
        "ecg_r_sample": 210,
    }  # fmt: skip
    assert values["ecg_rr_ms"] == pytest.approx(60_000 / 61)
    assert values["ecg_device_PPInterval"] == 980
    assert values["continuous_21002_Weight_kg_2_0"] == 71.5
    assert values["continuous_50_Height_instance_2"] == 172
    assert (values["categorical_31_Sex"], values["categorical_Group"]) == ("1", "north")
    assert "continuous_not_measured" not in values
    assert not any("1234567" in str(value) or value == 1234567 for value in values.values())
    assert set(visit.columns) == values.keys() - COLUMNS.keys() - RECORDING_COLUMNS.keys()
    assert visit.columns["categorical_31_Sex"].kind == "categorical"
    assert visit.lacks == ("No cine.", "Entries of continuous/ named like identifiers: left out.")


def test_visits_enter_a_cohort_as_they_are(tmp_path, write, beat, frames):
    path = write(
        lambda file: put_ecg(file, beat),
        lambda file: put(file, f"{CINE}/2/instance_0", frames),
        lambda file: put(file, "continuous/Body-mass index", [25.0]),
        put_spacing,
    )
    (visit,) = read_ml4h(path)
    cohort = Cohort.create(tmp_path / "cohort")
    with cohort.writer({**COLUMNS, **visit.columns}) as writer:
        writer.add("P1", visit.visit, ecg=visit.ecg, mri=visit.cine, values=visit.values)
    assert cohort.table["continuous_Body_mass_index"].tolist() == [25.0]
    assert cohort.has("ecg").all()
    assert cohort.has("mri").all()


def test_values_that_no_heart_has_are_left_out_and_named(write, beat):
    def numbers(file):
        file["ukb_ecg_rest/PQInterval/instance_2"] = [0]
        file["ukb_ecg_rest/VentricularRate/instance_2"] = [np.nan]

    (visit,) = read_ml4h(write(lambda file: put_ecg(file, beat), numbers))
    assert not {"pr_ms", "heart_rate_bpm", "ecg_rr_ms"} & visit.values.keys()
    assert "PR interval of the device: not a believable value." in visit.lacks
    assert "Heart rate of the device: not a believable value." in visit.lacks


def test_two_layouts_of_one_visit_keep_uk_biobanks_number_and_say_so(write, beat):
    path = write(
        lambda file: put_ecg(file, beat, instance=0),
        lambda file: put_ecg(file, 2 * beat, instance=2),
    )
    (visit,) = read_ml4h(path)
    assert np.ptp(visit.ecg - 2 * beat, axis=0).max() < 1e-5
    assert any("twice for one visit" in reason for reason in visit.lacks)


def test_what_is_not_there_is_said_in_a_sentence(write, beat, frames, mask):
    with pytest.raises(ReadError, match="neither an ECG"):
        read_ml4h(write(lambda file: put(file, "continuous/x", [1.0])))
    path = write(lambda file: put(file, f"{CINE}/instance_2", frames))
    assert "pixel spacing" in read_ml4h(path)[0].lacks[1]
    assert "No mask" in read_ml4h(path, crop="ml4h")[0].lacks[1]
    path = write(
        lambda file: put(file, f"{CINE}/instance_2", frames[:, :, :49]),
        lambda file: put(file, f"{CINE}_annotated_1/instance_0", mask),
        lambda file: put_ecg(file, beat, skip=("V3",)),
    )
    (visit,) = read_ml4h(path, crop="ml4h")
    assert visit.lacks[0] == "No median beat in lead V3."
    assert visit.lacks[1].startswith("The cine has 49 frames")
    assert visit.ecg is None
    assert visit.cine is None


def test_a_table_counts_visits_by_what_they_lack():
    lacks = [("No cine.", "No cine."), ("No ECG.", "No cine."), (), ("A sentence.",)]
    assert list(table_of_lacks(lacks).items()) == [
        ("No cine.", 2), ("A sentence.", 1), ("No ECG.", 1)
    ]  # fmt: skip


def test_settings_are_checked(write, beat):
    path = write(lambda file: put_ecg(file, beat))
    with pytest.raises(SettingsError, match="crop"):
        read_ml4h(path, crop="box")
    for unit in (0, -5, np.nan, np.inf):
        with pytest.raises(SettingsError, match="unit"):
            read_ml4h(path, ecg_unit_uv=unit)


def _inflating_chunk(file):
    """A chunk that says 200 kB and inflates to 8 MB."""
    stored = file.create_dataset(
        f"{CINE}/instance_2", (64, 64, 50), np.int8, chunks=(64, 64, 50), compression="gzip"
    )
    stored.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(8 * 2**20)))


def _short_chunk(file):
    stored = file.create_dataset(
        f"{CINE}/instance_2", (64, 64, 50), np.int8, chunks=(64, 64, 50), compression="gzip"
    )
    stored.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(1000)))


def _no_gzip(file):
    stored = file.create_dataset(
        f"{CINE}/instance_2", (64, 64, 50), np.int8, chunks=(64, 64, 50), compression="gzip"
    )
    stored.id.write_direct_chunk((0, 0, 0), b"no gzip at all")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (lambda file, cine: put(file, f"{CINE}/instance_2", cine[:, :, 0]), "2 axes"),
        (lambda file, cine: put(file, f"{CINE}/instance_2", cine[:8]), "8 × 128 pixels"),
        (lambda file, cine: put(file, f"{CINE}/instance_2", cine[:, :, :4]), "4 frames"),
        (lambda file, cine: put(file, f"{CINE}/instance_2", cine * np.nan), "not finite"),
        (lambda file, cine: put(file, f"{CINE}/instance_2", cine * 1e300), "not finite"),
        (lambda file, cine: put(file, f"{CINE}/instance_2", cine * 0), "Nothing moves"),
        (lambda file, cine: put(file, f"{CINE}/instance_2", cine * 1j), "plain integers"),
        (lambda file, cine: put(file, f"{CINE}/instance_2", cine > 0), "plain integers"),
        (
            lambda file, cine: put(file, f"{CINE}/instance_2", cine, compression="lzf"),
            "only gzip",
        ),
        (
            lambda file, cine: file.create_dataset(
                f"{CINE}/instance_2", (64, 64, 50), h5py.vlen_dtype("f4")
            ),
            "plain integers",
        ),
        (
            lambda file, cine: put(
                file, f"{CINE}/instance_2", np.zeros((64, 64, 50), [("a", "f4"), ("b", "i2")])
            ),
            "plain integers",
        ),
        (lambda file, cine: _inflating_chunk(file), "damaged"),
        (lambda file, cine: _short_chunk(file), "damaged"),
        (lambda file, cine: _no_gzip(file), "damaged"),
    ],
)
def test_a_cine_that_is_none_is_refused_in_a_sentence(write, beat, frames, content, says):
    path = write(
        lambda file: put_ecg(file, beat),
        lambda file: content(file, frames.astype(np.float64)),
        put_spacing,
    )
    (visit,) = read_ml4h(path)
    assert visit.cine is None
    assert visit.ecg is not None
    assert says in visit.lacks[-1]
    assert "1234567" not in " ".join(visit.lacks)


def test_chunks_are_inflated_no_further_than_they_say(write, monkeypatch):
    from cmae.readers import ml4h_file

    path, sizes = write(_inflating_chunk, put_spacing), []
    inflater = zlib.decompressobj

    class Watched:
        def __init__(self):
            self._inflater = inflater()

        def decompress(self, stored, most):
            inflated = self._inflater.decompress(stored, most)
            sizes.append(len(inflated))
            return inflated

        @property
        def eof(self):
            return self._inflater.eof

    monkeypatch.setattr(ml4h_file.zlib, "decompressobj", Watched)
    read_ml4h(path)
    assert max(sizes) == 64 * 64 * 50 + 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda beat: beat * np.nan, "not finite"),
        (lambda beat: beat[:500], "shape (500,)"),
        (lambda beat: beat * [*[1] * 6, 0, *[1] * 5], "flat in lead V1"),
        (lambda beat: beat * 100, "check its unit"),
        (lambda beat: np.roll(beat, -200, axis=0), "edge of its window"),
    ],
)
def test_a_median_beat_that_is_none_is_refused_in_a_sentence(write, beat, change, says):
    def ecg(file):
        changed = change(beat)
        for column, lead in enumerate(LEADS):
            put(file, f"ukb_ecg_rest/median_{lead}/instance_2", changed[:, column] * 200)

    (visit,) = read_ml4h(write(ecg))
    assert visit.ecg is None
    assert says in visit.lacks[0]


def _external(file):
    file["ukb_ecg_rest/median_I/instance_2"] = h5py.ExternalLink("/etc/passwd", "/")


def _virtual(file):
    layout = h5py.VirtualLayout((600,), "f4")
    layout[:] = h5py.VirtualSource("other.hd5", "x", (600,))
    file.create_virtual_dataset("ukb_ecg_rest/median_I/instance_2", layout)


def _absurd(file):
    file.create_dataset(f"{CINE}/instance_2", (10**6, 10**6, 50), "f4", chunks=(1, 100, 50))


@pytest.mark.parametrize("hostile", [_external, _virtual, _absurd])
def test_hostile_files_are_refused_whole(write, hostile):
    with pytest.raises(ReadError, match="refused") as refused:
        read_ml4h(write(hostile))
    assert "1234567" not in str(refused.value)


def test_entries_in_odd_places_are_left_out_and_named(write, beat):
    def odd(file):
        file["ukb_ecg_rest/median_I/2018-01-01"] = [1]
        file["ukb_ecg_rest/median_X9/instance_2"] = [1]
        file["ukb_ecg_rest/text/instance_2"] = "hello"
        file["ukb_ecg_rest/plain"] = [1]
        file["continuous/many"] = [1, 2]
        file["continuous/a/b/c"] = [1]
        file["continuous/a-b"], file["continuous/a_b"] = [1], [1]
        file["ukb_cardiac_mri"] = [1]

    (visit,) = read_ml4h(write(lambda file: put_ecg(file, beat), odd))
    assert visit.ecg is not None
    assert len(visit.lacks) == 8
    for words in ("not named instance", "none of the twelve", "no number", "no instances"):
        assert any(words in reason for reason in visit.lacks)
    for words in ("not one value", "deeper", "same name"):
        assert any(words in reason for reason in visit.lacks)


def test_damaged_files_give_sentences(write, beat, frames, rng):
    path = write(
        lambda file: put_ecg(file, beat),
        lambda file: put(file, f"{CINE}/2/instance_0", frames[:64, :64, :12]),
        lambda file: put(file, "continuous/x", [1.0]),
        put_spacing,
    )
    whole = path.read_bytes()
    for size in rng.integers(0, len(whole), 15):
        path.write_bytes(whole[:size])
        with pytest.raises(ReadError):
            read_ml4h(path)
    # HDF5 itself may fall over damaged structure: only what we inflate is damaged here.
    path.write_bytes(whole)
    with h5py.File(path) as file:
        stored = [file[f"{CINE}/2/instance_0"], file["ukb_ecg_rest/median_V1/instance_2"]]
        chunks = [dataset.id.get_chunk_info(0) for dataset in stored]
    outcomes = set()
    for place in [
        chunk.byte_offset + k for chunk in chunks for k in rng.integers(0, chunk.size, 12)
    ]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        (visit,) = read_ml4h(path)
        outcomes |= set(visit.lacks)
    assert outcomes == {
        "The cine is damaged in the ml4h file: copy or make it again.",
        "A lead of the median beat is damaged in the ml4h file: copy or make it again.",
    }


def test_each_chunk_is_read_once_and_only_where_needed(write, frames, mask, monkeypatch):
    from cmae.readers import ml4h_file

    chunks = (16, 16, 25)
    path = write(
        lambda file: put(file, f"{CINE}/2/instance_0", frames, chunks=chunks),
        lambda file: put(file, f"{CINE}_annotated_1/instance_0", mask, chunks=mask.shape),
        put_spacing,
    )
    inflated = []
    decoded = ml4h_file._decoded
    monkeypatch.setattr(
        ml4h_file, "_decoded", lambda *chunk: inflated.append(chunk[0]) or decoded(*chunk)
    )
    read_ml4h(path)
    assert len(inflated) == (112 // 16) * (128 // 16) * 2
    inflated.clear()
    read_ml4h(path, crop="ml4h")
    rows, columns = range(28 - 2, 90 + 2), range(20 - 2, 75 + 2)
    needed = {(row // 16, column // 16) for row in rows for column in columns}
    assert len(inflated) == 1 + 2 * len(needed) < 112


def test_windows_are_those_of_numpy(write, rng):
    from cmae.readers.ml4h_file import opened, read_array

    array = rng.integers(-999, 999, (23, 31, 7)).astype(np.int32)
    path = write(
        lambda file: put(file, "gzip", array, chunks=(5, 8, 3)),
        lambda file: put(
            file, "shuffled", array, chunks=(32, 32, 8), maxshape=(None,) * 3, shuffle=True
        ),
        lambda file: put(file, "chunks", array, chunks=(5, 8, 3), compression=None),
        lambda file: put(file, "plain", array, compression=None),
    )
    window = (slice(4, 22), slice(8, 9), slice(2, 7))
    with opened(path) as file:
        for name in ("gzip", "shuffled", "chunks", "plain"):
            np.testing.assert_array_equal(read_array(file[name], what="It"), array)
            part = read_array(file[name], what="It", window=window)
            np.testing.assert_array_equal(part, array[window])


def test_chunks_that_were_never_written_hold_the_fill_value(write):
    from cmae.readers.ml4h_file import opened, read_array

    def sparse(file):
        stored = file.create_dataset(
            "x", (40, 40), "i2", chunks=(10, 10), compression="gzip", fillvalue=-7
        )
        stored[:10, 10:20] = 3

    with opened(write(sparse)) as file:
        array = read_array(file["x"], what="It")
    assert (array[:10, 10:20] == 3).all()
    assert (array == -7).sum() == 1500


def test_a_plateau_in_a_wide_complex_is_no_pr_segment(write):
    time = (np.arange(600) - 200) / 500

    def step(at):
        return 1 / (1 + np.exp(-(time - at) / 0.002))

    p_wave = 0.1 * np.exp(-0.5 * ((time + 0.16) / 0.015) ** 2)
    wide = step(-0.05) - 0.6 * step(0.03) - 0.4 * step(0.09)
    beat = (p_wave + wide)[:, None] * np.linspace(0.8, 1.5, 12)
    (visit,) = read_ml4h(write(lambda file: put_ecg(file, beat + 0.3)))
    assert np.abs(visit.ecg - beat).max() < 0.02


def test_a_cine_of_too_many_pixels_is_refused_before_it_is_read(write, frames, monkeypatch):
    from cmae.readers import ml4h_cine

    path = write(lambda file: put(file, f"{CINE}/instance_2", frames), put_spacing)
    assert read_ml4h(path)[0].cine is not None
    monkeypatch.setattr(ml4h_cine, "_MAX_PIXELS", frames.size - 1)
    monkeypatch.setattr(ml4h_cine, "read_array", None)
    (visit,) = read_ml4h(path)
    assert visit.lacks[1].startswith("The cine has 112 × 128 pixels × 50 frames")
