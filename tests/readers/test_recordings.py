"""Files become rows: recordings, measures, and what quality says of them."""

import numpy as np

from cmae.measure.electrocardiogram import measured_values
from cmae.readers.recordings import EcgOptions, ecg_rows
from cmae.simulate.physiology import draw
from cmae.simulate.rhythm import RhythmSettings, record


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


def test_no_p_wave_is_measured_where_the_atria_fibrillate(tmp_path, foreign):
    drawn = draw(1200, seed=4)
    fibrillating = drawn[drawn.atrial_fibrillation > 0].head(8).to_dict("records")
    measured = []
    for number, heart in enumerate(fibrillating):
        rhythm = record(heart, np.random.default_rng(number), RhythmSettings())
        header = foreign.write_wfdb(tmp_path, rhythm.signals, name=f"rec{number}")
        (row,) = ecg_rows(header, EcgOptions(measure=measured_values))
        assert row.values["ecg_is_irregular"] == 1
        assert not {"pr_ms", "p_duration_ms", "p_axis_deg"} & set(row.values)
        assert not {"pr_ms", "p_duration_ms", "p_axis_deg"} & set(row.columns)
        measured.append(measured_values(row.recordings["ecg"], row.values["ecg_rr_ms"]))

    assert any("pr_ms" in values for values in measured)  # the beat alone looks as if it had a P
