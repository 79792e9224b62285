"""Files become rows: recordings, measures, and what quality says of them."""

from cmae.measure.electrocardiogram import measured_values
from cmae.readers.recordings import EcgOptions, ecg_rows


def test_the_device_is_asked_for_only_where_the_file_has_its_beat(tmp_path, rng, foreign):
    header = foreign.write_wfdb(tmp_path, foreign.rhythm(rng, seconds=5, noise_mv=0.001))

    (row,) = ecg_rows(header, EcgOptions(has_device_beat=True))

    assert row.values["ecg_beat_source"] == "computed"
    assert row.recordings["ecg"].shape == (600, 12)
    assert row.flags == []


def test_measures_of_the_beat_stand_where_the_device_has_none(tmp_path, rng, foreign):
    header = foreign.write_wfdb(tmp_path, foreign.rhythm(rng, seconds=5, noise_mv=0.001))

    (row,) = ecg_rows(header, EcgOptions(measure=measured_values))

    expected = measured_values(row.recordings["ecg"], row.values["ecg_rr_ms"])
    assert {name: row.values[name] for name in expected} == expected
    assert 20 < expected["qrs_ms"] < 120
    assert set(expected) <= set(row.columns)
