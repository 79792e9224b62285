// Legend of a latent map: categories and markers that can be hidden, or a color bar.

const count = (value) => value.toLocaleString("en");
const hexOf = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));

/** Return a number with about three digits, as people write it. */
function plain(value) {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return Number(value.toFixed(digits)).toLocaleString("en").replace("-", "−");
}

/** Return 256 RGBA colors: of the codes, or along the scale; the last for missing values. */
function tableOf(color, hidden) {
  const table = new Uint8Array(256 * 4);
  const stops = color.palette.map(hexOf);
  for (let k = 0; k < 255; k++) {
    if (color.kind === "categories") table.set([...(stops[k] ?? [0, 0, 0]), hidden.has(k) ? 0 : 255], 4 * k);
    else {
      const at = (k / 254) * (stops.length - 1);
      const i = Math.min(Math.floor(at), stops.length - 2);
      table.set([...stops[i].map((value, c) => Math.round(value + (stops[i + 1][c] - value) * (at - i))), 255], 4 * k);
    }
  }
  table.set([...hexOf(color.missing_color), hidden.has(255) ? 0 : 255], 4 * 255);
  return table;
}

/** Return the text of a point's value, for the hover card. */
function valueText(color, raw) {
  if (color.kind === "categories") return raw === 255 ? "not measured" : color.names[raw];
  if (raw === 65535) return "not measured";
  return `${plain(color.least + (raw / 65534) * (color.most - color.least))} ${color.unit}`.trim();
}

function entry(swatch, name, total, isShown, onToggle) {
  const button = make("button", { type: "button", "aria-pressed": String(isShown), title: `Show or hide: ${name}` },
    swatch, make("span", { class: "name" }, name), make("span", { class: "quiet numbers" }, count(total)));
  button.onclick = onToggle;
  return button;
}

function dot(color, isDiamond = false) {
  const swatch = make("i", { class: isDiamond ? "dot diamond" : "dot" });
  swatch.style.background = color;
  return swatch;
}

/** Return the legend; `toggle(set, code)` is called when an entry is pressed. */
function legendOf(color, geometry, hidden, hiddenClasses, toggle) {
  const parts = [];
  const isByClass = color.kind === "categories" && geometry.classNames.length > 1 && color.names.join("|") === geometry.classNames.join("|");
  if (geometry.classNames.length > 1 && !isByClass) {
    const marks = make("div", { class: "entries", role: "group", "aria-label": "Markers" });
    geometry.classNames.slice(0, 2).forEach((name, code) => {
      const swatch = make("i", { class: code ? "mark diamond" : "mark" });
      marks.append(entry(swatch, name, geometry.classCounts[code], !hiddenClasses.has(code), () => toggle(hiddenClasses, code)));
    });
    parts.push(marks);
  }
  const entries = make("div", { class: "entries", role: "group", "aria-label": color.title });
  if (color.kind === "categories") {
    color.names.forEach((name, code) =>
      entries.append(entry(dot(color.palette[code], isByClass && code === 1), name, color.counts[code], !hidden.has(code), () => toggle(hidden, code))));
  } else {
    const bar = make("i", { class: "ramp" });
    bar.style.background = `linear-gradient(to right, ${color.palette.join(", ")})`;
    const unit = color.unit ? ` ${color.unit}` : "";
    parts.push(make("div", { class: "bar-legend", role: "img", "aria-label": `${color.title}: colors from ${plain(color.low)} to ${plain(color.high)}${unit}` },
      make("strong", {}, color.title), make("div", { class: "ramp-row numbers" },
        `${color.low > color.least ? "≤ " : ""}${plain(color.low)}`, bar, `${color.high < color.most ? "≥ " : ""}${plain(color.high)}${unit}`)));
  }
  if (color.missing) {
    entries.append(entry(dot(color.missing_color), "not measured", color.missing, !hidden.has(255), () => toggle(hidden, 255)));
  }
  if (color.kind === "categories") parts.push(make("strong", {}, color.title));
  if (entries.childElementCount) parts.push(entries);
  return make("div", { class: "legend" }, ...parts);
}
