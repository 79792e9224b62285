// Area curve: the left ventricle's area over the frames, in step with the cine player above it.

const INSET = 7; // as the thumb of the player's scrub bar is inset
const TOP = 4;
const BOTTOM = 4;
const SVG = "http://www.w3.org/2000/svg";

function draw(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

class AreaCurve {
  constructor(root) {
    this.root = root;
    this.phase = 0;
    this.onCycle = ({ detail }) => { if (this.data?.group && detail.group === this.data.group) this.sweep(detail.phase_ms / detail.rr_ms); };
    this.onWanted = ({ detail }) => { if (detail.name === this.data?.name) this.tellMarks(); };
    window.addEventListener("cmae-cycle", this.onCycle);
    window.addEventListener("cmae-marks-wanted", this.onWanted);
    this.observer = new ResizeObserver(() => this.render());
    this.observer.observe(root);
  }

  destroy() {
    window.removeEventListener("cmae-cycle", this.onCycle);
    window.removeEventListener("cmae-marks-wanted", this.onWanted);
    this.observer.disconnect();
  }

  update(data) {
    markTheme(this.root);
    if (data === this.data) return;
    this.data = data;
    this.frames = Math.max(2, ...data.curves.map(({ area_cm2: area }) => area?.length ?? 0));
    this.render();
    this.tellMarks();
  }

  /** Tell players when systole ends: they may come before or after their curve. */
  tellMarks() {
    const { name, curves: [{ es_frame }] } = this.data;
    window.dispatchEvent(new CustomEvent("cmae-marks", { detail: { name, es_frame } }));
  }

  place(frame) { return INSET + (frame / (this.frames - 1)) * (this.width - 2 * INSET); }

  render() {
    if (!this.data) return;
    this.width = this.root.clientWidth;
    const found = this.data.curves.filter(({ area_cm2: area }) => area);
    const all = found.flatMap(({ area_cm2: area }) => area);
    const [low, high] = all.length ? [Math.min(...all), Math.max(...all)] : [0, 1];
    const height = 80;
    const up = (area) => TOP + (1 - (area - low) / Math.max(high - low, 1e-6)) * (height - TOP - BOTTOM);
    const label = `Area of the left ventricle: ${this.data.curves.map((curve) => this.words(curve)).join("; ")}`;
    const chart = draw("svg", { class: "chart", viewBox: `0 0 ${this.width} ${height}`, role: "img", "aria-label": label });
    const systole = found[0]?.es_frame ?? null;
    chart.append(draw("path", { class: "axis", d: `M${INSET} ${height - 1}H${this.width - INSET}` }));
    if (systole !== null) chart.append(draw("path", { class: "systole", d: `M${this.place(systole)} 0V${height}` }));
    for (const { area_cm2: area, style } of found) {
      chart.append(draw("path", { class: style, d: `M${area.map((value, frame) => `${this.place(frame).toFixed(1)} ${up(value).toFixed(1)}`).join("L")}` }));
    }
    this.now = draw("path", { class: "now", d: `M0 0V${height}` });
    chart.append(this.now);
    chart.onpointerdown = (event) => { chart.setPointerCapture(event.pointerId); this.seek(event); };
    chart.onpointermove = (event) => { if (event.buttons & 1) this.seek(event); };
    const legend = make("div", { class: "legend" }, make("span", { class: "quiet" }, "LV area"));
    for (const curve of this.data.curves) {
      const entry = make("span", { class: "numbers" });
      entry.innerHTML = `<svg viewBox="0 0 24 8" aria-hidden="true"><path class="${curve.style}" d="M0 4H24"/></svg>`;
      entry.append(this.words(curve));
      legend.append(entry);
    }
    this.root.replaceChildren(chart, legend);
    this.sweep(this.phase);
  }

  words({ label, area_cm2: area, ef_percent: ef }) {
    if (!area) return `${label}: no cavity found`;
    return `${label} ${Math.max(...area).toFixed(1)}–${Math.min(...area).toFixed(1)} cm²${ef === null ? "" : `, EF ${ef.toFixed(0)} %`}`;
  }

  sweep(phase) {
    this.phase = phase;
    const frame = Math.min(phase * this.frames, this.frames - 1);
    this.now?.setAttribute("transform", `translate(${this.place(frame)} 0)`);
  }

  seek(event) {
    const { left, width } = this.root.getBoundingClientRect();
    const share = (event.clientX - left - INSET) / (width - 2 * INSET);
    const frame = Math.min(Math.max(share, 0), 1) * (this.frames - 1);
    window.dispatchEvent(new CustomEvent("cmae-seek", { detail: { group: this.data.group, frame } }));
  }
}

const curves = new WeakMap();

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".area-curve");
  if (!curves.has(root)) curves.set(root, new AreaCurve(root));
  curves.get(root).update(data);
  return () => { curves.get(root)?.destroy(); curves.delete(root); };
}
