import struct
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    UID,
    EnhancedMRImageStorage,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
    generate_uid,
)

from cmae.errors import ReadError
from cmae.readers.cine import read_cine
from cmae.readers.dicom import announced_size, open_dicom, pixels_of

UPRIGHT = [1, 0, 0, 0, 0.8, 0.6]
TWO_CHAMBER = [-0.62, 0.78, 0, 0, 0, -1]


def lossless_jpeg(image) -> bytes:
    """Code (rows, columns) of 16 bits as JPEG lossless, predictor 1 (ITU-T T.81, annex H)."""
    values = image.astype(np.int64)
    rows, columns = values.shape
    before = np.empty_like(values)
    before[:, 1:], before[1:, 0], before[0, 0] = values[:, :-1], values[:-1, 0], 2**15
    bits = []
    for step in (values - before).ravel():
        size = int(abs(step)).bit_length()
        bits.append(f"{size:05b}")
        if size:
            bits.append(f"{step if step > 0 else step + (1 << size) - 1:0{size}b}")
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    data = int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\x00")
    table = bytes([0, 0, 0, 0, 0, 17, *[0] * 11, *range(17)])
    frame = struct.pack(">BHHB3B", 16, rows, columns, 1, 1, 0x11, 0)
    scan = bytes([1, 1, 0, 1, 0, 0])
    parts = [b"\xff\xd8"]
    for marker, body in ((0xC3, frame), (0xC4, table), (0xDA, scan)):
        parts.append(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body)
    return b"".join([*parts, data, b"\xff\xd9"])


def baseline_jpeg(image) -> bytes:
    opened = BytesIO()
    Image.fromarray(image.astype(np.uint8)).save(opened, "JPEG", quality=95)
    return opened.getvalue()


def compress(folder: Path, syntax: UID) -> None:
    """Compress the files of a folder in place."""
    for path in folder.iterdir():
        image = dcmread(path)
        if syntax in (JPEGLosslessSV1, JPEGBaseline8Bit):
            pixels = image.pixel_array
            if syntax == JPEGBaseline8Bit:
                image.BitsAllocated, image.BitsStored, image.HighBit = 8, 8, 7
            code = lossless_jpeg if syntax == JPEGLosslessSV1 else baseline_jpeg
            image.PixelData = encapsulate([code(pixels)])
            image["PixelData"].is_undefined_length = True
            image["PixelData"].VR = "OB"
            image.file_meta.TransferSyntaxUID = syntax
        else:
            image.compress(syntax, **({"j2k_cr": [4]} if syntax == JPEG2000 else {}))
        image.save_as(path, enforce_file_format=True)


def write_enhanced(path: Path, frames, *, changes=None, order=None) -> None:
    """Write (rows, columns, n) as one enhanced MR image with its frames in ``order``."""
    count = frames.shape[2]
    order = np.arange(count) if order is None else order
    folder = path.parent / "classic"
    image = dcmread(next(folder.iterdir()))
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    for name in ("TriggerTime", "NominalInterval", "PixelSpacing", "ImagePositionPatient",
                 "ImageOrientationPatient", "RescaleSlope", "RescaleIntercept"):  # fmt: skip
        delattr(image, name)
    image.NumberOfFrames = count
    image.PixelData = np.round(frames[:, :, order]).astype("<u2").transpose(2, 0, 1).tobytes()

    def item(**values):
        made = Dataset()
        for name, value in values.items():
            setattr(made, name, value)
        return made

    image.SharedFunctionalGroupsSequence = [item(
        PixelMeasuresSequence=[item(PixelSpacing=[1.5, 1.5])],
        PlaneOrientationSequence=[item(ImageOrientationPatient=UPRIGHT)],
        PlanePositionSequence=[item(ImagePositionPatient=[-90, -90, 0])],
        PixelValueTransformationSequence=[item(RescaleSlope="1", RescaleIntercept="0")],
    )]  # fmt: skip
    image.PerFrameFunctionalGroupsSequence = [
        item(CardiacSynchronizationSequence=[
            item(NominalCardiacTriggerDelayTime=float(k) * 900 / count)
        ])
        for k in order
    ]  # fmt: skip
    for name, value in (changes or {}).items():
        setattr(image, name, value)
    image.save_as(path, enforce_file_format=True)


@pytest.mark.parametrize(
    ("syntax", "error"),
    [(RLELossless, 0), (JPEG2000Lossless, 0), (JPEGLosslessSV1, 0), (JPEG2000, 20),
     (JPEGBaseline8Bit, 20)],
)  # fmt: skip
def test_compressed_series_give_the_same_frames(tmp_path, foreign, syntax, error):
    frames = foreign.beating_heart(12, side=64) / (5 if syntax == JPEGBaseline8Bit else 1)
    foreign.write_dicom_series(tmp_path, frames)
    wanted = read_cine(tmp_path).frames

    compress(tmp_path, syntax)

    np.testing.assert_allclose(read_cine(tmp_path).frames, wanted, atol=error)


def test_jpeg_ls_is_decoded():
    stored = open_dicom(Path(get_testdata_file("MR_small_jpeg_ls_lossless.dcm")))
    plain = open_dicom(Path(get_testdata_file("MR_small.dcm")))

    (decoded,) = pixels_of(stored, [0])

    np.testing.assert_array_equal(decoded, plain.pixel_array)


def test_streams_that_announce_more_than_the_header_are_refused(tmp_path, foreign):
    foreign.write_dicom_series(tmp_path, foreign.beating_heart(12, side=64))
    compress(tmp_path, JPEG2000Lossless)
    for path in tmp_path.iterdir():
        whole = path.read_bytes()
        at = whole.index(b"\xff\x4f\xff\x51") + 8
        path.write_bytes(whole[:at] + struct.pack(">II", 60_000, 60_000) + whole[at + 8 :])

    with pytest.raises(ReadError, match="announces another size"):
        read_cine(tmp_path)


@pytest.mark.parametrize(
    "stream", [b"", b"\xff\xd8", b"\xff\xd8\xff\xc3\x00", b"\xff\x4f\xff\x51\x00", b"GIF89a"]
)
def test_streams_without_a_header_announce_nothing(stream):
    assert announced_size(stream) is None or announced_size(stream) == (0, 0)


def test_frames_of_an_enhanced_file_come_in_order(tmp_path, rng, foreign):
    frames = foreign.beating_heart(20, side=64)
    foreign.write_dicom_series(tmp_path / "classic", frames)
    write_enhanced(tmp_path / "e.dcm", frames, order=rng.permutation(20))

    series = read_cine(tmp_path / "e.dcm")

    np.testing.assert_allclose(series.frames, frames, atol=0.51)
    assert series.source == "enhanced DICOM"
    assert series.pixel_mm == (1.5, 1.5)
    assert series.rr_ms == pytest.approx(900)
    assert series.choice.departure_deg < 15


@pytest.mark.parametrize(
    ("attribute", "values"),
    [
        ("TriggerTime", [f"{30 * k}" for k in range(12)]),
        ("TemporalPositionIdentifier", list(range(1, 13))),
        ("AcquisitionTime", [f"1013{k:02d}.5" for k in range(12)]),
        ("InstanceNumber", list(range(1, 13))),
    ],
)
def test_whatever_tells_the_frames_apart_orders_them(tmp_path, rng, foreign, attribute, values):
    frames = foreign.beating_heart(12, side=64)
    foreign.write_dicom_series(tmp_path, frames)
    blank = {"TriggerTime": None, "TemporalPositionIdentifier": 1, "AcquisitionTime": "101300"}
    places = rng.permutation(12)
    for place, path in zip(places, sorted(tmp_path.iterdir()), strict=True):
        image = dcmread(path)
        k = image.InstanceNumber - 1
        image.InstanceNumber = 100 - k
        for name, value in blank.items():
            setattr(image, name, value)
        setattr(image, attribute, values[k])
        image.save_as(tmp_path / f"x{place:02d}.dcm")
        path.unlink()

    np.testing.assert_allclose(read_cine(tmp_path).frames, frames, atol=1.01)


def test_a_zip_with_all_views_of_a_visit_gives_the_four_chamber_cine(tmp_path, foreign):
    frames = foreign.beating_heart(20, side=64)
    study, folder = generate_uid(), tmp_path / "20208"
    for name, orientation, brightness in (
        ("CINE_segmented_LAX_4Ch", TWO_CHAMBER, 10),
        ("CINE_segmented_LAX_2Ch", UPRIGHT, 0),
    ):
        facts = {"ImageOrientationPatient": orientation, "SeriesDescription": name}
        foreign.write_dicom_series(folder / name, frames + brightness, study=study, changes=facts)
    with zipfile.ZipFile(tmp_path / "1234567_20208_2_0.zip", "w") as archive:
        for number, path in enumerate(sorted(folder.rglob("*.dcm"))):
            archive.write(path, f"1.2.840.{number}.dcm")
        archive.writestr("manifest.cvs", "filename,patientid,series\n1.dcm,SECRET-1,x\n")

    series = read_cine(tmp_path / "1234567_20208_2_0.zip")

    np.testing.assert_allclose(series.frames, frames, atol=1.01)
    assert series.choice.reason.startswith("Cine 1 of 2") or "Cine 2 of 2" in series.choice.reason
    assert "1 two-chamber" in series.choice.reason


def test_phase_images_beside_the_magnitude_and_copies_are_left_out(tmp_path, foreign):
    frames = foreign.beating_heart(12, side=64)
    for kind, add in (("M", 0), ("P", 500)):
        foreign.write_dicom_series(
            tmp_path / kind, frames + add, series="1.2.3", study="1.2",
            changes={"ImageType": ["ORIGINAL", "PRIMARY", kind]},
        )  # fmt: skip
    (tmp_path / "copy.dcm").write_bytes((tmp_path / "M/003.dcm").read_bytes())

    np.testing.assert_allclose(read_cine(tmp_path).frames, frames, atol=1.01)


def test_two_images_at_every_time_are_refused(tmp_path, foreign):
    for name in "ab":
        foreign.write_dicom_series(
            tmp_path / name, foreign.beating_heart(12, side=64), series="1.2.3", study="1.2"
        )

    with pytest.raises(ReadError, match="24 images at 12 times"):
        read_cine(tmp_path)


def test_headers_that_announce_huge_images_are_refused(tmp_path, foreign):
    frames = foreign.beating_heart(12, side=64)
    foreign.write_dicom_series(tmp_path / "classic", frames)
    for changes, message in (
        ({"Rows": 65_000, "Columns": 65_000}, "65000"),
        ({"NumberOfFrames": 100_000}, "100000 frames"),
        ({"Rows": 2048, "Columns": 2048, "NumberOfFrames": 199}, "damaged"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "colour"),
    ):
        write_enhanced(tmp_path / "e.dcm", frames, changes=changes)
        with pytest.raises(ReadError, match=message):
            read_cine(tmp_path / "e.dcm")


@pytest.mark.parametrize("length", [3, 6, 0x3A])
def test_a_wrong_length_in_the_file_meta_information_is_refused(tmp_path, foreign, length):
    foreign.write_dicom_series(tmp_path, foreign.beating_heart(12, side=64))
    path = tmp_path / "004.dcm"
    whole = bytearray(path.read_bytes())
    whole[138] = length
    path.write_bytes(whole)

    with pytest.raises(ReadError):
        read_cine(tmp_path)
