// One screen of a cine: bytes on a canvas through a table of 256 colors. Needs wire.js before it.

const DIVERGING = {
  light: [[33, 72, 148], [103, 169, 207], [247, 247, 247], [239, 138, 98], [158, 20, 40]],
  dark: [[150, 190, 255], [38, 98, 160], [20, 18, 20], [160, 62, 32], [255, 178, 150]],
};

/** Window 1 and level 0.5 show the recording's own range; a view of scale 1 shows all of it. */
const AS_RECORDED = { window: 1, level: 0.5 };
const WHOLE = { scale: 1, x: 0.5, y: 0.5 };

/** Return the color in 0–1 along a list of colors. */
function between(colors, place) {
  const at = Math.min(Math.max(place, 0), 1) * (colors.length - 1);
  const k = Math.min(Math.floor(at), colors.length - 2);
  return colors[k].map((value, channel) => Math.round(value + (colors[k + 1][channel] - value) * (at - k)));
}

const packed = ([red, green, blue]) => (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
const short = (value) => (Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(2))).toLocaleString("en");

/**
 * One picture: a small canvas with the pixels, drawn smoothly onto the one that is seen.
 *
 * `entry` holds the facts that cine_pixels.py made, `pixels` its bytes, (frames, rows, columns).
 * Put `element` on the page, call `fit()` once it has a size, `color(…)`, then `draw(frame)`.
 * `pixels` and `view` may be replaced at any time; what is seen changes at the next `draw`.
 */
class CineScreen {
  constructor(entry, pixels) {
    this.entry = entry;
    this.pixels = pixels;
    this.view = WHOLE;
    this.table = new Uint32Array(256);
    const { rows, columns, label, kind, note, marks } = entry;
    this.small = make("canvas", { width: columns, height: rows });
    this.context = this.small.getContext("2d");
    this.image = this.context.createImageData(columns, rows);
    this.words = new Uint32Array(this.image.data.buffer);
    this.canvas = make("canvas", { role: "img", "aria-label": `Cine, ${label}` });
    this.box = make("div", { class: `screen${kind === "difference" ? " is-difference" : ""}` }, this.canvas);
    this.box.style.setProperty("--aspect", `${columns} / ${rows}`);
    (marks ?? []).forEach((text, side) => this.box.append(make("span", { class: `mark side-${side}`, "aria-hidden": "true" }, text)));
    this.element = make("figure", {}, make("figcaption", {}, label), this.box);
    if (kind === "difference") this.element.append(this.scaleBar());
    if (note) this.element.append(make("div", { class: "note quiet" }, note));
  }

  scaleBar() {
    this.gradient = make("i");
    const { low, high, unit } = this.entry;
    const end = `${short(high)}${unit ? ` ${unit}` : ""}`;
    return make("div", { class: "scale-bar numbers", role: "img", "aria-label": `Scale from minus ${end} to plus ${end}` },
      `−${short(-low)}`, this.gradient, `+${end}`);
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

  /** Give the seen canvas as many pixels as the screen has. */
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
    const { words, table, pixels, view } = this;
    const start = frame * words.length;
    for (let k = 0; k < words.length; k++) words[k] = table[pixels[start + k]];
    this.context.putImageData(this.image, 0, 0);
    const [width, height] = [this.small.width / view.scale, this.small.height / view.scale];
    const left = view.x * this.small.width - width / 2;
    const top = view.y * this.small.height - height / 2;
    this.seen.drawImage(this.small, left, top, width, height, 0, 0, this.canvas.width, this.canvas.height);
  }
}
