// Latent map: camera, tools, selection and hover over what map_renderer.js draws.

const ICON = (path) => `<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">${path}</svg>`;
const TOOLS = {
  pan: ["Move", ICON('<path d="M8 1.5v13M1.5 8h13M6 3.5l2-2 2 2M6 12.5l2 2 2-2M3.5 6l-2 2 2 2M12.5 6l2 2-2 2"/>')],
  lasso: ["Lasso", ICON('<path d="M8 2c3.6 0 6 1.7 6 4s-2.4 4-6 4-6-1.7-6-4 2.4-4 6-4zM4.5 9.5c-1.5 1-1.5 2.5 0 2.7s2 1 1 2.3"/>')],
  box: ["Box", ICON('<rect x="2.5" y="3" width="11" height="10" rx="1" stroke-dasharray="2.5 2"/>')],
};
const MODES = {
  replace: ["New", "A shape makes a new selection"],
  add: ["Add", "A shape adds to the selection (Shift)"],
  subtract: ["Subtract", "A shape takes from the selection (Alt)"],
};
const NEAR_PX = 12;
const LEAST_STEP_PX = 3;
const MOST_ZOOM = 400;
const SVG_NS = "http://www.w3.org/2000/svg";
const cameras = new Map();

class LatentMap {
  constructor(root) {
    this.root = root;
    this.tool = "pan";
    this.mode = "replace";
    this.hidden = new Set();
    this.hiddenClasses = new Set();
    this.shapes = [];
    this.pointers = new Map();
    this.hovered = -1;
    this.build();
  }

  build() {
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.marks = document.createElementNS(SVG_NS, "svg");
    this.marks.setAttribute("class", "marks");
    this.card = make("div", { class: "card numbers", hidden: true });
    this.message = make("div", { class: "message", role: "alert", hidden: true });
    this.stage = make("div", { class: "stage", tabindex: 0, role: "application", "aria-roledescription": "map",
      "aria-label": "Map of latents. Arrows move, plus and minus zoom, 0 shows all, P, L and B choose move, lasso and box, Escape clears the selection." },
      this.canvas, this.marks, this.card, this.message);
    this.status = make("div", { class: "status quiet numbers", role: "status" });
    this.legend = make("div");
    this.root.replaceChildren(this.toolbar(), this.stage, this.legend);
    this.renderer = Renderer.on(this.canvas);
    this.canvas.addEventListener("webglcontextlost", (event) => { event.preventDefault(); this.say("The graphics memory of this page was taken away; the map comes back when the browser returns it, or reload the page."); });
    this.canvas.addEventListener("webglcontextrestored", () => { this.say(""); this.isGeometryNew = true; this.renderer.build(); this.upload(); });
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(this.stage);
    this.listen();
  }

  destroy() {
    this.observer.disconnect();
    waiting.delete(this);
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
      this.say("This browser cannot draw the map (it lacks WebGL 2): choose the simple map, or another browser.");
      this.stage.style.height = "10rem";
      if (!this.hasTold) { this.hasTold = true; send.state("unsupported", true); }
      return;
    }
    if (data !== this.data) {
      this.data = data;
      this.view = unpack(data);
    }
    this.retry();
  }

  /** Show the view once its geometry is there: the two come in separate messages. */
  retry() {
    const { header } = this.view;
    const geometry = geometries.get(header.geometry);
    if (!geometry) return void waiting.add(this);
    waiting.delete(this);
    if (geometry !== this.geometry) this.take(geometry);
    if (header.color.title !== this.title) { this.title = header.color.title; this.hidden.clear(); }
    this.stage.style.height = `min(${header.height}px, 75vh, ${Math.max(1.05 * this.root.clientWidth, 280)}px)`;
    this.follow();
    this.upload();
    this.fit();
  }

  take(geometry) {
    if (geometry.meaning !== this.geometry?.meaning) {
      this.shapes = [];
      this.mask = new Uint8Array(geometry.points);
      this.hiddenClasses.clear();
    }
    this.geometry = geometry;
    this.followed = null;
    this.isGeometryNew = true;
    const kept = cameras.get(this.view.header.key);
    this.camera = kept?.geometry === this.view.header.geometry ? kept : { x: 0.5, y: 0.5, zoom: 1, geometry: this.view.header.geometry };
    cameras.set(this.view.header.key, this.camera);
  }

  /** Take the selection that the page gave, where it gave a new one. */
  follow() {
    const chosen = chosenPoints.get(this.view.header.key);
    if (!chosen?.header.is_given || chosen === this.followed) return;
    this.followed = chosen;
    const { bits } = chosen.arrays;
    for (let k = 0; k < this.mask.length; k++) this.mask[k] = (bits[k >> 3] >> (k & 7)) & 1 ? 255 : 0;
  }

  /** Show a selection that came after the view. */
  choose() {
    if (!this.geometry || waiting.has(this)) return;
    this.follow();
    this.renderer.setChosen(this.mask);
    this.count();
    this.draw();
  }

  upload() {
    if (this.isGeometryNew || this.renderer.points === undefined) { this.renderer.setGeometry(this.geometry); this.isGeometryNew = false; }
    this.renderer.setColumn(this.view.arrays.column);
    this.renderer.setChosen(this.mask);
    this.paintLegend();
    this.count();
    this.draw();
  }

  paintLegend() {
    const { color } = this.view.header;
    this.renderer.setTable(tableOf(color, this.hidden));
    const focused = [...this.legend.querySelectorAll("button")].indexOf(this.root.getRootNode().activeElement);
    this.legend.replaceChildren(legendOf(color, this.geometry, this.hidden, this.hiddenClasses, (set, code) => {
      if (set.has(code)) set.delete(code);
      else set.add(code);
      this.paintLegend();
      this.draw();
    }));
    this.legend.querySelectorAll("button")[focused]?.focus();
  }

  isShown(point) {
    const marker = this.geometry.classOf(point);
    if (marker === LEFT_OUT || this.hiddenClasses.has(marker)) return false;
    const { color } = this.view.header;
    const raw = this.view.arrays.column[point];
    if (color.kind === "categories") return !this.hidden.has(raw);
    return raw !== 65535 || !this.hidden.has(255);
  }

  // Camera: `zoom` 1 shows the whole unit square; screen pixels have y down, the map y up.

  get side() { return Math.min(this.stage.clientWidth, this.stage.clientHeight) * 0.94 * this.camera.zoom; }
  screen([x, y]) {
    return [this.stage.clientWidth / 2 + (x - this.camera.x) * this.side, this.stage.clientHeight / 2 - (y - this.camera.y) * this.side];
  }
  unit([left, top]) {
    return [this.camera.x + (left - this.stage.clientWidth / 2) / this.side, this.camera.y - (top - this.stage.clientHeight / 2) / this.side];
  }

  zoom(factor, place = [this.stage.clientWidth / 2, this.stage.clientHeight / 2]) {
    const before = this.unit(place);
    this.camera.zoom = Math.min(Math.max(this.camera.zoom * factor, 0.5), MOST_ZOOM);
    const after = this.unit(place);
    this.move(before[0] - after[0], before[1] - after[1]);
  }

  move(dx, dy) {
    this.camera.x = Math.min(Math.max(this.camera.x + dx, -0.25), 1.25);
    this.camera.y = Math.min(Math.max(this.camera.y + dy, -0.25), 1.25);
    this.draw();
  }

  home() {
    Object.assign(this.camera, { x: 0.5, y: 0.5, zoom: 1 });
    this.draw();
  }

  fit() {
    if (!this.geometry) return;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const [width, height] = [Math.round(this.stage.clientWidth * ratio), Math.round(this.stage.clientHeight * ratio)];
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    this.marks.setAttribute("viewBox", `0 0 ${this.stage.clientWidth} ${this.stage.clientHeight}`);
    this.draw();
  }

  draw() {
    if (this.request || !this.geometry) return;
    this.request = requestAnimationFrame(() => { this.request = 0; this.paint(); });
  }

  /** Draw anew only what lies over the points: cheap while a lasso or the hover moves. */
  sketch() {
    this.sketching ??= requestAnimationFrame(() => { this.sketching = null; this.mark(); });
  }

  paint() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || !height) return;
    const ratio = this.canvas.width / width;
    const { color } = this.view.header;
    const [sx, sy] = [(2 * this.side) / width, (2 * this.side) / height];
    const grown = Math.max(this.camera.zoom, 1) ** 0.4;
    const size = Math.min(Math.max(44 * this.geometry.points ** -0.25, 1.5) * grown, 14);
    const perValue = 65534 / (color.most - color.least);
    this.renderer.draw({
      place: [sx, sy, -this.camera.x * sx, -this.camera.y * sy],
      scale: color.kind === "categories" ? [0, 1, 255] : [(color.low - color.least) * perValue, 254 / ((color.high - color.low) * perValue), 65535],
      size: size * ratio,
      opacity: this.geometry.points > 30000 && this.camera.zoom < 8 ? 0.65 : 0.9,
      edge: this.edge,
      markers: [0, 1].map((code) => (this.hiddenClasses.has(code) ? 0 : 1)),
      hasSelection: this.selectedCount > 0,
    });
    this.size = size;
    this.mark();
  }

  /** Draw the lasso, the rings and the pair lines over the points. */
  mark() {
    const add = (tag, attributes) => {
      const element = document.createElementNS(SVG_NS, tag);
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      this.marks.append(element);
    };
    this.marks.replaceChildren();
    if (this.drawing) add("polygon", { points: this.outline().map((corner) => this.screen(corner).join()).join(" ") });
    const { picked } = this.view.header;
    const ringed = [picked, this.hovered].filter((point, k, all) => point !== null && point >= 0 && point < this.geometry.points && all.indexOf(point) === k);
    for (const point of ringed) {
      if (this.geometry.classOf(point) === LEFT_OUT) continue;
      const [x, y] = this.screen(this.geometry.unit(point));
      const radius = this.size / 2 + (point === picked ? 5 : 3);
      const partner = this.geometry.partnerOf(point);
      if (partner >= 0) {
        const [px, py] = this.screen(this.geometry.unit(partner));
        const length = Math.hypot(px - x, py - y);
        const cut = (from, to) => from + ((to - from) * Math.min(radius, length)) / Math.max(length, 1);
        for (const name of ["halo", "pair"]) add("line", { class: name, x1: cut(x, px), y1: cut(y, py), x2: cut(px, x), y2: cut(py, y) });
        for (const name of ["halo", "ring"]) add("circle", { class: name, cx: px, cy: py, r: radius - 1, "stroke-dasharray": name === "ring" ? "3 2" : "none" });
      }
      for (const name of ["halo", "ring"]) add("circle", { class: name, cx: x, cy: y, r: radius });
    }
  }

  // Tools and selection

  toolbar() {
    const group = (label, entries, get, set) => {
      const element = make("div", { class: "group", role: "group", "aria-label": label });
      const paint = () => [...element.children].forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.name === get())));
      for (const [name, [text, title]] of Object.entries(entries)) {
        const button = make("button", { type: "button", "data-name": name, title, "aria-label": title });
        button.innerHTML = text;
        button.onclick = () => { set(name); paint(); };
        element.append(button);
      }
      paint();
      return [element, paint];
    };
    const tools = Object.fromEntries(Object.entries(TOOLS).map(([name, [title, icon]]) => [name, [`${icon}<span class="wide-only">${title}</span>`, title]]));
    const [toolGroup, paintTools] = group("Tool", tools, () => this.tool, (name) => this.use(name));
    const [modeGroup] = group("How a shape changes the selection", MODES, () => this.mode, (name) => { this.mode = name; if (this.tool === "pan") this.use("lasso"); });
    this.paintTools = paintTools;
    const action = (text, title, act) => {
      const button = make("button", { type: "button", title, "aria-label": title });
      button.innerHTML = text;
      button.onclick = act;
      return button;
    };
    const views = make("div", { class: "group", role: "group", "aria-label": "View" },
      action(ICON('<circle cx="7" cy="7" r="4.5"/><path d="M10.5 10.5 14 14M5 7h4M7 5v4"/>'), "Zoom in", () => this.zoom(1.5)),
      action(ICON('<circle cx="7" cy="7" r="4.5"/><path d="M10.5 10.5 14 14M5 7h4"/>'), "Zoom out", () => this.zoom(1 / 1.5)),
      action(ICON('<path d="M2 6V2h4M14 6V2h-4M2 10v4h4M14 10v4h-4"/>'), "Show all", () => this.home()));
    this.undo = action(ICON('<path d="M3 6h7a3.5 3.5 0 0 1 0 7H7M3 6l3-3M3 6l3 3"/>'), "Undo the last shape", () => { this.shapes.pop(); this.reselect(); });
    this.clear = action("Clear", "Clear the selection (Escape)", () => { this.shapes = []; this.reselect(); });
    return make("div", { class: "bar map-bar" }, toolGroup, modeGroup, views, this.undo, this.clear, this.status);
  }

  use(tool) {
    this.tool = tool;
    this.stage.dataset.tool = tool;
    this.paintTools?.();
  }

  /** Return the corners of the shape that is being drawn, in the unit square. */
  outline() {
    const { corners } = this.drawing;
    if (this.tool !== "box") return corners;
    const [[x0, y0], [x1, y1]] = [corners[0], corners.at(-1)];
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
  }

  finish(event) {
    const mode = event.shiftKey ? "add" : event.altKey ? "subtract" : this.mode;
    const polygon = this.outline();
    this.drawing = null;
    const [width, height] = [0, 1].map((axis) => Math.max(...polygon.map((c) => c[axis])) - Math.min(...polygon.map((c) => c[axis])));
    if (polygon.length < 3 || Math.max(width, height) * this.side < 4) return this.sketch();
    const shape = {
      mode, polygon: polygon.map((corner) => this.geometry.data(corner)), geometry: this.view.header.geometry, meaning: this.geometry.meaning,
      column: this.view.header.color.title, hidden: [...this.hidden], hidden_classes: [...this.hiddenClasses],
    };
    this.shapes = mode === "replace" ? [shape] : [...this.shapes, shape];
    this.geometry.select(polygon, mode, this.mask, (point) => this.isShown(point));
    this.tell();
  }

  /** Work the mask out again from the shapes that are left. */
  reselect() {
    this.mask.fill(0);
    for (const shape of this.shapes) {
      if (shape.geometry !== this.view.header.geometry) continue;
      const { origin, span } = this.geometry;
      const polygon = shape.polygon.map(([x, y]) => [(x - origin[0]) / span, (y - origin[1]) / span]);
      const classes = new Set(shape.hidden_classes);
      const codes = new Set(shape.column === this.title ? shape.hidden : []);
      this.geometry.select(polygon, shape.mode, this.mask, (point) =>
        this.geometry.classOf(point) !== LEFT_OUT && !classes.has(this.geometry.classOf(point)) && !codes.has(this.view.arrays.column[point]));
    }
    this.tell();
  }

  tell() {
    this.renderer.setChosen(this.mask);
    this.count();
    this.draw();
    this.serial = (this.serial ?? 0) + 1;
    this.send.state("lasso", { shapes: this.shapes, serial: this.serial });
  }

  count() {
    let chosen = 0;
    for (let k = 0; k < this.mask.length; k++) chosen += this.mask[k] & 1;
    this.selectedCount = chosen;
    const all = this.geometry.classCounts[0] + this.geometry.classCounts[1];
    this.status.textContent = chosen ? `${count(chosen)} of ${count(all)} points selected` : `${count(all)} points`;
    this.undo.disabled = !this.shapes.length;
    this.clear.disabled = !chosen && !this.shapes.length;
  }

  // Pointer and keys

  listen() {
    const { stage } = this;
    this.use("pan");
    const at = (event) => { const box = stage.getBoundingClientRect(); return [event.clientX - box.left - stage.clientLeft, event.clientY - box.top - stage.clientTop]; };
    stage.addEventListener("wheel", (event) => {
      if (!this.geometry) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), at(event));
    }, { passive: false });
    stage.onpointerdown = (event) => {
      if (!this.geometry || event.button > 1) return;
      stage.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, at(event));
      this.start = { place: at(event), hasMoved: false };
      this.hover(-1);
      if (this.pointers.size > 1) this.drawing = null;
      else if (this.tool !== "pan" && event.button === 0) this.drawing = { corners: [this.unit(at(event))] };
    };
    stage.onpointermove = (event) => this.dragged(event, at(event));
    stage.onpointerup = (event) => this.released(event, at(event));
    stage.onpointercancel = (event) => { this.pointers.delete(event.pointerId); this.drawing = null; this.sketch(); };
    stage.onpointerleave = () => this.hover(-1);
    stage.onkeydown = (event) => this.key(event);
  }

  dragged(event, place) {
    if (!this.geometry) return;
    const last = this.pointers.get(event.pointerId);
    if (!last) return void this.hover(this.near(place), place);
    this.pointers.set(event.pointerId, place);
    if (Math.hypot(place[0] - this.start.place[0], place[1] - this.start.place[1]) > LEAST_STEP_PX) this.start.hasMoved = true;
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, other]) => other);
    if (others.length) {
      const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
      this.zoom(apart(place, others[0]) / Math.max(apart(last, others[0]), 1), others[0]);
    } else if (this.drawing) {
      const [x, y] = this.screen(this.drawing.corners.at(-1));
      if (this.tool === "box" || Math.hypot(place[0] - x, place[1] - y) >= LEAST_STEP_PX) this.drawing.corners.push(this.unit(place));
      this.sketch();
    } else if (this.start.hasMoved) {
      this.stage.classList.add("is-dragging");
      this.move((last[0] - place[0]) / this.side, (place[1] - last[1]) / this.side);
    }
  }

  released(event, place) {
    if (!this.pointers.delete(event.pointerId)) return;
    this.stage.classList.remove("is-dragging");
    const wasClick = !this.start.hasMoved && event.button === 0;
    if (this.drawing && !wasClick) this.finish(event);
    else if (wasClick) {
      this.drawing = null;
      const point = this.near(place);
      if (point >= 0) { this.view.header.picked = point; this.send.trigger("pick", point); }
      this.sketch();
    }
  }

  near(place) { return this.geometry.nearest(this.unit(place), NEAR_PX / this.side, (point) => this.isShown(point)); }

  hover(point, place) {
    const hasChanged = point !== this.hovered;
    this.hovered = point;
    this.card.hidden = point < 0;
    this.stage.classList.toggle("is-over", point >= 0);
    if (hasChanged && this.geometry) this.sketch();
    if (point < 0) return;
    if (hasChanged) {
      const { color } = this.view.header;
      const name = this.geometry.classNames[this.geometry.classOf(point)];
      this.card.replaceChildren(make("b", {}, `Row ${count(this.geometry.rowOf(point))}${name ? ` · ${name}` : ""}`), `${color.title}: ${valueText(color, this.view.arrays.column[point])}`);
    }
    const { offsetWidth: width, offsetHeight: height } = this.card;
    const left = place[0] + 14 + width > this.stage.clientWidth ? place[0] - 14 - width : place[0] + 14;
    const top = place[1] + 14 + height > this.stage.clientHeight ? place[1] - 14 - height : place[1] + 14;
    this.card.style.transform = `translate(${Math.max(left, 2)}px, ${Math.max(top, 2)}px)`;
  }

  key(event) {
    if (!this.geometry || event.ctrlKey || event.metaKey) return;
    const far = 40 / this.side;
    const act = {
      ArrowLeft: () => this.move(-far, 0), ArrowRight: () => this.move(far, 0), ArrowUp: () => this.move(0, far), ArrowDown: () => this.move(0, -far),
      "+": () => this.zoom(1.3), "=": () => this.zoom(1.3), "-": () => this.zoom(1 / 1.3), 0: () => this.home(),
      Escape: () => { this.drawing = null; this.shapes = []; this.reselect(); },
      p: () => this.use("pan"), l: () => this.use("lasso"), b: () => this.use("box"),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

const maps = new WeakMap();
const shownMaps = new Set();
const blocks = new WeakMap();
const chosenPoints = new Map();

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".latent-map");
  const { header, arrays } = unpack(data);
  if (header.kind !== "view") {
    root.hidden = true;
    if (blocks.get(root) === data) return undefined;
    blocks.set(root, data);
    if (header.kind === "geometry") keepGeometry(header.geometry, { header, arrays });
    else {
      chosenPoints.set(header.key, { header, arrays });
      for (const map of shownMaps) if (map.view?.header.key === header.key) map.choose();
    }
    return undefined;
  }
  if (!maps.has(root)) { maps.set(root, new LatentMap(root)); shownMaps.add(maps.get(root)); }
  maps.get(root).update(data, { state: setStateValue, trigger: setTriggerValue });
  return () => { maps.get(root)?.destroy(); shownMaps.delete(maps.get(root)); maps.delete(root); };
}
