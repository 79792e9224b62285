// Latent map: what is shown, the pointer, and what the page hears; the parts are in map_*.js.

const SETTLED_MS = 160;
const FEWEST_MOVING = 30000;
const SLICE = 200000;
const shownMaps = new Set();

class LatentMap {
  constructor(root) {
    this.root = root;
    this.pointers = new Map();
    this.hovered = -1;
    this.selectedCount = 0;
    this.budget = Infinity;
    this.dotSize = 0;
    this.build();
  }

  build() {
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.marks = new Marks();
    this.card = new Card();
    this.legend = new Legend(() => { this.paintTable(); this.draw(); });
    this.message = make("div", { class: "message", role: "alert", hidden: true });
    this.status = make("div", { class: "status numbers", role: "status" });
    this.stage = make("div", { class: "stage", tabindex: 0, role: "application", "aria-roledescription": "map",
      "aria-label": "Map of latents. Arrows move, plus and minus zoom, 0 shows all. P, L, G and B choose move, lasso, polygon and box. Enter picks the point in the middle, or sets a corner of a polygon there; Escape clears the selection." });
    this.tools = new Tools(this);
    this.stage.append(this.canvas, this.marks.element, this.tools.views, this.status, this.card.element, this.message);
    this.tools.use("pan");
    this.root.replaceChildren(this.tools.bar, this.stage, this.legend.element);
    this.renderer = Renderer.on(this.canvas);
    this.canvas.addEventListener("webglcontextlost", (event) => { event.preventDefault(); this.say("The graphics memory of this page was taken away; the map comes back when the browser returns it, or reload the page."); });
    this.canvas.addEventListener("webglcontextrestored", () => { this.say(""); this.renderer.build(); this.uploaded = {}; this.upload(); });
    this.uploaded = {};
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(this.stage);
    this.listen();
  }

  destroy() {
    this.observer.disconnect();
    waiting.delete(this);
    this.card.hide();
    clearTimeout(this.settling);
    cancelAnimationFrame(this.adding);
    this.renderer?.destroy();
  }

  say(text) {
    this.message.textContent = text;
    this.message.hidden = !text;
  }

  update(data, send) {
    this.send = send;
    const isDark = markTheme(this.root);
    this.edge = rgbOf(getComputedStyle(this.root).getPropertyValue("--st-background-color").trim() || (isDark ? "#000" : "#fff")).map((value) => value / 255);
    if (!this.renderer) {
      this.say("This browser cannot draw the map (it lacks WebGL 2): a simpler one is shown instead.");
      this.root.dataset.lacks = "webgl";
      if (!this.hasTold) { this.hasTold = true; send.state("unsupported", true); }
      return;
    }
    if (data !== this.data) {
      this.data = data;
      this.view = unpack(data);
    }
    this.retry();
  }

  /** Show the view once its geometry and column are there: they come in messages of their own. */
  retry() {
    const { header } = this.view;
    const geometry = blocks.geometry.get(header.geometry);
    const column = blocks.column.get(header.column);
    if (!geometry || !column || column.values.length !== geometry.points) return void waiting.add(this);
    waiting.delete(this);
    if (geometry !== this.geometry) this.take(geometry);
    this.column = column;
    this.legend.take(column);
    this.stage.style.height = `min(${header.height}px, 75vh, ${Math.max(1.05 * this.root.clientWidth, 280)}px)`;
    this.follow();
    this.upload();
    this.fit();
    if (header.picked !== this.picked) {
      if (header.picked !== null && this.picked !== undefined) this.camera.bring(geometry.unit(header.picked));
      this.picked = header.picked;
    }
  }

  take(geometry) {
    if (geometry.meaning !== this.geometry?.meaning) {
      this.tools.forget([]);
      this.mask = new Uint8Array(geometry.points);
      this.followed = null;
      this.legend.hiddenClasses.clear();
    } else this.tools.forget(this.tools.shapes);
    this.geometry = geometry;
    this.camera = Camera.of(this.view.header.key, this.stage, this.view.header.geometry);
    this.tools.drop();
    this.card.hide();
    this.hovered = -1;
  }

  /** Take the selection that the page gave, where it gave a new one. */
  follow() {
    const chosen = blocks.chosen.get(this.view.header.key);
    if (!chosen || chosen === this.followed || chosen.meaning !== this.geometry.meaning) return;
    const isFirst = !this.followed;
    this.followed = chosen;
    this.uploaded.mask = null;
    if (chosen.is_given) for (let k = 0; k < this.mask.length; k++) this.mask[k] = (chosen.bits[k >> 3] >> (k & 7)) & 1 ? 255 : 0;
    else if (!isFirst) this.mask.fill(0);
  }

  /** Show a selection that came after the view. */
  choose(key) {
    if (!this.geometry || waiting.has(this) || this.view.header.key !== key) return;
    this.follow();
    this.upload();
  }

  /** Bring to the graphics memory what is not there. */
  upload() {
    const { uploaded, renderer } = this;
    if (uploaded.geometry !== this.geometry) { renderer.setGeometry(this.geometry); this.uploaded = { geometry: this.geometry }; }
    if (this.uploaded.column !== this.column) { renderer.setColumn(this.column.values); this.uploaded.column = this.column; this.legend.paint(this.geometry); }
    if (this.uploaded.mask !== this.mask) { renderer.setChosen(this.mask); this.uploaded.mask = this.mask; this.count(); }
    this.paintTable();
    this.draw();
  }

  paintTable() { this.renderer.setTable(tableOf(this.column.color, this.legend.hidden)); }

  isShown(point) {
    const marker = this.geometry.classOf(point);
    return marker !== LEFT_OUT && !this.legend.hiddenClasses.has(marker) && this.legend.isShown(this.column.values[point]);
  }

  // Drawing

  zoom(factor, place) { this.camera.magnify(factor, place); this.draw(true); }
  move(dx, dy) { this.camera.move(dx, dy); this.draw(true); }
  home() { this.camera.home(); this.draw(); }

  fit() {
    if (!this.geometry) return;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const [width, height] = this.camera.size.map((length) => Math.round(length * ratio));
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    this.draw();
  }

  /** Draw in the next frame; while the map moves, as many points as the browser keeps up with. */
  draw(isMoving = false) {
    clearTimeout(this.settling);
    if (isMoving && this.geometry?.points > FEWEST_MOVING) this.settling = setTimeout(() => this.draw(), SETTLED_MS);
    this.isMoving = isMoving;
    if (this.request || !this.geometry) return;
    this.request = requestAnimationFrame((now) => { this.request = 0; this.paint(now); });
  }

  /** Draw anew only what lies over the points: cheap while a lasso or the hover moves. */
  sketch() {
    if (!this.geometry || !this.dotSize) return;
    this.sketching ??= requestAnimationFrame(() => { this.sketching = null; this.marks.paint(this); });
  }

  /** Return how many points to draw: fewer where moving ones come too slowly. */
  most(now) {
    if (!this.isMoving) { this.lastMove = 0; return Infinity; }
    const taken = now - (this.lastMove || now);
    this.lastMove = now;
    const drawn = Math.min(this.budget, this.geometry.points);
    if (taken > 40 && taken < 2000) this.budget = Math.max(drawn * 0.6, FEWEST_MOVING);
    else if (taken > 0 && taken < 24) this.budget = drawn * 1.25;
    return Math.min(this.budget, this.geometry.points) | 0;
  }

  paint(now) {
    const [width, height] = this.camera.size;
    if (!width || !height) return;
    const ratio = this.canvas.width / width;
    const { color } = this.column;
    const { side, zoom, x, y } = this.camera;
    const [sx, sy] = [(2 * side) / width, (2 * side) / height];
    const size = Math.min(Math.max(44 * this.geometry.points ** -0.25, 1.5) * Math.max(zoom, 1) ** 0.4, 14);
    const perValue = MOST_LEVEL / (color.most - color.least);
    this.renderer.begin({
      place: [sx, sy, -x * sx, -y * sy],
      scale: color.kind === "categories" ? [0, 1, 255] : [(color.low - color.least) * perValue, 254 / ((color.high - color.low) * perValue), MISSING_LEVEL],
      span: this.legend.drawn,
      size: size * ratio,
      opacity: this.geometry.points > 30000 && zoom < 8 ? 0.65 : 0.9,
      edge: this.edge,
      markers: [0, 1].map((code) => (this.legend.hiddenClasses.has(code) ? 0 : 1)),
    });
    this.slices = [];
    const total = Math.min(this.most(now), this.geometry.points);
    for (const step of this.selectedCount ? [1, 2] : [0]) {
      for (let from = 0; from < total; from += SLICE) this.slices.push([step, from, Math.min(from + SLICE, total)]);
    }
    this.add();
    this.dotSize = size;
    this.marks.paint(this);
  }

  /** Draw the next points; a million take several frames, so that the page stays quick. */
  add() {
    cancelAnimationFrame(this.adding);
    for (let left = SLICE; this.slices.length && left > 0;) {
      const [step, from, to] = this.slices.shift();
      this.renderer.slice(step, from, to);
      left -= to - from;
    }
    if (this.slices.length) this.adding = requestAnimationFrame(() => this.add());
  }

  // Selection

  /** Work the mask out again from the shapes that hold. */
  reselect() {
    this.mask.fill(0);
    for (const shape of this.tools.shapes) {
      if (shape.geometry !== this.view.header.geometry) continue;
      const classes = new Set(shape.hidden_classes);
      const isSame = shape.column === this.column.color.title;
      const codes = new Set(isSame ? shape.hidden : []);
      const [low, high] = isSame && shape.levels ? shape.levels : [0, MISSING_LEVEL];
      const { values } = this.column;
      const isNumber = this.column.color.kind === "numbers";
      const isShown = (raw) => (isNumber && raw === MISSING_LEVEL ? !codes.has(255) : !codes.has(raw) && (!isNumber || (raw >= low && raw <= high)));
      this.geometry.select(shape.polygon.map((corner) => this.geometry.place(corner)), shape.mode, this.mask, (point) => {
        const marker = this.geometry.classOf(point);
        return marker !== LEFT_OUT && !classes.has(marker) && isShown(values[point]);
      });
    }
    this.tell();
  }

  tell() {
    this.uploaded.mask = null;
    this.upload();
    this.serial = (this.serial ?? 0) + 1;
    this.send.state("lasso", { shapes: this.tools.shapes, serial: this.serial });
  }

  count() {
    let chosen = 0;
    for (let k = 0; k < this.mask.length; k++) chosen += this.mask[k] & 1;
    this.selectedCount = chosen;
    const all = this.geometry.classCounts[0] + this.geometry.classCounts[1];
    this.status.textContent = chosen ? `${count(chosen)} of ${count(all)} points selected` : `${count(all)} points`;
    this.tools.count(chosen);
  }

  // Pointer and keys

  listen() {
    const { stage } = this;
    const at = (event) => { const box = stage.getBoundingClientRect(); return [event.clientX - box.left - stage.clientLeft, event.clientY - box.top - stage.clientTop]; };
    const isButton = (event) => event.target.closest("button");
    stage.addEventListener("wheel", (event) => {
      if (!this.geometry) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), at(event));
    }, { passive: false });
    stage.onpointerdown = (event) => {
      if (!this.geometry || event.button > 1 || isButton(event)) return;
      stage.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, at(event));
      this.start = { place: at(event), hasMoved: false };
      this.hover(-1);
      if (this.pointers.size > 1) { if (this.tools.tool !== "polygon") this.tools.drop(); }
      else if (["lasso", "box"].includes(this.tools.tool) && event.button === 0) this.tools.start(at(event));
    };
    stage.onpointermove = (event) => { if (this.geometry) this.dragged(event, at(event)); };
    stage.onpointerup = (event) => this.released(event, at(event));
    stage.onpointercancel = (event) => { this.pointers.delete(event.pointerId); this.tools.drop(); };
    stage.onpointerleave = () => this.hover(-1);
    stage.ondblclick = (event) => { if (this.tools.tool === "polygon" && this.tools.isDrawing && !isButton(event)) this.tools.finish(event); };
    stage.onkeydown = (event) => {
      if (!this.geometry || isButton(event)) return;
      this.hasCross = true;
      this.tools.key(event);
      this.sketch();
    };
    stage.onblur = () => { this.hasCross = false; this.sketch(); };
  }

  dragged(event, place) {
    const last = this.pointers.get(event.pointerId);
    this.hasCross = false;
    if (!last) {
      this.tools.follow(place);
      return void this.hover(this.tools.isDrawing || event.target.closest("button") ? -1 : this.near(place), place);
    }
    this.pointers.set(event.pointerId, place);
    if (Math.hypot(place[0] - this.start.place[0], place[1] - this.start.place[1]) > LEAST_STEP_PX) this.start.hasMoved = true;
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, other]) => other);
    if (others.length) {
      const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
      this.zoom(apart(place, others[0]) / Math.max(apart(last, others[0]), 1), others[0]);
    } else if (this.tools.isDrawing && this.tools.tool !== "polygon") this.tools.drag(place);
    else if (this.start.hasMoved) {
      this.stage.classList.add("is-dragging");
      this.move((last[0] - place[0]) / this.camera.side, (place[1] - last[1]) / this.camera.side);
    }
    return undefined;
  }

  released(event, place) {
    if (!this.pointers.delete(event.pointerId)) return;
    this.stage.classList.remove("is-dragging");
    const wasClick = !this.start.hasMoved && event.button === 0;
    if (this.tools.tool === "polygon") {
      if (wasClick) this.tools.corner(place, event);
    } else if (this.tools.isDrawing && !wasClick) this.tools.finish(event);
    else if (wasClick) {
      this.tools.drop();
      this.pick(this.near(place));
    }
  }

  pick(point) {
    if (point < 0) return;
    this.view.header.picked = point;
    this.picked = point;
    this.send.trigger("pick", point);
    this.sketch();
  }

  near(place, reach = NEAR_PX) { return this.geometry.nearest(this.camera.unit(place), reach / this.camera.side, (point) => this.isShown(point)); }

  hover(point, place) {
    const hasChanged = point !== this.hovered;
    this.hovered = point;
    this.stage.classList.toggle("is-over", point >= 0);
    if (hasChanged) this.sketch();
    if (point < 0) this.card.hide();
    else this.card.show(this, point, place);
  }
}

const maps = new WeakMap();
const seen = new WeakMap();

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".latent-map");
  if (seen.get(root) !== data || maps.has(root)) {
    const block = unpack(data);
    if (block.header.kind !== "view") {
      root.hidden = true;
      seen.set(root, data);
      keepBlock(block);
      return undefined;
    }
  } else return undefined;
  if (!maps.has(root)) { maps.set(root, new LatentMap(root)); shownMaps.add(maps.get(root)); }
  maps.get(root).update(data, { state: setStateValue, trigger: setTriggerValue });
  return () => { maps.get(root)?.destroy(); shownMaps.delete(maps.get(root)); maps.delete(root); };
}
