// ECG paper: shows one of the sheets that ecg_sheet.py drew; legend, layout, calipers, cursor.

const LAYOUT_NAMES = { "3x4": "3 × 4", "6x2": "6 × 2", "12x1": "12 × 1" };
const MM_PER_SECOND = 25;
const MM_PER_MV = 10;
const LAST_MS = 1200;
const NARROW_PX = 560;
const SMALL_PX_PER_MM = 3.2;
const LEAST_PX_PER_MM = 6;
const MOST_PX_PER_MM = 9;
const SVG = "http://www.w3.org/2000/svg";

class EcgPaper {
  constructor(root) {
    this.root = root;
    this.hidden = new Set();
    this.choice = null;
    this.caliper = null;
    this.onCycle = (event) => this.sweep(event.detail);
    window.addEventListener("cmae-cycle", this.onCycle);
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(root);
  }

  destroy() {
    window.removeEventListener("cmae-cycle", this.onCycle);
    this.observer.disconnect();
  }

  update(data) {
    markTheme(this.root);
    if (data === this.data) return;
    const asked = `${data.layout}/${data.order}`;
    if (asked !== this.asked) {
      this.asked = asked;
      this.choice = { layout: data.layout, order: data.order, isChosen: false };
    }
    this.data = data;
    this.render();
  }

  get layout() {
    const { layout, isChosen } = this.choice;
    return !isChosen && layout === "3x4" && this.root.clientWidth < NARROW_PX ? "6x2" : layout;
  }

  render() {
    const layout = this.layout;
    const [width, height, content] = this.data.sheets[`${layout}/${this.choice.order}`];
    this.drawn = layout;
    this.size = [width, height];
    const isFocused = this.svg && this.root.getRootNode().activeElement === this.svg;
    this.reading = make("div", { class: "reading numbers", role: "status", hidden: true });
    this.sheet = make("div", { class: "sheet" });
    this.sheet.innerHTML =
      `<svg viewBox="0 0 ${width} ${height}" role="img" tabindex="0">` +
      `${this.data.definitions}${content}<g class="calipers"></g></svg>`;
    this.svg = this.sheet.firstElementChild;
    this.svg.setAttribute("aria-label", `${this.data.description}. Press Enter for calipers, arrows to move them.`);
    this.cursor = this.cursors(width);
    this.sheet.append(this.cursor, this.reading);
    this.root.replaceChildren(this.toolbar(layout), this.sheet);
    this.hidden.forEach((number) => this.show(number, false));
    this.listen();
    this.measure(null);
    this.fit();
    if (isFocused) this.svg.focus();
  }

  /** A line in each column, in a layer of their own: moving them repaints nothing. */
  cursors(width) {
    const { cell_mm: cell, margin_mm: margin } = this.data;
    const layer = make("div", { class: "cursor", "aria-hidden": "true", hidden: true });
    for (let left = margin; left < width; left += cell) layer.append(make("i", { style: `left: ${(left / width) * 100}%` }));
    return layer;
  }

  fit() {
    if (!this.svg) return;
    if (this.layout !== this.drawn) return void this.render();
    const [width, height] = this.size;
    const tall = (0.78 * window.innerHeight) / height;
    const most = Math.min(Math.max(tall, LEAST_PX_PER_MM), MOST_PX_PER_MM);
    this.root.style.maxWidth = `${Math.max(width * most, 640)}px`;
    this.sheet.style.maxWidth = `${width * most}px`;
    const scale = Math.min(this.root.clientWidth / width, most);
    this.sheet.style.setProperty("--mm", 1 / scale);
    this.sheet.classList.toggle("is-small", scale < SMALL_PX_PER_MM);
  }

  toolbar(layout) {
    const legend = make("div", { class: "legend", role: "group", "aria-label": "Traces" });
    this.data.traces.forEach(({ label, style }, number) => {
      const button = make("button", { type: "button", "aria-pressed": String(!this.hidden.has(number)), title: `Show or hide: ${label}` });
      button.innerHTML = `<svg viewBox="0 0 28 12" aria-hidden="true"><path class="trace ${style}" d="M0 6H28"/></svg>`;
      button.append(label);
      button.onclick = () => {
        const isShown = this.hidden.has(number);
        if (isShown) this.hidden.delete(number);
        else this.hidden.add(number);
        button.setAttribute("aria-pressed", String(isShown));
        this.show(number, isShown);
      };
      legend.append(button);
    });
    const layouts = make("div", { class: "group", role: "group", "aria-label": "Layout, rows × columns" });
    for (const [name, text] of Object.entries(LAYOUT_NAMES)) {
      const button = make("button", { type: "button", "aria-pressed": String(name === layout) }, text);
      button.onclick = () => this.choose({ layout: name });
      layouts.append(button);
    }
    const isCabrera = this.choice.order === "cabrera";
    const cabrera = make("button", { type: "button", "aria-pressed": String(isCabrera), title: "Limb leads by angle: aVL I −aVR II aVF III" }, "Cabrera");
    cabrera.onclick = () => this.choose({ order: isCabrera ? "clinical" : "cabrera", layout });
    return make("div", { class: "bar" }, legend, make("div", { class: "bar" }, layouts, cabrera));
  }

  choose(change) {
    Object.assign(this.choice, change, { isChosen: true });
    this.render();
    const pressed = "layout" in change && !("order" in change) ? ".group [aria-pressed=true]" : ".bar > .bar > button";
    this.root.querySelector(pressed)?.focus();
  }

  show(number, isShown) {
    this.svg.querySelectorAll(`[data-trace="${number}"]`).forEach((use) => { use.style.display = isShown ? "" : "none"; });
  }

  sweep({ group, phase_ms: phase, rr_ms: rr }) {
    if (!this.cursor || !this.data.group || group !== this.data.group) return;
    const cycle = rr || this.data.rr_ms;
    let time = this.data.r_peak_ms + phase;
    if (time > LAST_MS) time -= cycle;
    const isOnPaper = time >= 0 && time <= LAST_MS;
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
    const left = Math.min(Math.max(x0, x1) * scale + 8, this.sheet.clientWidth - this.reading.offsetWidth - 4);
    const top = Math.max(Math.min(y0, y1) * scale - this.reading.offsetHeight - 6, 4);
    this.reading.style.transform = `translate(${Math.max(left, 4)}px, ${top}px)`;
  }
}

const papers = new WeakMap();

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".ecg-paper");
  if (!papers.has(root)) papers.set(root, new EcgPaper(root));
  const paper = papers.get(root);
  paper.update(data);
  return () => { paper.destroy(); papers.delete(root); };
}
