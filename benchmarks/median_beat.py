"""Median beats of simulated ten-second rhythms: departure from the truth, rate, and speed."""

import sys
import time

from measuring import is_full, say

FULL, SMALL = 200, 30


def main() -> int:
    """Measure and print."""
    participants = FULL if is_full(__doc__ or "") else SMALL
    import numpy as np  # noqa: PLC0415

    from cmae.errors import ReadError  # noqa: PLC0415
    from cmae.readers.ecg_record import EcgRecord  # noqa: PLC0415
    from cmae.readers.median_beat import median_beat  # noqa: PLC0415
    from cmae.simulate.physiology import draw  # noqa: PLC0415
    from cmae.simulate.rhythm import RhythmSettings, departure_uv, record  # noqa: PLC0415

    hearts = draw(participants, seed=31).to_dict("records")
    for name, ectopic_share in (("sinus", 0.0), ("20 % ectopic", 0.2)):
        departures, rates, times = [], [], []
        refused = 0
        for number, heart in enumerate(hearts):
            rng = np.random.default_rng([31, number])
            settings = RhythmSettings(
                ectopic_share=ectopic_share,
                wander_mv=rng.uniform(0.1, 0.3),
                mains_mv=rng.uniform(0.0, 0.06),
                mains_hz=float(rng.choice((50.0, 60.0))),
            )
            rhythm = record(heart, rng, settings)
            foreign = EcgRecord(rhythm.signals.astype(np.float32), 500.0, "simulated")
            started = time.process_time()
            try:
                beat = median_beat(foreign)
            except ReadError:
                refused += 1
                continue
            times.append(time.process_time() - started)
            departures.append(departure_uv(beat.recording, rhythm))
            rates.append(abs(beat.heart_rate_bpm - rhythm.heart_rate_bpm))
        say(f"{name}: recordings", len(departures), "")
        say(f"{name}: refused", refused, "")
        say(f"{name}: departure from the truth, median", np.median(departures), "µV", "< 10")
        say(f"{name}: departure, 95 of 100", np.percentile(departures, 95), "µV", "< 10")
        say(f"{name}: share below 10 µV", 100 * np.mean(np.array(departures) < 10), "%")
        say(f"{name}: heart rate off by more than 2/min", 100 * np.mean(np.array(rates) > 2), "%")
        say(f"{name}: processor time a recording", 1000 * np.median(times), "ms", "<= 30")
    return 0


if __name__ == "__main__":
    sys.exit(main())
