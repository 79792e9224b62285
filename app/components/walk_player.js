// Walk player: one slider over all decoded points of a walk; pictures, trust and words follow at once.

const PLAY = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M4 2.5v11l9-5.5z"/></svg>';
const PAUSE = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z"/></svg>';
const HEART = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 14S1.5 10 1.5 5.6A3.4 3.4 0 0 1 8 4a3.4 3.4 0 0 1 6.5 1.6C14.5 10 8 14 8 14z"/></svg>';
const LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"];
const LEVELS = ["among", "sparse", "outside"];
const LEVEL_WORDS = ["Among real hearts", "Few hearts near here", "Outside the data"];
const UNITS_PER_MV = 1000; // hundredths of a millimetre of paper
const MOST_UNITS = 9999;
const UNITS_PER_SAMPLE = 5;
const WALK_MS = 6000;
const NARROW_PX = 760;
const ECG_TALL_PX = 392;
const MOST_PX_PER_MM = 6.5;

class WalkPlayer {
  constructor(root) {
    this.root = root;
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", "Walk through the latent space");
    this.clock = new CineClock(() => this.beat());
    this.contrast = AS_RECORDED;
    this.paths = new Map();
    this.isDifferent = false;
    this.isVisible = true;
    this.resize = new ResizeObserver(() => this.fit());
    this.seen = new IntersectionObserver(([entry]) => { this.isVisible = entry.isIntersecting; });
    this.resize.observe(root);
    this.seen.observe(root);
    this.onAsk = ({ detail }) => { if (detail.group === this.header?.group) this.announce(); };
    window.addEventListener("cmae-walk-ask", this.onAsk);
    root.onkeydown = (event) => this.key(event);
  }

  destroy() {
    this.clock.play(false);
    this.walkOn(false);
    this.resize.disconnect();
    this.seen.disconnect();
    window.removeEventListener("cmae-walk-ask", this.onAsk);
  }

  update(data, ask) {
    this.ask = ask;
    const isDark = markTheme(this.root);
    if (data !== this.data) this.load(data);
    if (isDark !== this.isDark || data !== this.data) {
      this.isDark = isDark;
      this.data = data;
      this.recolor();
    }
  }

  load(data) {
    const { header, arrays } = unpack(data);
    const isFirst = !this.header;
    this.header = header;
    this.arrays = arrays;
    this.paths.clear();
    this.place = header.start;
    this.build();
    this.walkOn(false);
    this.clock.setCycle(header.rr_ms);
    this.fit();
    this.beatOn(isFirst ? !isMotionReduced() : this.clock.isPlaying);
    this.go(header.start);
  }

  // What is on the page -----------------------------------------------------------------------

  build() {
    const { cine, sheets } = this.header;
    const parts = [];
    this.screens = [];
    this.paper = null;
    if (sheets) {
      this.paper = make("div");
      const key = make("span", { class: "key quiet" }, make("i", { class: "now" }), "this point ", make("i", { class: "then" }), this.header.start_name);
      this.ecg = make("div", { class: "ecg ecg-paper" }, make("div", { class: "caption" }, "ECG", key), this.paper);
      markTheme(this.ecg);
      parts.push(this.ecg);
    }
    if (cine) parts.push(...this.hearts(cine));
    this.scene = make("div", { class: "scene" }, ...parts, this.about());
    this.scene.classList.toggle("is-single", !(cine && sheets));
    this.root.replaceChildren(this.scene, this.controls());
  }

  hearts(cine) {
    const { arrays: { cine: pixels } } = this;
    const entry = { ...cine, note: "" };
    this.now = new CineScreen({ ...entry, label: "this point" }, pixels);
    this.then = new CineScreen({ ...entry, label: this.header.start_name, marks: [] }, pixels);
    const size = { label: "this point − start", kind: "difference", unit: "SD", low: -cine.most, high: cine.most, marks: [] };
    this.change = new CineScreen({ ...entry, ...size }, new Uint8Array(cine.frames * cine.rows * cine.columns));
    this.screens = [this.now, this.then, this.change];
    this.now.element.classList.add("now");
    this.badge = make("div", { class: "badge", hidden: true }, "outside the data");
    this.now.box.append(this.badge);
    const beside = make("div", { class: "beside" }, this.then.element, this.change.element);
    for (const screen of [this.now, this.then]) this.listenForWindow(screen.canvas);
    return [make("div", { class: "heart" }, this.now.element), beside];
  }

  about() {
    this.where = make("div", { class: "where numbers" });
    this.level = make("div", { class: "level" });
    this.near = make("p", { class: "quiet" });
    this.neighbour = make("button", { type: "button", class: "neighbour", title: "See this real heart" });
    this.neighbour.onclick = () => this.ask("heart", this.header.rows[this.place]);
    this.pulse = make("button", { type: "button", class: "pulse-button", hidden: !this.header.cine && !this.header.sheets });
    this.pulse.onclick = () => this.beatOn(!this.clock.isPlaying);
    return make("div", { class: "about" }, this.where, this.level, this.near,
      make("div", {}, make("div", { class: "caption quiet" }, "Nearest real heart"), this.neighbour), this.pulse);
  }

  controls() {
    const { labels, ticks, steps, warning, ends } = this.header;
    this.button = make("button", { type: "button", class: "play" });
    this.button.onclick = () => this.walkOn(!this.isWalking);
    this.slider = make("input", { type: "range", min: 0, max: labels.length - 1, step: 1, "aria-label": "Point of the walk" });
    this.slider.oninput = () => { this.walkOn(false); this.go(Number(this.slider.value)); };
    this.strip = make("div", { class: "strip", role: "img", "aria-label": warning });
    this.strip.innerHTML = this.drawStrip();
    const marks = ticks.map(([step, text]) => {
      const tick = make("span", { class: `tick${step === steps[this.header.start] ? " is-start" : ""}` }, text);
      tick.style.left = `${this.along(step) * 100}%`;
      return tick;
    });
    const gates = ends.filter((end) => end !== null).map((end) => {
      const gate = make("i", { class: "gate" });
      gate.style.left = `${this.along(end) * 100}%`;
      return gate;
    });
    this.needle = make("i", { class: "needle" });
    this.strip.append(...gates, this.needle);
    const isLeaving = ends.some((end) => end !== null);
    return make("div", { class: "walk" }, this.button,
      make("div", { class: "track" }, this.slider, this.strip, make("div", { class: "ticks quiet numbers", "aria-hidden": "true" }, ...marks)),
      make("p", { class: `warning${isLeaving ? " is-leaving" : ""}` }, warning));
  }

  /** Where a step lies along the slider, 0 to 1. */
  along(step) {
    const { steps } = this.header;
    const share = (step - steps[0]) / (steps[steps.length - 1] - steps[0]);
    return Math.min(Math.max(share, 0), 1);
  }

  /** The crowd of real hearts along the walk, in the color of how near they are. */
  drawStrip() {
    const { levels } = this.header;
    const { crowd } = this.arrays;
    const most = Math.max(1, ...crowd);
    const tall = (count) => 38 - 36 * Math.sqrt(count / most);
    const points = [...crowd].map((count, k) => `${((k + 0.5) / crowd.length) * 1000} ${tall(count).toFixed(2)}`);
    const stops = levels.map((level, k) => `<stop offset="${k / Math.max(levels.length - 1, 1)}" class="${LEVELS[level]}"/>`);
    const line = `M0 ${tall(crowd[0]).toFixed(2)}L${points.join("L")}L1000 ${tall(crowd[crowd.length - 1]).toFixed(2)}`;
    return `<svg viewBox="0 0 1000 40" preserveAspectRatio="none" aria-hidden="true"><defs><linearGradient id="levels">${stops.join("")}</linearGradient></defs>` +
      `<rect class="bed" width="1000" height="40" fill="url(#levels)"/><path class="crowd" d="${line}V40H0Z" fill="url(#levels)"/></svg>`;
  }

  fit() {
    if (!this.header) return;
    const isNarrow = this.root.clientWidth < NARROW_PX;
    this.root.classList.toggle("is-narrow", isNarrow);
    if (this.paper) {
      const layout = isNarrow ? "6x2" : "3x4";
      if (layout !== this.layout || !this.paper.firstChild || this.sheet?.element.parentNode !== this.paper) {
        this.layout = layout;
        this.sheet = new EcgSheet(this.header.sheets[layout]);
        this.paper.replaceChildren(this.sheet.element);
        this.trace();
      }
      const [width, height] = this.sheet.size;
      const most = isNarrow ? MOST_PX_PER_MM : Math.min(MOST_PX_PER_MM, ECG_TALL_PX / height);
      this.scene.style.setProperty("--ecg", `${Math.round(width * most)}px`);
      this.sheet.fit(this.paper.clientWidth, most);
    }
    for (const screen of this.screens) screen.fit();
    this.draw();
  }

  recolor() {
    for (const screen of this.screens) screen.color(this.contrast, this.isDark);
    if (this.paper) markTheme(this.ecg);
    this.draw();
  }

  // Along the walk ----------------------------------------------------------------------------

  go(place) {
    const { labels, levels, trust, neighbours } = this.header;
    this.place = Math.min(Math.max(place, 0), labels.length - 1);
    const level = LEVELS[levels[this.place]];
    this.slider.value = this.place;
    this.slider.setAttribute("aria-valuetext", `${labels[this.place]}, ${LEVEL_WORDS[levels[this.place]].toLowerCase()}`);
    const share = this.place / Math.max(labels.length - 1, 1);
    this.slider.style.setProperty("--done", `${share * 100}%`);
    this.needle.style.left = `${share * 100}%`;
    this.where.textContent = labels[this.place];
    this.level.textContent = LEVEL_WORDS[levels[this.place]];
    this.near.textContent = trust[this.place];
    this.neighbour.textContent = neighbours[this.place];
    this.root.dataset.level = level;
    if (this.badge) this.badge.hidden = level !== "outside";
    this.trace();
    if (this.change) this.subtract();
    this.draw();
    this.announce();
  }

  announce() {
    window.dispatchEvent(new CustomEvent("cmae-walk", { detail: { group: this.header.group, place: this.place } }));
  }

  /** Draw the beat of the point where the walk is; the paths of each point are made once. */
  trace() {
    if (!this.sheet) return;
    if (!this.paths.has(this.place)) this.paths.set(this.place, LEADS.map((_, lead) => this.path(lead)));
    LEADS.forEach((lead, k) => this.sheet.svg.querySelector(`#c1-${lead}`).setAttribute("d", this.paths.get(this.place)[k]));
  }

  path(lead) {
    const { ecg } = this.arrays;
    const samples = ecg.length / (LEADS.length * this.header.labels.length);
    const from = (this.place * LEADS.length + lead) * samples;
    let last = 0;
    let text = "m0 ";
    for (let k = 0; k < samples; k++) {
      const height = Math.min(Math.max(Math.round(-ecg[from + k] * UNITS_PER_MV), -MOST_UNITS), MOST_UNITS);
      text += k ? `${UNITS_PER_SAMPLE} ${height - last} ` : `${height}l`;
      last = height;
    }
    return text;
  }

  /** Fill the screen of changes: this point less the start, in bytes about 128. */
  subtract() {
    const { cine, start } = this.header;
    const { cine: pixels } = this.arrays;
    const size = this.change.pixels.length;
    const [here, there] = [this.place * size, start * size];
    const gain = 127 / (cine.most * cine.sd);
    for (let k = 0; k < size; k++) {
      this.change.pixels[k] = Math.min(Math.max(Math.round((pixels[here + k] - pixels[there + k]) * gain) + 128, 1), 255);
    }
  }

  draw() {
    const { cine, start } = this.header ?? {};
    if (!cine || this.isDark === undefined) return;
    const frame = Math.min(Math.floor((this.clock.phase / this.clock.rr) * cine.frames + 1e-6), cine.frames - 1);
    this.frame = frame;
    this.now.draw(this.place * cine.frames + frame);
    this.then.draw(start * cine.frames + frame);
    this.change.draw(frame);
  }

  beat() {
    if (!this.isVisible) return;
    this.draw();
    this.sheet?.sweep(this.clock.phase, this.clock.rr);
  }

  beatOn(isBeating) {
    this.clock.play(isBeating);
    this.pulse.innerHTML = `${HEART}<span class="numbers">${isBeating ? `${Math.round(60000 / this.header.rr_ms)} beats/min` : "paused"}</span>`;
    this.pulse.setAttribute("aria-label", isBeating ? "Stop the heart" : "Let the heart beat");
    this.pulse.setAttribute("aria-pressed", String(isBeating));
  }

  /** Walk from end to end and back by elapsed time, starting where it is. */
  walkOn(isWalking) {
    cancelAnimationFrame(this.request);
    this.isWalking = isWalking;
    if (this.button) {
      this.button.innerHTML = isWalking ? PAUSE : PLAY;
      this.button.setAttribute("aria-label", isWalking ? "Stop walking" : "Walk");
      this.button.title = `${isWalking ? "Stop" : "Walk from end to end"} (space)`;
    }
    if (!isWalking) return;
    const last = this.header.labels.length - 1;
    const began = performance.now() - (this.place / last) * WALK_MS;
    const step = (now) => {
      this.request = requestAnimationFrame(step);
      const turns = Math.max(now - began, 0) / WALK_MS;
      const share = Math.floor(turns) % 2 ? 1 - (turns % 1) : turns % 1;
      const place = Math.round(share * last);
      if (place !== this.place && this.isVisible) this.go(place);
    };
    this.request = requestAnimationFrame(step);
  }

  key(event) {
    const last = this.header.labels.length - 1;
    const isControl = event.target.matches("button");
    const to = { ArrowLeft: this.place - 1, ArrowDown: this.place - 1, ArrowRight: this.place + 1, ArrowUp: this.place + 1, Home: this.header.start, PageUp: last, PageDown: 0 }[event.key];
    if (event.target.closest("svg[tabindex]")) return;
    if (to !== undefined) { this.walkOn(false); this.go(to); }
    else if (event.key === " " && !isControl) this.walkOn(!this.isWalking);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  listenForWindow(canvas) {
    let from = null;
    canvas.onpointerdown = (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      from = { x: event.clientX, y: event.clientY, ...this.contrast };
      event.preventDefault();
    };
    canvas.onpointermove = (event) => {
      if (!from) return;
      const size = canvas.clientWidth;
      const width = from.window * Math.exp(((event.clientX - from.x) / size) * 2);
      const level = from.level + ((event.clientY - from.y) / size) * from.window;
      this.contrast = { window: Math.min(Math.max(width, 0.05), 4), level };
      this.recolor();
    };
    canvas.onpointerup = canvas.onpointercancel = () => { from = null; };
    canvas.ondblclick = () => { this.contrast = AS_RECORDED; this.recolor(); };
  }
}

const walks = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".walk-player");
  if (!walks.has(root)) walks.set(root, new WalkPlayer(root));
  walks.get(root).update(data, setTriggerValue);
  return () => { walks.get(root)?.destroy(); walks.delete(root); };
}
