// Cine player: draws bytes on canvases by elapsed time; all cines show the same frame.

const SPEEDS = [0.1, 0.25, 0.5, 1, 2];
const DIVERGING = {
  light: [[33, 72, 148], [103, 169, 207], [247, 247, 247], [239, 138, 98], [158, 20, 40]],
  dark: [[150, 190, 255], [38, 98, 160], [20, 18, 20], [160, 62, 32], [255, 178, 150]],
};
const ICONS = {
  play: '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M4 2.5v11l9-5.5z"/></svg>',
  pause: '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z"/></svg>',
};

/** Return the color in 0–1 along a list of colors. */
function between(colors, place) {
  const at = Math.min(Math.max(place, 0), 1) * (colors.length - 1);
  const k = Math.min(Math.floor(at), colors.length - 2);
  return colors[k].map((value, channel) => Math.round(value + (colors[k + 1][channel] - value) * (at - k)));
}

const packed = ([red, green, blue]) => (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
const short = (value) => (Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(2))).toLocaleString("en");

/** One picture: a small canvas with the pixels, drawn smoothly onto the one that is seen. */
class Screen {
  constructor(entry, pixels, player) {
    this.entry = entry;
    this.pixels = pixels;
    this.table = new Uint32Array(256);
    const { rows, columns, label, kind, note } = entry;
    this.small = make("canvas", { width: columns, height: rows });
    this.context = this.small.getContext("2d");
    this.image = this.context.createImageData(columns, rows);
    this.words = new Uint32Array(this.image.data.buffer);
    this.canvas = make("canvas", { role: "img", "aria-label": `Cine, ${label}` });
    const screen = make("div", { class: `screen${kind === "difference" ? " is-difference" : ""}` }, this.canvas);
    screen.style.setProperty("--aspect", `${columns} / ${rows}`);
    this.element = make("figure", {}, make("figcaption", {}, label), screen);
    if (kind === "difference") this.element.append(this.scaleBar());
    if (note) this.element.append(make("div", { class: "note quiet" }, note));
    if (kind === "intensity") player.listenForWindow(this.canvas);
  }

  scaleBar() {
    this.gradient = make("i");
    const { low, high } = this.entry;
    return make("div", { class: "scale-bar numbers", role: "img", "aria-label": `Scale from minus ${short(high)} to plus ${short(high)}` },
      `−${short(-low)}`, this.gradient, `+${short(high)}`);
  }

  /** Fill the table of 256 colors: window and level, or the diverging map of the page's theme. */
  color(contrast, isDark) {
    if (this.entry.kind === "difference") {
      const colors = DIVERGING[isDark ? "dark" : "light"];
      for (let value = 0; value < 256; value++) this.table[value] = packed(between(colors, (value - 1) / 254));
      this.gradient.style.background = `linear-gradient(to right, ${colors.map((c) => `rgb(${c})`).join(", ")})`;
      return;
    }
    const { low, high } = this.entry;
    for (let value = 0; value < 256; value++) {
      const share = (value - low) / (high - low);
      const shade = Math.min(Math.max((share - contrast.level) / contrast.window + 0.5, 0), 1) * 255;
      this.table[value] = packed([shade | 0, shade | 0, shade | 0]);
    }
  }

  fit() {
    const side = (length) => Math.max(1, Math.round(length * Math.min(window.devicePixelRatio || 1, 2)));
    const [width, height] = [side(this.canvas.clientWidth), side(this.canvas.clientHeight)];
    if (this.canvas.width === width && this.canvas.height === height) return;
    Object.assign(this.canvas, { width, height });
    this.seen = this.canvas.getContext("2d", { alpha: false });
    this.seen.imageSmoothingQuality = "high";
  }

  draw(frame) {
    if (!this.seen) return;
    const { words, table, pixels } = this;
    const start = frame * words.length;
    for (let k = 0; k < words.length; k++) words[k] = table[pixels[start + k]];
    this.context.putImageData(this.image, 0, 0);
    this.seen.drawImage(this.small, 0, 0, this.canvas.width, this.canvas.height);
  }
}

class CinePlayer {
  constructor(root) {
    this.root = root;
    root.tabIndex = -1;
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", "Cine player");
    this.speed = 1;
    this.contrast = { window: 1, level: 0.5 };
    this.phase = 0;
    this.isVisible = true;
    this.resize = new ResizeObserver(() => { this.screens?.forEach((screen) => screen.fit()); this.show(); });
    this.seen = new IntersectionObserver(([entry]) => { this.isVisible = entry.isIntersecting; });
    this.resize.observe(root);
    this.seen.observe(root);
    root.onkeydown = (event) => this.key(event);
    this.tick = this.tick.bind(this);
  }

  destroy() {
    cancelAnimationFrame(this.request);
    this.resize.disconnect();
    this.seen.disconnect();
  }

  update(data) {
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
    this.screens = header.cines.map((entry, number) => new Screen(entry, arrays[`cine${number}`], this));
    const pictures = make("div", { class: "cines" }, ...this.screens.map((screen) => screen.element));
    this.root.replaceChildren(pictures, this.controls());
    this.screens.forEach((screen) => screen.fit());
    if (isFirst) {
      const isStill = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.play(header.is_autoplaying && !isStill);
    } else this.play(this.isPlaying);
  }

  controls() {
    const { frames, es_frame: es, rr_ms: rr, is_rr_known: isKnown } = this.header;
    this.button = make("button", { type: "button", class: "play" });
    this.button.onclick = () => this.play(!this.isPlaying);
    this.slider = make("input", { type: "range", min: 0, max: frames - 1, step: 1, value: 0, "aria-label": "Frame" });
    this.slider.oninput = () => { this.play(false); this.go(Number(this.slider.value)); };
    const ticks = [["ED", 0, "End diastole"], ...(es === null ? [] : [["ES", es, "End systole"]])].map(([text, frame, title]) => {
      const tick = make("span", { class: "tick", title }, text);
      tick.style.left = `calc(7px + (100% - 14px) * ${frame / Math.max(frames - 1, 1)})`;
      return tick;
    });
    this.place = make("div", { class: "place numbers" });
    this.rate = make("span", { class: "numbers" });
    const speed = make("select", { "aria-label": "Speed" },
      ...SPEEDS.map((value) => make("option", { value, selected: value === this.speed }, `${value}×`)));
    speed.onchange = () => { this.speed = Number(speed.value); this.restart(); };
    this.reset = make("button", { type: "button", hidden: true }, "Reset window");
    this.reset.onclick = () => this.setContrast(1, 0.5);
    const beats = isKnown ? `${Math.round(60000 / rr)} beats/min` : "heart rate unknown, shown at 60 beats/min";
    return make("div", { class: "controls" },
      this.button, make("div", { class: "scrub" }, this.slider, ...ticks), this.place,
      make("div", { class: "facts quiet" }, make("span", { class: "numbers" }, beats), this.rate, speed, this.reset,
        make("span", { class: "hint" }, "Drag on a picture: window and level · double click: reset")));
  }

  get period() { return this.header.rr_ms / this.speed; }
  get frame() { return Math.min(Math.floor((this.phase / this.header.rr_ms) * this.header.frames + 1e-6), this.header.frames - 1); }

  play(isPlaying) {
    this.isPlaying = isPlaying;
    this.button.innerHTML = isPlaying ? ICONS.pause : ICONS.play;
    this.button.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
    this.button.title = `${isPlaying ? "Pause" : "Play"} (space)`;
    cancelAnimationFrame(this.request);
    if (isPlaying) { this.restart(); this.request = requestAnimationFrame(this.tick); }
    else { this.rate.textContent = "paused"; this.show(); }
  }

  /** Start the clock anew at the present phase, after a pause or a change of speed. */
  restart() {
    this.started = performance.now() - (this.phase / this.header.rr_ms) * this.period;
    this.counted = { since: performance.now(), drawn: 0 };
  }

  tick(now) {
    this.request = requestAnimationFrame(this.tick);
    if (!this.isVisible) return;
    const elapsed = Math.max(now - this.started, 0);
    this.phase = ((elapsed % this.period) / this.period) * this.header.rr_ms;
    this.announce();
    if (this.frame !== this.drawn) { this.show(); this.counted.drawn += 1; }
    const span = now - this.counted.since;
    if (span > 1000) {
      this.rate.textContent = `${Math.round((this.counted.drawn * 1000) / span)} frames/s`;
      this.counted = { since: now, drawn: 0 };
    }
  }

  go(frame) {
    const { frames, rr_ms: rr } = this.header;
    this.phase = (((frame % frames) + frames) % frames) / frames * rr;
    this.show();
    this.announce();
  }

  show() {
    if (!this.header) return;
    const { frame } = this;
    const { frames, rr_ms: rr } = this.header;
    this.drawn = frame;
    for (const screen of this.screens) screen.draw(frame);
    this.slider.value = frame;
    this.slider.style.setProperty("--done", `${(frame / Math.max(frames - 1, 1)) * 100}%`);
    const time = Math.round((frame / frames) * rr);
    this.slider.setAttribute("aria-valuetext", `Frame ${frame + 1} of ${frames}, ${time} ms`);
    this.place.textContent = `frame ${frame + 1}/${frames} · ${time} ms`;
  }

  announce() {
    const { group, rr_ms } = this.header;
    if (group) window.dispatchEvent(new CustomEvent("cmae-cycle", { detail: { group, phase_ms: this.phase, rr_ms } }));
  }

  key(event) {
    const isControl = event.target.matches("button, select");
    const act = {
      " ": isControl ? null : () => this.play(!this.isPlaying),
      ArrowLeft: () => { this.play(false); this.go(this.frame - 1); },
      ArrowRight: () => { this.play(false); this.go(this.frame + 1); },
      Home: () => { this.go(0); this.restart(); },
    }[event.key];
    if (!act || (event.target.matches("select") && event.key !== " ")) return;
    event.preventDefault();
    act();
  }

  listenForWindow(canvas) {
    let from = null;
    canvas.onpointerdown = (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      from = { x: event.clientX, y: event.clientY, ...this.contrast };
      this.slider.focus({ preventScroll: true });
      event.preventDefault();
    };
    canvas.onpointermove = (event) => {
      if (!from) return;
      const size = canvas.clientWidth;
      const width = from.window * Math.exp(((event.clientX - from.x) / size) * 2);
      this.setContrast(Math.min(Math.max(width, 0.05), 4), from.level + ((event.clientY - from.y) / size) * from.window);
    };
    canvas.onpointerup = canvas.onpointercancel = () => { from = null; };
    canvas.ondblclick = () => this.setContrast(1, 0.5);
  }

  setContrast(width, level) {
    this.contrast = { window: width, level };
    this.reset.hidden = width === 1 && level === 0.5;
    this.recolor();
  }

  recolor() {
    for (const screen of this.screens) screen.color(this.contrast, this.isDark);
    this.show();
  }
}

const players = new WeakMap();

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".cine-player");
  if (!players.has(root)) players.set(root, new CinePlayer(root));
  players.get(root).update(data);
  return () => { players.get(root)?.destroy(); players.delete(root); };
}
