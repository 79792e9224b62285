"""ECG sheets: true scale, leads where they belong, colors that stay apart."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from app.components.ecg_beats import CELL_MM, Trace, cycle_ms
from app.components.ecg_sheet import (
    LAYOUTS,
    MARGIN_MM,
    PAPERS,
    color_variables,
    drawing,
    ecg_svg,
    leads_in,
    sheet,
)
from cmae.data.modality import LEADS
from cmae.errors import InputError

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def beat():
    """A spike of height 0.1 mV × (lead + 1) at 0.4 s on a flat line; lead aVR points down."""
    signals = np.zeros((600, 12), np.float32)
    signals[200] = 0.1 * np.arange(1, 13)
    signals[200, 3] *= -1
    return signals


def _corners(root, identifier):
    """Return the corners of a path of definitions, in 0.01 mm."""
    path = next(p for p in root.iter(f"{SVG}path") if p.get("id") == identifier)
    numbers = np.array([int(n) for n in re.findall(r"-?\d+", path.get("d"))]).reshape(-1, 2)
    return np.cumsum(numbers, axis=0)


def _faint(root, identifier):
    """Return where each faint part of a trace begins and ends, in ms."""
    group = next(g for g in root.iter(f"{SVG}g") if g.get("id") == identifier)
    parts = [p.get("d") for p in group if p.get("class") == "beyond"]
    runs = [part for text in parts for part in re.findall(r"M[^M]+", text)]
    ends = []
    for run in runs:
        x = np.cumsum([int(n) for n in re.findall(r"-?\d+", run)][::2])
        ends.append((x[0] / 2.5, x[-1] / 2.5))
    return ends


def test_a_millivolt_is_ten_millimetres_and_a_second_twenty_five(beat):
    root = ElementTree.fromstring(ecg_svg([Trace(beat, "recorded")]))
    for k, lead in enumerate(LEADS):
        x, y = _corners(root, f"c0-{lead}").T / 100
        assert x[200] == pytest.approx(0.4 * 25)
        assert x[-1] == pytest.approx(599 * 0.002 * 25)
        np.testing.assert_allclose(y[200], -10 * beat[200, k], atol=0.006)
        np.testing.assert_allclose(np.delete(y, 200), 0, atol=1e-9)


def test_the_calibration_pulse_is_one_millivolt_by_a_fifth_of_a_second(beat):
    svg = ecg_svg([Trace(beat, "recorded")])
    pulses = re.findall(r'class="pulse" d="M[\d.]+ [\d.]+h1v-10h5v10h1"', svg)
    assert len(pulses) == 3
    assert 5 / 25 == 0.2


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_leads_run_down_the_columns(beat, layout):
    rows, columns = LAYOUTS[layout]
    width, height, content = sheet([Trace(beat, "r")], layout=layout, order="clinical")
    assert width == MARGIN_MM + columns * CELL_MM
    uses = re.findall(r'href="#t0-(\w+)" transform="translate\(([\d.]+) ([\d.]+)\)', content)
    assert len(uses) == 12
    places = {lead: (float(x), float(y)) for lead, x, y in uses}
    down_the_columns = sorted(places, key=lambda lead: places[lead])
    assert down_the_columns == list(LEADS)
    assert len({y for _, y in places.values()}) == rows
    assert "no recorded rhythm" not in content  # without an RR interval there is no strip
    assert all(y % 5 == 0 and 0 < y < height for _, y in places.values())


def test_cabrera_turns_avr_over_and_orders_by_angle(beat):
    assert leads_in("cabrera")[:6] == ("aVL", "I", "-aVR", "II", "aVF", "III")
    _, _, content = sheet([Trace(beat, "r")], layout="12x1", order="cabrera")
    flips = dict(re.findall(r'#t0-(\w+)" transform="[^"]*scale\(\.01 (-?[\d.]+)\)', content))
    assert float(flips["aVR"]) == -0.01
    assert all(float(scale) == 0.01 for lead, scale in flips.items() if lead != "aVR")
    assert ">−aVR<" in content


def test_rows_move_apart_so_that_beats_do_not_meet(beat):
    signals = np.zeros((600, 12))
    signals[200, 6], signals[200, 7] = -2.4, 2.2  # V1 down, V2 below it up
    _, _, content = sheet([Trace(signals, "r")], layout="3x4", order="clinical")
    ys = dict(re.findall(r'#t0-(V\d)" transform="translate\([\d.]+ ([\d.]+)\)', content))
    assert float(ys["V2"]) - float(ys["V1"]) >= 46


def test_the_residual_lies_in_a_strip_of_its_own(beat):
    traces = [Trace(beat, "r"), Trace(beat * 0.1, "difference", "residual")]
    _, _, content = sheet(traces, layout="3x4", order="clinical")
    main = re.search(r'#t0-II" transform="translate\([\d.]+ ([\d.]+)\)', content)
    strip = re.search(r'#t1-II" transform="translate\([\d.]+ ([\d.]+)\)', content)
    assert float(strip[1]) - float(main[1]) >= 10
    below = re.search(r'#t0-V6" transform="translate\([\d.]+ ([\d.]+)\)', content)
    highest = float(below[1]) - 10 * beat[200, 9:].max()
    assert float(strip[1]) + 5 <= highest


def test_labels_cannot_smuggle_markup(beat):
    svg = ecg_svg([Trace(beat, "<script>alert(1)</script> & co")])
    assert "<script>" not in svg
    assert ElementTree.fromstring(svg).find(f"{SVG}title").text.endswith("& co")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_traces_stand_out_from_the_paper(theme):
    def luminance(color):
        share = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    paper = luminance(PAPERS[theme]["paper"])
    for name in ("ink", "reconstructed", "translated", "residual", "quiet"):
        ink = luminance(PAPERS[theme][name])
        contrast = (max(paper, ink) + 0.05) / (min(paper, ink) + 0.05)
        assert contrast >= 4.5, name


def test_page_and_file_share_their_colors(beat):
    assert PAPERS["dark"]["translated"] in color_variables()
    assert PAPERS["dark"]["translated"] in ecg_svg([Trace(beat, "r")], is_dark=True)


@pytest.mark.parametrize("shape", [(600, 8), (5000, 12), (2, 600, 12)])
def test_other_shapes_are_refused_in_a_sentence(shape):
    with pytest.raises(InputError, match="recorded"):
        ecg_svg([Trace(np.zeros(shape, np.float32), "recorded")])


def test_no_trace_is_refused():
    with pytest.raises(InputError, match="at least one"):
        ecg_svg([])


def test_a_band_is_the_outline_of_its_interval_behind_the_lines(beat):
    low, high = beat - 0.05, beat + 0.1
    svg = ecg_svg([Trace(beat, "A", "first", band=(low, high)), Trace(beat, "B", "second")])
    root = ElementTree.fromstring(svg)
    for k, lead in enumerate(LEADS):
        x, y = _corners(root, f"b0-{lead}").T / 100
        np.testing.assert_allclose(y[:600], -10 * high[:, k], atol=0.006)
        np.testing.assert_allclose(y[600:][::-1], -10 * low[:, k], atol=0.006)
        np.testing.assert_allclose(x[:600], x[600:][::-1])
    assert 'id="b1-' not in svg
    classes = re.findall(r'<use class="(band|trace) ', svg)
    assert classes == ["band", "trace", "trace"] * 12


def test_a_band_of_another_shape_is_named(beat):
    with pytest.raises(InputError, match="The trace 'A'"):
        ecg_svg([Trace(beat, "A", "first", band=(beat[:-1], beat))])


def test_a_drawing_holds_one_sheet_and_where_its_cursor_starts(beat):
    drawn = drawing([Trace(beat, "recorded")], layout="6x2", order="cabrera")
    assert drawn["sheet"] == sheet([Trace(beat, "recorded")], layout="6x2", order="cabrera")
    assert drawn["r_peak_ms"] == 400
    assert 't0-aVR"' in drawn["definitions"]


@pytest.mark.parametrize(
    ("rr_ms", "faint"),
    [(600.0, [(0, 160), (760, 1198)]), (800.0, [(0, 80), (880, 1198)]), (1250.0, [])],
)
def test_what_lies_beyond_one_rr_interval_is_faint_and_said(beat, rr_ms, faint):
    svg = ecg_svg([Trace(beat, "recorded")], rr_ms=rr_ms)
    root = ElementTree.fromstring(svg)
    assert _faint(root, "t0-V3") == faint
    assert ("faint: beyond one RR interval" in svg) == bool(faint)
    start, end = cycle_ms(rr_ms)
    assert start < 400 < end
    x = _corners(root, "c0-V3")[:, 0] / 2.5
    assert (x[0], x[-1]) == pytest.approx((start, min(end, 1198)))


def test_without_an_rr_interval_nothing_is_faint(beat):
    root = ElementTree.fromstring(ecg_svg([Trace(beat, "recorded")]))
    assert _faint(root, "t0-II") == []


def test_the_strip_repeats_one_heartbeat_at_the_rr_interval_and_says_so(beat):
    traces = [Trace(beat, "r"), Trace(beat * 0.5, "decoded", "reconstructed")]
    _, height, content = sheet(traces, layout="3x4+II", order="clinical", rr_ms=800.0)
    assert height > sheet(traces, layout="3x4", order="clinical", rr_ms=800.0)[1] + 10
    beats = re.findall(r'href="#c0-II" transform="translate\(([\d.]+)', content)
    assert np.diff([float(x) for x in beats]) == pytest.approx([800 * 0.025] * 5)
    # The first beat starts where its heartbeat does: 80 ms into the recording.
    assert float(beats[0]) == pytest.approx(MARGIN_MM - 80 * 0.025)
    assert "every 800 ms: no recorded rhythm" in content
