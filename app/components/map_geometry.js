// Geometry of a latent map: kept by its hash across redraws, with a grid for the nearest point.

const LEFT_OUT = 255;
const UNITS = 65535;
const CELLS = 256;
const MOST_KEPT = 4;

class Geometry {
  constructor({ header, arrays }) {
    Object.assign(this, {
      points: header.points, meaning: header.meaning, origin: header.origin, span: header.span,
      classNames: header.class_names, positions: arrays.positions, rows: arrays.rows ?? null,
      classes: arrays.classes ?? null, partners: arrays.partners ?? null, axisTitles: header.axis_titles ?? null,
    });
    this.classCounts = [0, 0];
    for (let k = 0; k < this.points; k++) {
      const name = this.classes ? this.classes[k] : 0;
      if (name < 2) this.classCounts[name] += 1;
    }
  }

  classOf(point) { return this.classes ? this.classes[point] : 0; }
  rowOf(point) { return this.rows ? this.rows[point] : point; }
  partnerOf(point) {
    const partner = this.partners ? this.partners[point] : -1;
    return partner >= 0 && partner < this.points && this.classOf(partner) !== LEFT_OUT ? partner : -1;
  }

  /** Return the place of a point in the unit square of the map. */
  unit(point) { return [this.positions[2 * point] / UNITS, this.positions[2 * point + 1] / UNITS]; }

  /** Return map coordinates of a place in the unit square. */
  data([x, y]) { return [this.origin[0] + x * this.span, this.origin[1] + y * this.span]; }

  /** Return the place in the unit square of map coordinates. */
  place([x, y]) { return [(x - this.origin[0]) / this.span, (y - this.origin[1]) / this.span]; }

  /** Points sorted by the cell of a 256 × 256 grid that they lie in; built at the first use. */
  get grid() {
    if (this.built) return this.built;
    const cellOf = (k) => (this.positions[2 * k + 1] >> 8) * CELLS + (this.positions[2 * k] >> 8);
    const starts = new Uint32Array(CELLS * CELLS + 1);
    for (let k = 0; k < this.points; k++) starts[cellOf(k) + 1] += 1;
    for (let c = 0; c < CELLS * CELLS; c++) starts[c + 1] += starts[c];
    const next = starts.slice();
    const order = new Uint32Array(this.points);
    for (let k = 0; k < this.points; k++) order[next[cellOf(k)]++] = k;
    this.built = { starts, order };
    return this.built;
  }

  /** Return the shown point nearest to a place of the unit square within `radius`, or −1. */
  nearest([x, y], radius, isShown) {
    const { starts, order } = this.grid;
    const [px, py, reach] = [x * UNITS, y * UNITS, radius * UNITS];
    const cell = (value) => Math.min(Math.max(Math.floor(value / 256), 0), CELLS - 1);
    let best = -1;
    let least = reach * reach;
    for (let row = cell(py - reach); row <= cell(py + reach); row++) {
      const from = starts[row * CELLS + cell(px - reach)];
      const to = starts[row * CELLS + cell(px + reach) + 1];
      for (let at = from; at < to; at++) {
        const k = order[at];
        const dx = this.positions[2 * k] - px;
        const dy = this.positions[2 * k + 1] - py;
        const distance = dx * dx + dy * dy;
        if (distance <= least && isShown(k)) { least = distance; best = k; }
      }
    }
    return best;
  }

  /** Mark in `mask` the shown points inside a polygon of the unit square (even-odd rule). */
  select(polygon, mode, mask, isShown) {
    const corners = polygon.map(([x, y]) => [x * UNITS, y * UNITS]);
    const xs = corners.map((corner) => corner[0]);
    const ys = corners.map((corner) => corner[1]);
    const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    if (mode === "replace") mask.fill(0);
    const value = mode === "subtract" ? 0 : 255;
    for (let k = 0; k < this.points; k++) {
      const x = this.positions[2 * k];
      const y = this.positions[2 * k + 1];
      if (x < left || x > right || y < low || y > high || !isShown(k)) continue;
      let isInside = false;
      for (let i = 0, j = corners.length - 1; i < corners.length; j = i++) {
        const [x0, y0] = corners[i];
        const [x1, y1] = corners[j];
        if ((y0 > y) !== (y1 > y) && x < ((x1 - x0) * (y - y0)) / (y1 - y0) + x0) isInside = !isInside;
      }
      if (isInside) mask[k] = value;
    }
  }
}

/** Blocks that came in messages of their own, by what they are and their name. */
const blocks = { geometry: new Map(), column: new Map(), chosen: new Map() };
const waiting = new Set();

/** Keep a block, and start or tell the maps that wait for it. */
function keepBlock({ header, arrays }) {
  const kept = blocks[header.kind];
  if (header.kind === "geometry") { if (!kept.has(header.geometry)) kept.set(header.geometry, new Geometry({ header, arrays })); }
  else if (header.kind === "column") { if (!kept.has(header.column)) kept.set(header.column, { color: header.color, values: arrays.column }); }
  else kept.set(header.key, { ...header, bits: arrays.bits });
  while (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  for (const map of [...waiting]) map.retry();
  if (header.kind === "chosen") for (const map of shownMaps) map.choose(header.key);
}
