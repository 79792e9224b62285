// What lies over the points of a latent map: axes, the shape in hand, rings and the lines of pairs.

const SVG_NS = "http://www.w3.org/2000/svg";
const MOST_PAIRS = 300;

/** Return ticks at round numbers between two ends: 1, 2 or 5 times a power of ten apart. */
function ticksOf(low, high, most) {
  const rough = (high - low) / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((size) => size * power).find((size) => size >= rough);
  const ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high && ticks.length < 50; k++) ticks.push(k * step);
  return { ticks, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

class Marks {
  constructor() {
    this.element = document.createElementNS(SVG_NS, "svg");
    this.element.setAttribute("class", "marks");
    this.element.setAttribute("aria-hidden", "true");
  }

  add(tag, attributes, text = "") {
    const element = document.createElementNS(SVG_NS, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.textContent = text;
    this.element.append(element);
  }

  /** Draw everything anew. */
  paint(map) {
    const { camera, geometry } = map;
    const [width, height] = camera.size;
    this.element.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.element.replaceChildren();
    if (geometry.axisTitles) this.axes(camera, geometry);
    if (map.selectedCount) this.pairs(map);
    this.shape(map);
    const { picked } = map.view.header;
    const ringed = [picked, map.hovered].filter((point, k, all) => point !== null && point >= 0 && point < geometry.points && all.indexOf(point) === k);
    for (const point of ringed) if (geometry.classOf(point) !== LEFT_OUT) this.ring(map, point, point === picked ? 5 : 3);
    if (map.hasCross) {
      const [x, y] = [width / 2, height / 2];
      for (const name of ["halo", "cross"]) this.add("path", { class: name, d: `M${x - 9} ${y}h18M${x} ${y - 9}v18` });
    }
  }

  /** Draw grid lines, ticks and titles in map coordinates. */
  axes(camera, geometry) {
    const [width, height] = camera.size;
    const [low, high] = [[0, height], [width, 0]].map((corner) => geometry.data(camera.unit(corner)));
    const place = (x, y) => camera.screen(geometry.place([x, y]));
    const across = ticksOf(low[0], high[0], width / 90);
    const up = ticksOf(low[1], high[1], height / 70);
    const at = (value) => (Math.abs(value) < 1e-9 ? "zero" : "grid");
    const text = (value, digits) => value.toFixed(digits).replace("-", "−");
    for (const value of across.ticks) {
      const [x] = place(value, 0);
      this.add("path", { class: at(value), d: `M${x} 0V${height}` });
      if (x > 70 && x < width - 20) this.add("text", { class: "tick", x, y: height - 20, "text-anchor": "middle" }, text(value, across.digits));
    }
    for (const value of up.ticks) {
      const [, y] = place(0, value);
      this.add("path", { class: at(value), d: `M0 ${y}H${width}` });
      if (y > 14 && y < height - 44) this.add("text", { class: "tick", x: 24, y: y + 4 }, text(value, up.digits));
    }
    this.add("text", { class: "title", x: width / 2, y: height - 6, "text-anchor": "middle" }, `${geometry.axisTitles[0]} →`);
    this.add("text", { class: "title", transform: `translate(15 ${height / 2}) rotate(-90)`, "text-anchor": "middle" }, `${geometry.axisTitles[1]} →`);
  }

  /** Join the two latents of the participants that are selected: an even choice where they are many. */
  pairs({ camera, geometry, mask }) {
    if (!geometry.partners) return;
    const chosen = [];
    for (let k = 0; k < geometry.points; k++) {
      const partner = geometry.partners[k];
      if (mask[k] && partner >= 0 && (k < partner || !mask[partner])) chosen.push(k);
    }
    const step = Math.max(1, Math.ceil(chosen.length / MOST_PAIRS));
    let path = "";
    for (let at = 0; at < chosen.length; at += step) {
      const partner = geometry.partnerOf(chosen[at]);
      if (partner < 0 || geometry.classOf(chosen[at]) === LEFT_OUT) continue;
      const [from, to] = [chosen[at], partner].map((point) => camera.screen(geometry.unit(point)).map((value) => value.toFixed(1)).join(" "));
      path += `M${from}L${to}`;
    }
    if (path) this.add("path", { class: "pairs", d: path });
  }

  shape({ camera, tools }) {
    const corners = tools.outline();
    if (!corners.length) return;
    const points = corners.map((corner) => camera.screen(corner));
    const text = points.map((corner) => corner.join()).join(" ");
    this.add(tools.tool === "polygon" ? "polyline" : "polygon", { class: "shape", points: text });
    if (tools.tool === "polygon") {
      const [first] = points;
      this.add("polygon", { class: "shape inside", points: text });
      this.add("circle", { class: "corner", cx: first[0], cy: first[1], r: 5 });
    }
  }

  /** Ring a point, and join it with its partner. */
  ring({ camera, geometry, dotSize }, point, gap) {
    const [x, y] = camera.screen(geometry.unit(point));
    const radius = dotSize / 2 + gap;
    const partner = geometry.partnerOf(point);
    if (partner >= 0) {
      const [px, py] = camera.screen(geometry.unit(partner));
      const length = Math.hypot(px - x, py - y);
      const cut = (from, to) => from + ((to - from) * Math.min(radius, length)) / Math.max(length, 1);
      for (const name of ["halo", "pair"]) this.add("line", { class: name, x1: cut(x, px), y1: cut(y, py), x2: cut(px, x), y2: cut(py, y) });
      for (const name of ["halo", "ring"]) this.add("circle", { class: name, cx: px, cy: py, r: radius - 1, "stroke-dasharray": name === "ring" ? "3 2" : "none" });
    }
    for (const name of ["halo", "ring"]) this.add("circle", { class: name, cx: x, cy: y, r: radius });
  }
}
