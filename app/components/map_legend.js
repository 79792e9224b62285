// Legend of a latent map: categories and markers that can be hidden, or a color bar with two handles.

const NO_ROW = 4294967295;
const MISSING_LEVEL = 65535;
const MOST_LEVEL = 65534;
const BINS = 48;
const HANDLE_STEPS = 240;

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

/** Return the text of a point's value, for the card. */
function valueText(color, raw) {
  if (color.kind === "categories") return raw === 255 ? "not measured" : color.names[raw];
  if (raw === MISSING_LEVEL) return "not measured";
  return `${plain(valueOf(color, raw))} ${color.unit}`.trim();
}

const valueOf = (color, level) => color.least + (level / MOST_LEVEL) * (color.most - color.least);
const levelOf = (color, value) => Math.round(((value - color.least) / (color.most - color.least)) * MOST_LEVEL);

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

/** What the legend hides, and its buttons and handles. */
class Legend {
  constructor(onChange) {
    this.element = make("div");
    this.onChange = onChange;
    this.hidden = new Set();
    this.hiddenClasses = new Set();
    this.levels = null;
  }

  /** Take a column; another one starts with all shown. */
  take(column) {
    if (column.color.title !== this.color?.title) {
      this.hidden.clear();
      this.levels = null;
    }
    this.color = column.color;
    this.column = column;
  }

  /** What a shape keeps of the legend, so that it can be tested again. */
  get state() {
    const range = this.levels ? { levels: this.levels, range: this.levels.map((level) => valueOf(this.color, level)) } : {};
    return { column: this.color.title, hidden: [...this.hidden], hidden_classes: [...this.hiddenClasses], ...range };
  }

  isShown(raw) {
    if (this.color.kind === "categories") return !this.hidden.has(raw);
    if (raw === MISSING_LEVEL) return !this.hidden.has(255);
    return !this.levels || (raw >= this.levels[0] && raw <= this.levels[1]);
  }

  /** First and last value that is drawn, as the renderer compares them. */
  get drawn() { return this.color.kind === "numbers" && this.levels ? this.levels : [0, MISSING_LEVEL]; }

  paint(geometry) {
    const focused = [...this.element.querySelectorAll("button, input")].indexOf(this.element.getRootNode().activeElement);
    const parts = [];
    const { color } = this;
    const toggle = (set, code) => () => {
      if (set.has(code)) set.delete(code);
      else set.add(code);
      this.paint(geometry);
      this.onChange();
    };
    const isByClass = color.kind === "categories" && geometry.classNames.length > 1 && color.names.join("|") === geometry.classNames.join("|");
    if (geometry.classNames.length > 1 && !isByClass) {
      const marks = make("div", { class: "entries", role: "group", "aria-label": "Markers" });
      geometry.classNames.slice(0, 2).forEach((name, code) => {
        const swatch = make("i", { class: code ? "mark diamond" : "mark" });
        marks.append(entry(swatch, name, geometry.classCounts[code], !this.hiddenClasses.has(code), toggle(this.hiddenClasses, code)));
      });
      parts.push(marks);
    }
    const entries = make("div", { class: "entries", role: "group", "aria-label": color.title });
    if (color.kind === "categories") {
      color.names.forEach((name, code) =>
        entries.append(entry(dot(color.palette[code], isByClass && code === 1), name, color.counts[code], !this.hidden.has(code), toggle(this.hidden, code))));
      parts.push(make("strong", {}, color.title));
    } else parts.push(this.bar());
    if (color.missing) {
      entries.append(entry(dot(color.missing_color), "not measured", color.missing, !this.hidden.has(255), toggle(this.hidden, 255)));
    }
    if (entries.childElementCount) parts.push(entries);
    this.element.replaceChildren(make("div", { class: "legend" }, ...parts));
    [...this.element.querySelectorAll("button, input")][focused]?.focus();
  }

  /** Return the color bar: a histogram of the values, and handles that hide what lies outside. */
  bar() {
    const { color } = this;
    const unit = color.unit ? ` ${color.unit}` : "";
    const handle = (name, end) => {
      const input = make("input", { type: "range", min: 0, max: HANDLE_STEPS, step: 1, "aria-label": `${name} ${color.title} shown` });
      input.value = this.levels ? this.stepOf(this.levels[end]) : end * HANDLE_STEPS;
      return input;
    };
    const inputs = [handle("Least", 0), handle("Greatest", 1)];
    const text = make("output", { class: "numbers quiet" });
    const picture = make("div", { class: "histogram", "aria-hidden": "true" });
    const counts = this.counts();
    const most = Math.max(...counts, 1);
    const stops = tableOf(color, new Set());
    counts.forEach((total, k) => {
      const at = 4 * Math.round((k / (BINS - 1)) * 254);
      const stick = make("i");
      stick.style.height = `${total ? Math.max(6, (100 * total) / most) : 0}%`;
      stick.style.background = `rgb(${stops.slice(at, at + 3).join()})`;
      picture.append(stick);
    });
    const ramp = make("i", { class: "ramp" });
    ramp.style.background = `linear-gradient(to right, ${color.palette.join(", ")})`;
    const say = () => {
      const [low, high] = inputs.map((input) => Number(input.value));
      const isAll = low === 0 && high === HANDLE_STEPS;
      inputs.forEach((input, end) => input.setAttribute("aria-valuetext", `${plain(this.valueAt(end ? high : low))}${unit}`));
      [...picture.children].forEach((stick, k) => stick.classList.toggle("out", (k + 0.5) / BINS < low / HANDLE_STEPS || (k + 0.5) / BINS > high / HANDLE_STEPS));
      const share = (value) => `${(100 * value).toFixed(value < 0.0995 ? 1 : 0)} %`;
      text.textContent = isAll
        ? (color.below || color.above ? `colors end at ${plain(color.low)} and ${plain(color.high)}: ${share(color.below)} lie below, ${share(color.above)} above` : "")
        : `shown: ${low ? plain(this.valueAt(low)) : "all below"} to ${high < HANDLE_STEPS ? `${plain(this.valueAt(high))}${unit}` : "all above"}`;
    };
    inputs.forEach((input, end) => {
      input.oninput = () => {
        const [low, high] = inputs.map((each) => Number(each.value));
        if (low > high) input.value = end ? low : high;
        const [first, last] = inputs.map((each) => Number(each.value));
        const isAll = first === 0 && last === HANDLE_STEPS;
        this.levels = isAll ? null : [first ? levelOf(color, this.valueAt(first)) : 0, last < HANDLE_STEPS ? levelOf(color, this.valueAt(last)) : MOST_LEVEL];
        say();
        this.onChange();
      };
      input.ondblclick = () => { input.value = end * HANDLE_STEPS; input.oninput(); };
    });
    say();
    return make("div", { class: "bar-legend", role: "group", "aria-label": color.title },
      make("strong", {}, color.title), make("div", { class: "ramp-row numbers" },
        make("span", {}, `${color.below ? "≤ " : ""}${plain(color.low)}`),
        make("div", { class: "ranger", title: "Drag an end to hide what lies outside; double click: all" }, picture, ramp, ...inputs),
        make("span", {}, `${color.above ? "≥ " : ""}${plain(color.high)}${unit}`)), text);
  }

  valueAt(step) { return this.color.low + (step / HANDLE_STEPS) * (this.color.high - this.color.low); }
  stepOf(level) {
    if (level <= 0) return 0;
    if (level >= MOST_LEVEL) return HANDLE_STEPS;
    return Math.round(((valueOf(this.color, level) - this.color.low) / (this.color.high - this.color.low)) * HANDLE_STEPS);
  }

  /** Return how many points lie in each part of the bar; what lies beyond counts at its ends. */
  counts() {
    if (this.column.bins) return this.column.bins;
    const { values } = this.column;
    const bins = new Array(BINS).fill(0);
    const [low, high] = [this.color.low, this.color.high].map((value) => ((value - this.color.least) / (this.color.most - this.color.least)) * MOST_LEVEL);
    const scale = BINS / (high - low);
    for (let k = 0; k < values.length; k++) {
      if (values[k] === MISSING_LEVEL) continue;
      bins[Math.min(Math.max(Math.floor((values[k] - low) * scale), 0), BINS - 1)] += 1;
    }
    this.column.bins = bins;
    return bins;
  }
}
