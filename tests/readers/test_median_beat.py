from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cmae.errors import ReadError
from cmae.readers.ecg import read_ecg
from cmae.readers.ecg_cleaning import without_spikes
from cmae.readers.ecg_record import EcgRecord
from cmae.readers.heartbeats import beats_of
from cmae.readers.median_beat import median_beat
from cmae.readers.qrs_complex import independent
from cmae.simulate.physiology import draw
from cmae.simulate.rhythm import RhythmSettings, departure_uv, record


def record_of(signals, rate_hz=500.0):
    return EcgRecord(signals.astype(np.float32), rate_hz, "test")


def rms_uv(recording, truth):
    """Difference in µV over the beat's own cycle, before the next P wave begins."""
    return 1000 * np.sqrt(np.mean((recording - truth)[:480] ** 2))


@pytest.mark.parametrize("rate_hz", [100.0, 257.0, 500.0, 1000.0])
def test_median_beat_is_the_true_beat_at_any_rate(rng, foreign, rate_hz):
    truth = foreign.one_beat(500.0)

    beat = median_beat(record_of(foreign.rhythm(rng, rate_hz=rate_hz), rate_hz))

    assert rms_uv(beat.recording, truth) < (10 if rate_hz >= 250 else 25)
    assert int(np.argmax(beat.recording[:, 1])) == pytest.approx(200, abs=2)
    assert beat.heart_rate_bpm == pytest.approx(60 / 0.95, abs=2)
    assert beat.beats_used >= 8
    assert beat.correlation > 0.98
    assert beat.noise_uv < 40


def test_ectopic_beats_are_left_out(rng, foreign):
    truth = foreign.one_beat(500.0)

    beat = median_beat(record_of(foreign.rhythm(rng, seconds=12, ectopic_every=5)))

    assert rms_uv(beat.recording, truth) < 10
    assert beat.beats_rejected >= 2


def test_in_bigeminy_the_narrow_beat_is_taken(rng, foreign):
    beat = median_beat(record_of(foreign.rhythm(rng, seconds=12, ectopic_every=2)))

    assert rms_uv(beat.recording, foreign.one_beat(500.0)) < 20


def test_drift_and_mains_are_removed_without_bending_st(rng, foreign):
    signals = foreign.rhythm(rng)
    time = np.arange(len(signals))[:, None] / 500
    drift = 0.5 * np.sin(2 * np.pi * 0.2 * time + np.arange(12)) + 3.0
    hum = 0.1 * np.sin(2 * np.pi * 50.0 * time)

    plain = median_beat(record_of(signals)).recording
    beat = median_beat(record_of(signals + drift + hum)).recording

    assert rms_uv(beat, plain) < 15
    st_segment = slice(240, 270)
    assert np.abs(beat[st_segment] - plain[st_segment]).mean() < 0.01


def test_st_elevation_survives(rng, foreign):
    signals = foreign.rhythm(rng, noise_mv=0.005)
    lifted = signals.copy()
    peaks = [p for p in range(300, 4600) if signals[p, 1] == signals[p - 60 : p + 60, 1].max()]
    for peak in [p for p in peaks if signals[p, 1] > 0.8]:
        lifted[peak + 20 : peak + 90] += 0.3

    beat = median_beat(record_of(lifted)).recording - median_beat(record_of(signals)).recording

    assert beat[230:280].mean() == pytest.approx(0.3, abs=0.03)
    assert np.abs(beat[150:190]).mean() < 0.02


def test_a_fast_rhythm_shows_the_next_beat_where_it_comes(rng, foreign):
    beat = median_beat(record_of(foreign.rhythm(rng, rr_s=0.55))).recording

    assert beat[200, 1] == pytest.approx(1.2, abs=0.1)
    assert abs(int(np.argmax(beat[400:, 1])) + 400 - (200 + 275)) <= 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s[:900], r"lasts 1\.8 s"),
        (lambda s: np.where(np.arange(12) == 7, 0.0, s), "flat in lead V2"),
        (lambda s: np.where(np.arange(12) == 2, np.nan, s), "no values in much of lead III"),
        (lambda s: s * 1000, "volt|mV"),
        (lambda s: s * 0 + 1e-4 * np.sin(np.arange(len(s)))[:, None], "flat"),
    ],
)
def test_unusable_recordings_are_refused_with_the_reason(rng, foreign, change, message):
    with pytest.raises(ReadError, match=message):
        median_beat(record_of(change(foreign.rhythm(rng))))


def test_noise_alone_is_refused(rng):
    with pytest.raises(ReadError):
        median_beat(record_of(rng.normal(0, 0.1, (5000, 12))))


def test_a_few_missing_samples_are_bridged(rng, foreign):
    signals = foreign.rhythm(rng)
    signals[1000:1010, 3] = np.nan

    assert np.isfinite(median_beat(record_of(signals)).recording).all()


def test_the_devices_own_median_beat_looks_the_same(realdata: Path):
    from pydicom import dcmread

    path = realdata / "ecg/dicom/waveform_ecg.dcm"
    device = dcmread(path).waveform_array(1)[::2] / 1000

    ours = median_beat(read_ecg(path)).recording

    together = np.concatenate([ours[130:470], device[180:520]], axis=1)
    between = np.corrcoef(together.T)[np.arange(12), np.arange(12, 24)]
    assert between.min() >= 0.98
    assert np.median(between) > 0.99


def test_real_records_give_a_beat_or_the_reason(realdata: Path):
    beats, refused = [], []
    for header in sorted((realdata / "ecg/cinc2021").glob("*.hea")):
        try:
            beats.append(median_beat(read_ecg(header)))
        except ReadError as error:
            refused.append(str(error))

    assert refused == ["The ECG is flat in leads V2, V4, V6: was an electrode off?"] * 2
    assert len(beats) == 23
    for beat in beats:
        assert beat.recording.shape == (600, 12)
        assert beat.correlation > 0.9
        assert beat.beats_used > beat.beats_rejected
        assert 38 < beat.heart_rate_bpm < 140
        qrs = np.abs(beat.recording[180:220]).max()
        assert np.abs(beat.recording[:100]).max() < 0.4 * qrs


def departures(number, *, ectopic_share, seed=29):
    """Departure in µV and error of the heart rate a minute of simulated ten-second rhythms."""
    found, rates = [], []
    for place, heart in enumerate(draw(number, seed=seed).to_dict("records")):
        rng = np.random.default_rng([seed, place])
        settings = RhythmSettings(
            ectopic_share=ectopic_share,
            wander_mv=rng.uniform(0.1, 0.3),
            mains_mv=rng.uniform(0.0, 0.06),
            mains_hz=float(rng.choice((50.0, 60.0))),
        )
        rhythm = record(heart, rng, settings)
        beat = median_beat(record_of(rhythm.signals))
        found.append(departure_uv(beat.recording, rhythm))
        rates.append(abs(beat.heart_rate_bpm - rhythm.heart_rate_bpm))
    return np.array(found), np.array(rates)


@pytest.mark.parametrize("ectopic_share", [0.0, 0.2])
def test_simulated_rhythms_give_their_true_beat(ectopic_share):
    found, _ = departures(6, ectopic_share=ectopic_share)

    assert np.median(found) < 8
    assert found.max() < 25


@pytest.mark.slow
@pytest.mark.parametrize(("ectopic_share", "share_below"), [(0.0, 0.93), (0.2, 0.93)])
def test_many_simulated_rhythms_give_their_true_beat(ectopic_share, share_below):
    found, rates = departures(200, ectopic_share=ectopic_share)

    assert np.median(found) < 6
    assert np.mean(found < 10) >= share_below
    assert np.mean(rates < 2) >= (0.92 if ectopic_share else 1.0)


def test_the_level_is_that_of_the_pr_segment_where_noise_hides_the_onset():
    heart = draw(200, seed=101).iloc[54].to_dict()
    rng = np.random.default_rng([101, 54])
    settings = RhythmSettings(ectopic_share=0.2, wander_mv=rng.uniform(0.1, 0.3))
    settings = replace(settings, mains_mv=rng.uniform(0.0, 0.06))
    rng.choice((50.0, 60.0))
    rhythm = record(heart, rng, settings)

    beat = median_beat(record_of(rhythm.signals))

    assert departure_uv(beat.recording, rhythm) < 18  # 31 with the onset found in the noise


def test_a_few_beats_keep_nothing_of_the_breath():
    drawn = draw(200, seed=101)
    slow = drawn[(drawn.rr_ms > 1150) & (drawn.atrial_fibrillation == 0)].head(8)
    settings = RhythmSettings(ectopic_share=0.2, wander_mv=0.3, mains_mv=0.0)
    found = []
    for place, heart in slow.iterrows():
        rhythm = record(heart.to_dict(), np.random.default_rng(place), settings)
        found.append(departure_uv(median_beat(record_of(rhythm.signals)).recording, rhythm))

    assert len(found) == 8
    assert max(found) < 10  # 26 where the drift is splines alone


@pytest.mark.parametrize("wander_mv", [0.0, 0.2])
def test_without_noise_the_beat_is_the_true_one(wander_mv):
    quiet = RhythmSettings(noise_mv=0.0, wander_mv=wander_mv, mains_mv=0.0, modulation=0.0)
    found = []
    for place, heart in enumerate(draw(8, seed=29).to_dict("records")):
        rhythm = record({**heart, "atrial_fibrillation": 0}, np.random.default_rng(place), quiet)
        beat = median_beat(record_of(rhythm.signals))
        found.append(departure_uv(beat.recording, rhythm))

    assert np.median(found) < (2 if wander_mv else 1)
    assert max(found) < (6 if wander_mv else 5)


def test_leads_that_break_einthovens_law_stay_as_they_were_recorded(rng, foreign):
    signals = foreign.rhythm(rng)
    signals[:, 2] = -signals[:, 2]
    limbs = median_beat(record_of(foreign.rhythm(rng))).recording

    beat = median_beat(record_of(signals)).recording

    assert np.abs(beat[:, 2] + limbs[:, 2]).max() < 0.05
    assert np.abs(beat[:, 1] - beat[:, 0] - beat[:, 2]).max() > 0.1


def test_tips_of_tall_narrow_waves_are_no_stimuli(foreign):
    signals = foreign.rhythm(np.random.default_rng(0), noise_mv=0.0)
    time = np.arange(600) - 200
    tall = -2.6 * np.exp(-0.5 * ((time - 10) / 3.0) ** 2)
    peaks = [p for p in range(300, 4600) if signals[p, 1] == signals[p - 60 : p + 60, 1].max()]
    for peak in peaks:
        signals[peak - 200 : peak + 400, 8] += tall

    beat = median_beat(record_of(signals)).recording - foreign.one_beat(500.0)

    assert beat[195:225, 8].min() == pytest.approx(-2.6, abs=0.1)


def test_an_irregular_rhythm_is_told_and_a_regular_one_is(rng, foreign):
    heart = draw(1, seed=11).iloc[0].to_dict()
    fibrillating = record(
        heart | {"atrial_fibrillation": 1, "pr_ms": np.nan}, rng, RhythmSettings()
    )

    assert median_beat(record_of(fibrillating.signals)).is_irregular
    regular = median_beat(record_of(foreign.rhythm(rng)))
    assert not regular.is_irregular
    assert 5 < regular.rr_sd_ms < 40


def test_rejected_beats_have_their_reasons(rng, foreign):
    signals = foreign.rhythm(rng, seconds=12, ectopic_every=5)
    whole = median_beat(record_of(signals))
    assert whole.beats_ectopic == 2
    assert whole.beats_rejected - whole.beats_ectopic - whole.beats_cut <= 1

    disturbed = foreign.rhythm(rng, seconds=12)
    disturbed[2900:3150] += 1.5 * rng.normal(size=(250, 12))
    beat = median_beat(record_of(disturbed))
    assert beat.beats_rejected - beat.beats_ectopic - beat.beats_cut >= 1
    assert rms_uv(beat.recording, foreign.one_beat(500.0)) < 12


def test_a_burst_in_one_lead_does_not_spoil_the_beat(rng, foreign):
    signals = foreign.rhythm(rng)
    signals[1500:2500, 8] += rng.normal(0, 1.0, 1000)

    beat = median_beat(record_of(signals))

    assert beat.heart_rate_bpm == pytest.approx(60 / 0.95, abs=2)
    assert rms_uv(np.delete(beat.recording, 8, 1), np.delete(foreign.one_beat(500), 8, 1)) < 12


@pytest.mark.parametrize("rate_hz", [500.0, 1000.0])
def test_pacing_stimuli_are_no_beats_and_leave_no_trace(rng, foreign, rate_hz):
    signals = foreign.rhythm(rng, rate_hz=rate_hz, noise_mv=0.005)
    plain = median_beat(record_of(signals, rate_hz))
    spiked = signals.copy()
    step = int(0.95 * rate_hz)
    for start in range(int(0.1 * rate_hz), len(signals) - 2, step):
        spiked[start : start + max(int(0.001 * rate_hz), 1)] += 4.0

    beat = median_beat(record_of(spiked, rate_hz))

    assert beat.heart_rate_bpm == pytest.approx(plain.heart_rate_bpm, abs=0.5)
    assert rms_uv(beat.recording, plain.recording) < 8


def test_three_seconds_are_enough(rng, foreign):
    beat = median_beat(record_of(foreign.rhythm(rng, seconds=3.2)))

    assert beat.beats_used >= 2
    assert rms_uv(beat.recording, foreign.one_beat(500.0)) < 20


@pytest.mark.parametrize("rr_s", [0.34, 0.5, 1.8])
def test_very_fast_and_slow_rates_are_counted(rng, foreign, rr_s):
    beat = median_beat(record_of(foreign.rhythm(rng, rr_s=rr_s)))

    assert beat.heart_rate_bpm == pytest.approx(60 / rr_s, rel=0.03)


def test_a_calibration_pulse_is_no_beat(rng, foreign):
    signals = foreign.rhythm(rng)
    pulse = np.zeros((500, 12))
    pulse[150:250] = 1.0

    plain, calibrated = (
        median_beat(record_of(part)) for part in (signals, np.concatenate([signals, pulse]))
    )

    assert calibrated.heart_rate_bpm == pytest.approx(plain.heart_rate_bpm, abs=0.1)
    assert rms_uv(calibrated.recording, plain.recording) < 1


def test_early_ectopic_beats_at_both_ends_are_found(rng, foreign):
    spaced = foreign.rhythm(rng, seconds=14, ectopic_every=5)
    found = beats_of(independent(spaced))
    ectopic = found.peaks[found.is_ectopic]
    signals = spaced[ectopic[0] - 260 : ectopic[-1] + 160]

    again = beats_of(independent(signals))

    assert len(ectopic) >= 2
    assert again.peaks[[0, -1]] == pytest.approx([260, len(signals) - 160], abs=15)
    assert not again.is_dominant[[0, -1]].any()


def test_steep_notches_of_a_qrs_complex_are_no_stimuli():
    heart = draw(300, seed=907).iloc[274].to_dict()
    rng = np.random.default_rng([907, 274])
    settings = RhythmSettings(wander_mv=rng.uniform(0.1, 0.3), mains_mv=rng.uniform(0.0, 0.06))
    rng.choice((50.0, 60.0))
    rhythm = record(heart, rng, settings)

    np.testing.assert_array_equal(without_spikes(rhythm.signals, 500.0), rhythm.signals)


def test_what_no_beat_explains_does_not_bend_the_drift(rng, foreign):
    signals = foreign.rhythm(rng, seconds=6)
    strange = signals.copy()
    for start in (700, 1900):
        strange[start : start + 300] += np.linspace(-2, 2, 12) * np.hanning(300)[:, None]

    plain, beat = (median_beat(record_of(part)).recording for part in (signals, strange))

    assert rms_uv(beat, plain) < 130  # twice that if it counts in full


def hearts(fibrillating, count):
    """Factors of some simulated hearts with or without atrial fibrillation."""
    drawn = draw(1200, seed=4)
    return drawn[(drawn.atrial_fibrillation > 0) == fibrillating].head(count).to_dict("records")


@pytest.mark.parametrize("fibrillating", [True, False])
def test_atrial_fibrillation_has_no_p_wave(rng, fibrillating):
    for heart in hearts(fibrillating, 6):
        variation = RhythmSettings(rr_variation=0.17)
        rhythm = record(heart, rng, variation)

        beat = median_beat(record_of(rhythm.signals))

        assert beat.is_irregular
        assert beat.lacks_p == fibrillating
