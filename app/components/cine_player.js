// Cine player: several screens of cines on one clock, and what a person does with them.

const SPEEDS = [0.1, 0.25, 0.5, 1, 2];
const MOST_ZOOM = 8;
const ICONS = {
  play: '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M4 2.5v11l9-5.5z"/></svg>',
  pause: '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z"/></svg>',
  bounce: '<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="M2 8h12M5 5 2 8l3 3M11 5l3 3-3 3"/></svg>',
  picture: '<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="M2 3h12v10H2zM4 11l3-4 2.5 3L11 8.5 13 11"/></svg>',
  video: '<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="M2 4.5h8v7H2zM10 7l4-2v6l-4-2"/></svg>',
};
const HINT = "Drag: window and level · pinch or Ctrl + wheel: zoom · Shift + drag: move · double click: reset";

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** Return a view that shows nothing beyond the picture. */
function inside({ scale, x, y }) {
  const half = 0.5 / scale;
  return { scale, x: clamp(x, half, 1 - half), y: clamp(y, half, 1 - half) };
}

/** Return a view that is larger by a factor, with the place under a share of the screen kept. */
function zoomed(view, factor, [across, down]) {
  const scale = clamp(view.scale * factor, 1, MOST_ZOOM);
  const kept = (center, share) => center + (share - 0.5) * (1 / view.scale - 1 / scale);
  return inside({ scale, x: kept(view.x, across), y: kept(view.y, down) });
}

const moved = (view, across, down) => inside({ ...view, x: view.x - across / view.scale, y: view.y - down / view.scale });

class CinePlayer {
  constructor(root) {
    this.root = root;
    root.tabIndex = -1;
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", "Cine player");
    this.clock = new CineClock((now) => this.tick(now));
    this.contrast = AS_RECORDED;
    this.view = WHOLE;
    this.isVisible = true;
    this.resize = new ResizeObserver(() => { this.screens?.forEach((screen) => screen.fit()); this.show(); });
    this.seen = new IntersectionObserver(([entry]) => { this.isVisible = entry.isIntersecting; });
    this.resize.observe(root);
    this.seen.observe(root);
    this.onSeek = ({ detail }) => { if (this.header?.group && detail.group === this.header.group) this.stopAt(Math.round(detail.frame)); };
    this.onMarks = ({ detail }) => { this.marks = detail; this.mark(); };
    window.addEventListener("cmae-seek", this.onSeek);
    window.addEventListener("cmae-marks", this.onMarks);
    root.onkeydown = (event) => this.key(event);
  }

  destroy() {
    this.clock.play(false);
    this.resize.disconnect();
    this.seen.disconnect();
    window.removeEventListener("cmae-seek", this.onSeek);
    window.removeEventListener("cmae-marks", this.onMarks);
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
    const isFocused = this.root.contains(this.root.getRootNode().activeElement);
    this.header = header;
    this.clock.setCycle(header.rr_ms);
    this.screens = header.cines.map((entry, number) => new CineScreen(entry, arrays[`cine${number}`]));
    this.screens.forEach((screen) => { screen.view = this.view; this.listen(screen); });
    this.root.replaceChildren(this.pictures(), this.controls(), this.scrub());
    this.mark();
    window.dispatchEvent(new CustomEvent("cmae-marks-wanted", { detail: { name: header.name } }));
    this.screens.forEach((screen) => screen.fit());
    this.play(isFirst ? !isMotionReduced() : this.clock.isPlaying);
    if (isFocused) this.slider.focus({ preventScroll: true });
  }

  /** A column a recording; a difference stands under the recording that it is of. */
  pictures() {
    const columns = new Map();
    this.screens.forEach((screen, number) => {
      const column = columns.get(screen.entry.of ?? number) ?? make("div", { class: "column" });
      columns.set(screen.entry.of ?? number, column);
      column.append(screen.element);
    });
    for (const text of this.header.pending) {
      columns.set(text, make("figure", {}, make("figcaption", {}, text), make("div", { class: "screen is-pending" }, "decoding …")));
    }
    return make("div", { class: "cines" }, ...columns.values());
  }

  controls() {
    const button = (icon, title, act, facts = {}) => {
      const made = make("button", { type: "button", title, "aria-label": title, ...facts });
      made.innerHTML = icon;
      made.onclick = () => act(made);
      return made;
    };
    this.button = button(ICONS.play, "Play", () => this.play(!this.clock.isPlaying), { class: "play" });
    const bounce = button(ICONS.bounce, "Bounce: forth and back", () => {
      this.clock.setBounce(!this.clock.isBouncing);
      bounce.setAttribute("aria-pressed", String(this.clock.isBouncing));
    }, { "aria-pressed": String(this.clock.isBouncing) });
    const speed = make("select", { "aria-label": "Speed" },
      ...SPEEDS.map((value) => make("option", { value, selected: value === this.clock.speed }, `${value}×`)));
    speed.onchange = () => { this.clock.setSpeed(Number(speed.value)); this.say(); };
    this.place = make("span", { class: "place numbers" });
    this.rate = make("span", { class: "numbers quiet" });
    this.reset = make("button", { type: "button", hidden: true }, "Reset view");
    this.reset.onclick = () => this.resetAll();
    const still = button(ICONS.picture, "Save this frame (PNG)", () => savePicture(this));
    const film = button(ICONS.video, "Save three beats (video)", () => saveVideo(this, film), { hidden: !videoType() });
    return make("div", { class: "controls", title: HINT },
      this.button, bounce, speed, this.place, this.rate, make("span", { class: "room" }), this.reset, still, film);
  }

  scrub() {
    const { frames } = this.header;
    this.slider = make("input", { type: "range", min: 0, max: frames - 1, step: 1, value: 0, "aria-label": "Frame" });
    this.slider.oninput = () => this.stopAt(Number(this.slider.value));
    const tick = (text, title) => make("span", { class: "tick", title, hidden: true }, text);
    this.ticks = { ed: tick("ED", "End diastole"), es: tick("ES", "End systole, the smallest area of the left ventricle") };
    return make("div", { class: "scrub" }, this.slider, this.ticks.ed, this.ticks.es);
  }

  /** Put the ticks where they belong; end systole may come later, from an area curve of the same recording. */
  mark() {
    if (!this.header) return;
    const { frames, name } = this.header;
    const found = this.marks?.name === name ? this.marks.es_frame : null;
    for (const [tick, frame] of [[this.ticks.ed, 0], [this.ticks.es, found ?? this.header.es_frame]]) {
      tick.hidden = frame === null;
      tick.style.left = `calc(7px + (100% - 14px) * ${frame / Math.max(frames - 1, 1)})`;
    }
  }

  get frame() { return Math.min(Math.floor((this.clock.phase / this.clock.rr) * this.header.frames + 1e-6), this.header.frames - 1); }

  play(isPlaying) {
    this.clock.play(isPlaying);
    this.counted = { since: performance.now(), drawn: 0, perSecond: null };
    this.button.innerHTML = isPlaying ? ICONS.pause : ICONS.play;
    this.button.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
    this.button.title = `${isPlaying ? "Pause" : "Play"} (space)`;
    this.say();
    if (!isPlaying) this.show();
  }

  /** Say heart rate and frame rate: of the heart, and what the screen draws where that is less. */
  say() {
    const { frames, rr_ms: rr, is_rr_known: isKnown } = this.header;
    const { speed, isPlaying } = this.clock;
    const wanted = (frames * 1000 * speed) / rr;
    const { perSecond } = this.counted;
    const words = [isKnown ? `${Math.round(60000 / rr)} beats/min` : "heart rate unknown, played at 60 beats/min", `${Math.round(wanted)} frames/s`];
    if (!isPlaying) words.push("paused");
    else if (perSecond !== null && perSecond < 0.8 * wanted) words.push(`${Math.round(perSecond)} drawn`);
    this.rate.textContent = words.join(" · ");
  }

  tick(now) {
    if (!this.isVisible) return;
    this.announce();
    if (this.frame !== this.drawn) { this.show(); this.counted.drawn += 1; }
    const span = now - this.counted.since;
    if (span > 1000) {
      this.counted = { since: now, drawn: 0, perSecond: (this.counted.drawn * 1000) / span };
      this.say();
    }
  }

  go(frame) {
    const { frames } = this.header;
    this.clock.seek((((frame % frames) + frames) % frames) / frames * this.clock.rr);
    this.show();
    this.announce();
  }

  stopAt(frame) {
    this.play(false);
    this.go(frame);
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
      ArrowLeft: () => this.stopAt(this.frame - 1),
      ArrowRight: () => this.stopAt(this.frame + 1),
      Home: () => this.go(0),
      "+": () => this.setView(zoomed(this.view, 1.25, [0.5, 0.5])),
      "-": () => this.setView(zoomed(this.view, 0.8, [0.5, 0.5])),
      0: () => this.resetAll(),
    }[event.key];
    // The page's own arrow keys lead to another participant: here they step through the frames.
    if (event.key.startsWith("Arrow") || event.key === "Home") event.stopPropagation();
    if (!act || (event.target.matches("select") && event.key !== " ")) return;
    event.preventDefault();
    act();
  }

  /** Drag for window and level; two fingers, the middle button or Shift move; wheel and pinch zoom. */
  listen({ canvas, entry }) {
    const held = new Map();
    let from = null;
    const share = ({ clientX, clientY }) => {
      const { left, top, width, height } = canvas.getBoundingClientRect();
      return [(clientX - left) / width, (clientY - top) / height];
    };
    const middle = () => [0, 1].map((k) => [...held.values()].reduce((sum, at) => sum + at[k], 0) / held.size);
    const spread = () => { const [a, b] = [...held.values()]; return b ? Math.max(Math.hypot(a[0] - b[0], a[1] - b[1]), 0.02) : 1; };
    const start = (isMoving) => { from = { at: middle(), spread: spread(), view: this.view, contrast: this.contrast, isMoving }; };
    canvas.onpointerdown = (event) => {
      if (event.button > 1) return;
      canvas.setPointerCapture(event.pointerId);
      held.set(event.pointerId, share(event));
      start(event.button === 1 || event.shiftKey || held.size > 1);
      this.slider.focus({ preventScroll: true });
      event.preventDefault();
    };
    canvas.onpointermove = (event) => {
      if (!held.has(event.pointerId)) return;
      held.set(event.pointerId, share(event));
      const [x, y] = middle();
      const [across, down] = [x - from.at[0], y - from.at[1]];
      if (from.isMoving) this.setView(moved(zoomed(from.view, spread() / from.spread, from.at), across, down));
      else if (entry.kind === "intensity") {
        const width = from.contrast.window * Math.exp(across * 2);
        this.setContrast({ window: clamp(width, 0.05, 4), level: from.contrast.level + down * from.contrast.window });
      }
    };
    canvas.onpointerup = canvas.onpointercancel = (event) => {
      held.delete(event.pointerId);
      if (held.size) start(true);
    };
    canvas.ondblclick = () => this.resetAll();
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // else the page would not scroll over the pictures
      event.preventDefault();
      this.setView(zoomed(this.view, Math.exp(-clamp(event.deltaY, -100, 100) / 250), share(event)));
    }, { passive: false });
  }

  setContrast(contrast) {
    this.contrast = contrast;
    this.offerReset();
    this.recolor();
  }

  setView(view) {
    this.view = view;
    for (const screen of this.screens) screen.view = view;
    this.root.dataset.view = `${view.scale} ${view.x} ${view.y}`;
    this.offerReset();
    this.show();
  }

  resetAll() {
    this.setView(WHOLE);
    this.setContrast(AS_RECORDED);
  }

  offerReset() {
    const { window: width, level } = this.contrast;
    this.reset.hidden = width === 1 && level === 0.5 && this.view.scale === 1;
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
