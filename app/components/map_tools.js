// Tools of a latent map: the toolbar, shapes drawn by pointer or key, and their history.

const ICON = (path) => `<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">${path}</svg>`;
const TOOLS = {
  pan: ["Move", "Move the map; click a dot to see its heart (P)", ICON('<path d="M8 1.5v13M1.5 8h13M6 3.5l2-2 2 2M6 12.5l2 2 2-2M3.5 6l-2 2 2 2M12.5 6l2 2-2 2"/>')],
  lasso: ["Lasso", "Draw around points (L)", ICON('<path d="M8 2c3.6 0 6 1.7 6 4s-2.4 4-6 4-6-1.7-6-4 2.4-4 6-4zM4.5 9.5c-1.5 1-1.5 2.5 0 2.7s2 1 1 2.3"/>')],
  polygon: ["Polygon", "Click corners; double click or Enter closes (G)", ICON('<path d="M8 2.2 13.8 6.6 11.6 13.4H4.4L2.2 6.6z"/>')],
  box: ["Box", "Drag a box (B)", ICON('<rect x="2.5" y="3" width="11" height="10" rx="1" stroke-dasharray="2.5 2"/>')],
};
const MODES = {
  replace: ["New", "A shape makes a new selection", ICON('<circle cx="8" cy="8" r="5"/>')],
  add: ["Add", "A shape adds to the selection (Shift)", ICON('<circle cx="6.4" cy="8" r="4.4"/><path d="M12.8 5.4v5.2M10.2 8h5.2"/>')],
  subtract: ["Subtract", "A shape takes from the selection (Alt)", ICON('<circle cx="6.4" cy="8" r="4.4"/><path d="M11 8h4.4"/>')],
};
const NEAR_PX = 12;
const NEAR_KEY_PX = 48;
const LEAST_STEP_PX = 3;
const MOST_SHAPES = 200;

function action(text, title, act, key = "") {
  const button = make("button", { type: "button", title: key ? `${title} (${key})` : title, "aria-label": title });
  button.innerHTML = text;
  button.onclick = act;
  return button;
}

class Tools {
  constructor(map) {
    this.map = map;
    this.tool = "pan";
    this.mode = "replace";
    this.corners = [];
    this.forget([]);
    this.build();
  }

  build() {
    const { map } = this;
    const [tools, paintTools] = this.group("Tool", TOOLS, "mid-only", () => this.tool, (name) => this.use(name));
    const [modes, paintModes] = this.group("How a shape changes the selection", MODES, "wide-only", () => this.mode, (name) => {
      this.mode = name;
      if (this.tool === "pan") this.use("lasso");
    });
    this.repaint = () => { paintTools(); paintModes(); };
    this.undo = action(ICON('<path d="M3 6h7a3.5 3.5 0 0 1 0 7H7M3 6l3-3M3 6l3 3"/>'), "Undo the last shape", () => this.step(-1), "Ctrl Z");
    this.redo = action(ICON('<path d="M13 6H6a3.5 3.5 0 0 0 0 7h3M13 6l-3-3M13 6l-3 3"/>'), "Redo", () => this.step(1), "Ctrl Shift Z");
    this.clear = action("Clear", "Clear the selection", () => this.reset(), "Escape");
    const steps = make("div", { class: "group", role: "group", "aria-label": "History" }, this.undo, this.redo);
    this.bar = make("div", { class: "bar map-bar" }, tools, modes, steps, this.clear);
    this.views = make("div", { class: "group views", role: "group", "aria-label": "View" },
      action(ICON('<path d="M8 3v10M3 8h10"/>'), "Zoom in", () => map.zoom(1.5), "+"),
      action(ICON('<path d="M3 8h10"/>'), "Zoom out", () => map.zoom(1 / 1.5), "−"),
      action(ICON('<path d="M2.5 6V2.5H6M13.5 6V2.5H10M2.5 10v3.5H6M13.5 10v3.5H10"/>'), "Show all", () => map.home(), "0"));
    this.repaint();
  }

  group(label, entries, room, get, set) {
    const element = make("div", { class: "group", role: "group", "aria-label": label });
    const paint = () => [...element.children].forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.name === get())));
    for (const [name, [text, title, icon]] of Object.entries(entries)) {
      const button = make("button", { type: "button", "data-name": name, title, "aria-label": text });
      button.innerHTML = `${icon}<span class="${room}">${text}</span>`;
      button.onclick = () => { set(name); paint(); };
      element.append(button);
    }
    return [element, paint];
  }

  use(tool) {
    this.tool = tool;
    this.corners = [];
    this.map.stage.dataset.tool = tool;
    this.repaint();
    this.map.sketch();
  }

  // The shape in hand

  get isDrawing() { return this.corners.length > 0; }

  start(place) { this.corners = [this.map.camera.unit(place)]; }

  /** Go on with a lasso or a box. */
  drag(place) {
    const [x, y] = this.map.camera.screen(this.corners.at(-1));
    if (this.tool === "box" || Math.hypot(place[0] - x, place[1] - y) >= LEAST_STEP_PX) this.corners.push(this.map.camera.unit(place));
    this.map.sketch();
  }

  /** Add a corner to a polygon; back at its first one it closes. */
  corner(place, event = {}) {
    if (this.corners.length > 2) {
      const [x, y] = this.map.camera.screen(this.corners[0]);
      if (Math.hypot(place[0] - x, place[1] - y) < NEAR_PX) return this.finish(event);
    }
    const last = this.isDrawing ? this.map.camera.screen(this.corners.at(-1)) : null;
    if (!last || Math.hypot(place[0] - last[0], place[1] - last[1]) > LEAST_STEP_PX) this.corners.push(this.map.camera.unit(place));
    return this.map.sketch();
  }

  /** Let the last side of a polygon follow the pointer. */
  follow(place) {
    this.loose = this.tool === "polygon" && this.isDrawing ? this.map.camera.unit(place) : null;
    if (this.loose) this.map.sketch();
  }

  drop() {
    this.corners = [];
    this.loose = null;
    this.map.sketch();
  }

  /** Return the corners of the shape that is being drawn, in the unit square. */
  outline() {
    if (this.tool === "polygon" && this.loose && this.isDrawing) return [...this.corners, this.loose];
    if (this.tool !== "box" || !this.isDrawing) return this.corners;
    const [[x0, y0], [x1, y1]] = [this.corners[0], this.corners.at(-1)];
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
  }

  finish(event = {}) {
    const { map } = this;
    this.loose = null;
    const mode = event.shiftKey ? "add" : event.altKey ? "subtract" : this.mode;
    const polygon = this.outline();
    this.corners = [];
    const sizes = polygon.length < 3 ? [0] : [0, 1].map((axis) => Math.max(...polygon.map((c) => c[axis])) - Math.min(...polygon.map((c) => c[axis])));
    if (Math.max(...sizes) * map.camera.side < 4 || this.shapes.length >= MOST_SHAPES) return map.sketch();
    const shape = {
      mode, polygon: polygon.map((corner) => map.geometry.data(corner)), geometry: map.view.header.geometry,
      meaning: map.geometry.meaning, ...map.legend.state,
    };
    this.keep(mode === "replace" ? [shape] : [...this.shapes, shape]);
    map.geometry.select(polygon, mode, map.mask, (point) => map.isShown(point));
    return map.tell();
  }

  // History: every state of the shapes, and which of them holds

  get shapes() { return this.history[this.at]; }

  keep(shapes) {
    this.history = [...this.history.slice(0, this.at + 1), shapes].slice(-50);
    this.at = this.history.length - 1;
  }

  /** Start a history, from shapes that stay: those before it lie on another map. */
  forget(shapes) {
    this.history = [shapes];
    this.at = 0;
  }

  step(by) {
    if (!this.history[this.at + by]) return;
    this.at += by;
    this.map.reselect();
  }

  reset() {
    this.drop();
    if (this.shapes.length) this.keep([]);
    this.map.reselect();
  }

  count(chosen) {
    this.undo.disabled = !this.at;
    this.redo.disabled = this.at === this.history.length - 1;
    this.clear.disabled = !chosen && !this.shapes.length;
  }

  // Keys

  key(event) {
    const { map } = this;
    if (event.ctrlKey || event.metaKey) {
      if (event.key.toLowerCase() !== "z" && event.key.toLowerCase() !== "y") return;
      event.preventDefault();
      this.step(event.shiftKey || event.key.toLowerCase() === "y" ? 1 : -1);
      return;
    }
    const far = 40 / map.camera.side;
    const act = {
      ArrowLeft: () => map.move(-far, 0), ArrowRight: () => map.move(far, 0), ArrowUp: () => map.move(0, far), ArrowDown: () => map.move(0, -far),
      "+": () => map.zoom(1.3), "=": () => map.zoom(1.3), "-": () => map.zoom(1 / 1.3), 0: () => map.home(),
      Escape: () => (this.isDrawing ? this.drop() : this.reset()),
      p: () => this.use("pan"), l: () => this.use("lasso"), g: () => this.use("polygon"), b: () => this.use("box"),
      " ": () => this.put(event), Enter: () => (this.isDrawing ? this.finish(event) : this.put(event)),
      Backspace: () => { if (this.tool === "polygon") { this.corners.pop(); map.sketch(); } },
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** Act at the middle of the stage, under which the arrows move the map. */
  put(event) {
    const { map } = this;
    const middle = map.camera.size.map((length) => length / 2);
    if (this.tool !== "pan") {
      if (this.tool !== "polygon") this.use("polygon");
      this.corner(middle, event);
    } else map.pick(map.near(middle, NEAR_KEY_PX));
  }
}
