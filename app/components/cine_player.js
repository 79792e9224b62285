// Cine player: several screens of cines on one clock, and what a person does with them.

const SPEEDS = [0.1, 0.25, 0.5, 1, 2];
const ICONS = {
  play: '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M4 2.5v11l9-5.5z"/></svg>',
  pause: '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z"/></svg>',
};

class CinePlayer {
  constructor(root) {
    this.root = root;
    root.tabIndex = -1;
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", "Cine player");
    this.clock = new CineClock((now) => this.tick(now));
    this.contrast = AS_RECORDED;
    this.isVisible = true;
    this.resize = new ResizeObserver(() => { this.screens?.forEach((screen) => screen.fit()); this.show(); });
    this.seen = new IntersectionObserver(([entry]) => { this.isVisible = entry.isIntersecting; });
    this.resize.observe(root);
    this.seen.observe(root);
    root.onkeydown = (event) => this.key(event);
  }

  destroy() {
    this.clock.play(false);
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
    this.clock.setCycle(header.rr_ms);
    this.screens = header.cines.map((entry, number) => new CineScreen(entry, arrays[`cine${number}`]));
    for (const { entry, canvas } of this.screens) if (entry.kind === "intensity") this.listenForWindow(canvas);
    const pictures = make("div", { class: "cines" }, ...this.screens.map((screen) => screen.element));
    this.root.replaceChildren(pictures, this.controls());
    this.screens.forEach((screen) => screen.fit());
    this.play(isFirst ? header.is_autoplaying && !isMotionReduced() : this.clock.isPlaying);
  }

  controls() {
    const { frames, es_frame: es, rr_ms: rr, is_rr_known: isKnown } = this.header;
    this.button = make("button", { type: "button", class: "play" });
    this.button.onclick = () => this.play(!this.clock.isPlaying);
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
      ...SPEEDS.map((value) => make("option", { value, selected: value === this.clock.speed }, `${value}×`)));
    speed.onchange = () => { this.clock.speed = Number(speed.value); this.clock.restart(); };
    this.reset = make("button", { type: "button", hidden: true }, "Reset window");
    this.reset.onclick = () => this.setContrast(AS_RECORDED);
    const beats = isKnown ? `${Math.round(60000 / rr)} beats/min` : "heart rate unknown, shown at 60 beats/min";
    return make("div", { class: "controls" },
      this.button, make("div", { class: "scrub" }, this.slider, ...ticks), this.place,
      make("div", { class: "facts quiet" }, make("span", { class: "numbers" }, beats), this.rate, speed, this.reset,
        make("span", { class: "hint" }, "Drag on a picture: window and level · double click: reset")));
  }

  get frame() { return Math.min(Math.floor((this.clock.phase / this.clock.rr) * this.header.frames + 1e-6), this.header.frames - 1); }

  play(isPlaying) {
    this.clock.play(isPlaying);
    this.counted = { since: performance.now(), drawn: 0 };
    this.button.innerHTML = isPlaying ? ICONS.pause : ICONS.play;
    this.button.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
    this.button.title = `${isPlaying ? "Pause" : "Play"} (space)`;
    if (!isPlaying) { this.rate.textContent = "paused"; this.show(); }
  }

  tick(now) {
    if (!this.isVisible) return;
    this.announce();
    if (this.frame !== this.drawn) { this.show(); this.counted.drawn += 1; }
    const span = now - this.counted.since;
    if (span > 1000) {
      this.rate.textContent = `${Math.round((this.counted.drawn * 1000) / span)} frames/s`;
      this.counted = { since: now, drawn: 0 };
    }
  }

  go(frame) {
    const { frames } = this.header;
    this.clock.seek((((frame % frames) + frames) % frames) / frames * this.clock.rr);
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
    if (group) window.dispatchEvent(new CustomEvent("cmae-cycle", { detail: { group, phase_ms: this.clock.phase, rr_ms } }));
  }

  key(event) {
    const isControl = event.target.matches("button, select");
    const act = {
      " ": isControl ? null : () => this.play(!this.clock.isPlaying),
      ArrowLeft: () => { this.play(false); this.go(this.frame - 1); },
      ArrowRight: () => { this.play(false); this.go(this.frame + 1); },
      Home: () => this.go(0),
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
      const level = from.level + ((event.clientY - from.y) / size) * from.window;
      this.setContrast({ window: Math.min(Math.max(width, 0.05), 4), level });
    };
    canvas.onpointerup = canvas.onpointercancel = () => { from = null; };
    canvas.ondblclick = () => this.setContrast(AS_RECORDED);
  }

  setContrast(contrast) {
    this.contrast = contrast;
    this.reset.hidden = contrast.window === 1 && contrast.level === 0.5;
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
