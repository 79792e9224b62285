// One ECG sheet that ecg_sheet.py drew: its cursor, its calipers. Needs wire.js before it.

const MM_PER_SECOND = 25;
const MM_PER_MS = MM_PER_SECOND / 1000;
const MM_PER_MV = 10;
const SMALL_PX_PER_MM = 3.2;
const SVG = "http://www.w3.org/2000/svg";

/**
 * `drawing` is what `drawing` of ecg_sheet.py makes: {definitions, sheet: [width, height, content],
 * description, and FACTS}. Put `element` inside something of class `ecg-paper` that
 * `markTheme` has marked, then call `fit`.
 */
class EcgSheet {
  constructor({ definitions, sheet: [width, height, content], description, ...facts }) {
    this.size = [width, height];
    this.facts = facts;
    this.caliper = null;
    this.reading = make("div", { class: "reading numbers", role: "status", hidden: true });
    this.element = make("div", { class: "sheet" });
    this.element.innerHTML =
      `<svg viewBox="0 0 ${width} ${height}" role="img" tabindex="0">` +
      `${definitions}${content}<g class="calipers"></g></svg>`;
    this.svg = this.element.firstElementChild;
    this.svg.setAttribute("aria-label", `${description}. Press Enter for calipers, arrows to move them.`);
    this.cursor = this.cursors();
    this.element.append(this.cursor, this.reading);
    this.listen();
  }

  /** A line in each column, and one in each beat of a strip, in a layer of their own: moving them repaints nothing. */
  cursors() {
    const [width, height] = this.size;
    const { cell_mm: cell, margin_mm: margin } = this.facts;
    const strip = this.svg.querySelector(".strip")?.dataset;
    const split = strip ? (Number(strip.top) / height) * 100 : 100;
    const line = (left, ends) => make("i", { style: `left: ${(left / width) * 100}%; ${ends}` });
    const lines = [];
    for (let left = margin; left < width; left += cell) lines.push(line(left, `top: 0; bottom: ${100 - split}%`));
    for (let time = 0; strip && time < (width - margin) / MM_PER_MS; time += Number(strip.every)) {
      lines.push(line(margin + (time - Number(strip.start)) * MM_PER_MS, `top: ${split}%; bottom: 0`));
    }
    return make("div", { class: "cursor", "aria-hidden": "true", hidden: true }, ...lines);
  }

  /** Draw at most `most` pixels a millimetre in the room of `room` pixels. */
  fit(room, most) {
    const [width] = this.size;
    this.element.style.maxWidth = `${width * most}px`;
    const scale = Math.min(room / width, most);
    this.element.style.setProperty("--mm", 1 / scale);
    this.element.classList.toggle("is-small", scale < SMALL_PX_PER_MM);
  }

  show(number, isShown) {
    this.svg.querySelectorAll(`[data-trace="${number}"]`).forEach((use) => { use.style.display = isShown ? "" : "none"; });
  }

  /** Move the cursor to a phase of the heartbeat, in ms after the R peak; `cycle` is its length. */
  sweep(phase, cycle) {
    const { r_peak_ms: peak, beat_ms: last, before_r: before } = this.facts;
    const start = Math.max(0, peak - before * cycle);
    let time = peak + phase;
    if (time > Math.min(last, start + cycle)) time -= cycle;
    const isOnPaper = time >= 0 && time <= last;
    this.cursor.hidden = !isOnPaper;
    if (isOnPaper) this.cursor.style.transform = `translateX(${(time * MM_PER_SECOND) / 10 / this.size[0]}%)`;
  }

  listen() {
    const { svg } = this;
    const place = (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      return [Math.min(Math.max(point.x, 0), this.size[0]), Math.min(Math.max(point.y, 0), this.size[1])];
    };
    svg.onpointerdown = (event) => {
      if (event.button !== 0) return;
      svg.setPointerCapture(event.pointerId);
      this.from = place(event);
      this.measure(null);
    };
    svg.onpointermove = (event) => {
      if (!this.from) return;
      const to = place(event);
      if (Math.hypot(to[0] - this.from[0], to[1] - this.from[1]) > 0.5) this.measure([this.from, to]);
    };
    svg.onpointerup = svg.onpointercancel = () => { this.from = null; };
    svg.onkeydown = (event) => this.key(event);
  }

  key(event) {
    const move = { ArrowLeft: [-0.5, 0], ArrowRight: [0.5, 0], ArrowUp: [0, -0.5], ArrowDown: [0, 0.5] }[event.key];
    if (event.key === "Escape") this.measure(null);
    else if (event.key === "Enter") this.measure([[20, 15], [30, 25]]);
    else if (move && this.caliper) {
      const [from, to] = this.caliper;
      const shifted = (point) => [point[0] + move[0], point[1] + move[1]];
      this.measure([event.shiftKey ? shifted(from) : from, shifted(to)]);
    } else return;
    event.preventDefault();
    event.stopPropagation(); // else the page's own arrow keys lead to another participant
  }

  measure(caliper) {
    this.caliper = caliper;
    const layer = this.svg.querySelector(".calipers");
    layer.replaceChildren();
    this.reading.hidden = !caliper;
    if (!caliper) return;
    const [[x0, y0], [x1, y1]] = caliper;
    const [width, height] = this.size;
    const fill = document.createElementNS(SVG, "rect");
    const box = { class: "caliper-fill", x: Math.min(x0, x1), y: Math.min(y0, y1), width: Math.abs(x1 - x0), height: Math.abs(y1 - y0) };
    for (const [name, value] of Object.entries(box)) fill.setAttribute(name, value);
    const lines = document.createElementNS(SVG, "path");
    lines.setAttribute("class", "caliper");
    lines.setAttribute("d", `M${x0} 0V${height}M${x1} 0V${height}M${x0} ${y0}H${x1}M${x0} ${y1}H${x1}`);
    layer.append(fill, lines);
    const time = (Math.abs(x1 - x0) / MM_PER_SECOND) * 1000;
    const rate = time >= 100 ? ` · ${Math.round(60000 / time)} /min` : "";
    this.reading.textContent = `Δt ${Math.round(time)} ms · Δ ${((y0 - y1) / MM_PER_MV).toFixed(2).replace("-", "−")} mV${rate}`;
    const scale = this.svg.clientWidth / width;
    const left = Math.min(Math.max(x0, x1) * scale + 8, this.element.clientWidth - this.reading.offsetWidth - 4);
    const top = Math.max(Math.min(y0, y1) * scale - this.reading.offsetHeight - 6, 4);
    this.reading.style.transform = `translate(${Math.max(left, 4)}px, ${top}px)`;
  }
}
