// Distributions: histograms of the cohort and the selection; a brush or a click filters.

const percent = (share) => (share > 0 && share < 0.001 ? "<0.1 %" : `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`);
const grouped = (value) => value.toLocaleString("en-US");

/** Return a number as short as the step of its axis allows. */
function written(value, step) {
  const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  const isHalf = Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits + (isHalf ? 1 : 0) }).replace("-", "−");
}

class Histogram {
  constructor(root, column, send) {
    Object.assign(this, { root, column, send });
    const { edges } = column;
    this.bins = column.all.length;
    this.step = edges[1] - edges[0];
    this.from = column.low === null ? 0 : this.bin(column.low);
    this.to = column.high === null ? this.bins : this.bin(column.high);
    this.build();
  }

  bin(value) { return Math.min(Math.max(Math.round((value - this.column.edges[0]) / this.step), 0), this.bins); }
  get isBrushed() { return this.from > 0 || this.to < this.bins; }
  value(edge) { return this.column.edges[edge]; }

  build() {
    const { column } = this;
    const unit = column.unit ? ` ${column.unit}` : "";
    this.range = make("span", { class: "range numbers" });
    this.remove = make("button", { type: "button", title: `Remove the filter on ${column.title}`, "aria-label": `Remove the filter on ${column.title}` }, "×");
    this.remove.onclick = () => this.set(0, this.bins);
    this.plot = make("div", { class: "plot" });
    this.plot.innerHTML = this.bars();
    this.shades = [make("div", { class: "shade" }), make("div", { class: "shade" })];
    this.handles = ["Least", "Greatest"].map((name, side) => {
      const handle = make("div", { class: "handle", tabindex: 0, role: "slider", "aria-label": `${name} ${column.title}${unit}`, "aria-valuemin": column.edges[0], "aria-valuemax": column.edges.at(-1) });
      handle.onkeydown = (event) => this.key(event, side);
      handle.onblur = () => this.tell();
      return handle;
    });
    this.plot.append(...this.shades, ...this.handles);
    this.root.replaceChildren(
      make("div", { class: "title" }, make("b", { title: column.title + unit }, column.title), make("span", { class: "quiet" }, column.unit), this.range, this.remove),
      this.plot,
      make("div", { class: "ends numbers" }, make("span", {}, written(column.edges[0], this.step)), make("span", {}, written(column.edges.at(-1), this.step))),
    );
    this.listen();
    this.paint();
  }

  bars() {
    const { all, selected, title } = this.column;
    const total = (counts) => Math.max(counts.reduce((sum, count) => sum + count, 0), 1);
    const shares = [["all", all, total(all)], ["mine", selected, total(selected)]];
    const most = Math.max(...shares.map(([, counts, sum]) => Math.max(0, ...counts) / sum), 1e-9);
    const path = ([name, counts, sum]) => `<path class="${name}" d="${counts.map((count, k) => (count ? `M${k + 0.06} 100V${100 - (97 * count) / sum / most}H${k + 0.94}V100Z` : "")).join("")}"/>`;
    return `<svg viewBox="0 0 ${this.bins} 100" preserveAspectRatio="none" role="img" aria-label="Distribution of ${title.replace(/[<>&"]/g, " ")}">${shares.map(path).join("")}<path class="axis" d="M0 100H${this.bins}"/></svg>`;
  }

  paint() {
    const left = (edge) => `${(100 * edge) / this.bins}%`;
    Object.assign(this.shades[0].style, { left: 0, width: left(this.from) });
    Object.assign(this.shades[1].style, { left: left(this.to), right: 0 });
    [this.from, this.to].forEach((edge, side) => {
      const handle = this.handles[side];
      handle.style.left = left(edge);
      handle.classList.toggle("is-off", side ? edge === this.bins : edge === 0);
      handle.setAttribute("aria-valuenow", this.value(edge));
      handle.setAttribute("aria-valuetext", `${written(this.value(edge), this.step)} ${this.column.unit}`);
    });
    const low = this.from > 0 ? written(this.value(this.from), this.step) : "";
    const high = this.to < this.bins ? written(this.value(this.to), this.step) : "";
    this.range.textContent = low && high ? `${low} to ${high}` : low ? `≥ ${low}` : high ? `≤ ${high}` : "";
    this.remove.hidden = !this.isBrushed;
  }

  set(from, to, isDone = true) {
    [this.from, this.to] = [from, to];
    this.isNew = true;
    this.paint();
    if (isDone) this.tell();
  }

  tell() {
    if (!this.isNew) return;
    this.isNew = false;
    this.send({
      name: this.column.name,
      low: this.from > 0 ? this.value(this.from) : null,
      high: this.to < this.bins ? this.value(this.to) : null,
    });
  }

  key(event, side) {
    const edge = side ? this.to : this.from;
    const goal = { ArrowLeft: edge - 1, ArrowDown: edge - 1, ArrowRight: edge + 1, ArrowUp: edge + 1, Home: 0, End: this.bins }[event.key];
    if (event.key === "Escape") this.set(0, this.bins);
    else if (event.key === "Enter") this.tell();
    else if (goal !== undefined) {
      if (side) this.set(this.from, Math.min(Math.max(goal, this.from + 1), this.bins), false);
      else this.set(Math.max(Math.min(goal, this.to - 1), 0), this.to, false);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  listen() {
    const place = (event) => { const box = this.plot.getBoundingClientRect(); return ((event.clientX - box.left) / box.width) * this.bins; };
    const whole = (edge) => Math.min(Math.max(edge, 0), this.bins);
    this.plot.onpointerdown = (event) => {
      if (event.button > 0) return;
      const side = this.handles.indexOf(event.target);
      const at = place(event);
      this.drag = { side, at, before: [this.from, this.to] };
      this.plot.setPointerCapture(event.pointerId);
      hideTip();
    };
    this.plot.onpointermove = (event) => {
      const at = place(event);
      if (!this.drag) return void this.tip(event, Math.floor(at));
      const { side, at: start } = this.drag;
      if (side === 0) this.set(Math.min(whole(Math.round(at)), this.to - 1), this.to, false);
      else if (side === 1) this.set(this.from, Math.max(whole(Math.round(at)), this.from + 1), false);
      else if (Math.abs(at - start) * (this.plot.clientWidth / this.bins) > 3) {
        const [low, high] = [Math.floor(whole(Math.min(at, start))), Math.ceil(whole(Math.max(at, start)))];
        this.set(low, Math.max(high, low + 1), false);
      }
    };
    this.plot.onpointerup = () => { this.drag = null; this.tell(); };
    this.plot.onpointercancel = () => { if (this.drag) [this.from, this.to] = this.drag.before; this.drag = null; this.isNew = false; this.paint(); };
    this.plot.ondblclick = () => this.set(0, this.bins);
    this.plot.onpointerleave = hideTip;
  }

  tip(event, bin) {
    if (bin < 0 || bin >= this.bins) return hideTip();
    const { all, selected, unit } = this.column;
    const line = (name, counts) => `${name}: ${grouped(counts[bin])} (${percent(counts[bin] / Math.max(counts.reduce((sum, count) => sum + count, 0), 1))})`;
    const words = [`${written(this.value(bin), this.step)} to ${written(this.value(bin + 1), this.step)} ${unit}`, line("Cohort", all)];
    if (selected.length) words.push(line("Selection", selected));
    showTip(this.root, event, words);
  }
}

/** Draw a column of categories as bars that one clicks. */
function drawCategories(root, column, send) {
  const total = (counts) => Math.max(counts.reduce((sum, count) => sum + count, 0), 1);
  const [everyone, mine] = [total(column.all), total(column.selected)];
  const most = Math.max(...column.all.map((count) => count / everyone), ...column.selected.map((count) => count / mine), 1e-9);
  const chosen = new Set(column.chosen ?? []);
  const choose = (codes) => send({ name: column.name, chosen: codes.length && codes.length < column.labels.length ? codes : null });
  const remove = make("button", { type: "button", title: `Remove the filter on ${column.title}`, "aria-label": `Remove the filter on ${column.title}`, hidden: !chosen.size }, "×");
  remove.onclick = () => choose([]);
  const list = make("div", { class: `categories${chosen.size ? " is-filtered" : ""}`, role: "group", "aria-label": column.title });
  column.labels.forEach((label, code) => {
    const shown = column.selected.length ? column.selected[code] / mine : column.all[code] / everyone;
    const button = make("button", { type: "button", "aria-pressed": String(chosen.has(code)), title: `${label}: ${grouped(column.all[code])} of the cohort${column.selected.length ? `, ${grouped(column.selected[code])} selected` : ""}` },
      make("i", {}), make("span", {}, label), make("span", { class: "numbers" }, percent(shown)));
    button.firstChild.style.width = `${(100 * column.all[code]) / everyone / most}%`;
    if (column.selected.length) {
      const bar = make("i", { class: "mine" });
      bar.style.width = `${(100 * column.selected[code]) / mine / most}%`;
      button.append(bar);
      button.append(button.children[2]);
    }
    button.onclick = () => choose(chosen.has(code) ? [...chosen].filter((other) => other !== code) : [...chosen, code]);
    list.append(button);
  });
  root.replaceChildren(make("div", { class: "title" }, make("b", { title: column.title }, column.title), make("span", { class: "range" }), remove), list);
}

const tips = new WeakMap();
let shownTip = null;

function showTip(root, event, words) {
  const host = root.parentElement;
  if (!tips.has(host)) { const tip = make("div", { class: "tip numbers" }); host.append(tip); tips.set(host, tip); }
  shownTip = tips.get(host);
  shownTip.replaceChildren(...words.flatMap((word) => [word, document.createElement("br")]).slice(0, -1));
  shownTip.hidden = false;
  const left = Math.min(event.clientX + 12, window.innerWidth - shownTip.offsetWidth - 6);
  Object.assign(shownTip.style, { left: `${left}px`, top: `${event.clientY - shownTip.offsetHeight - 10}px` });
}

function hideTip() { if (shownTip) shownTip.hidden = true; }

const drawn = new WeakMap();
const senders = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".distributions");
  markTheme(root);
  senders.set(root, setTriggerValue);
  const send = (brush) => senders.get(root)("brush", brush);
  const columns = data?.columns ?? [];
  const known = drawn.get(root) ?? new Map();
  const kept = new Map();
  const focused = root.getRootNode().activeElement;
  const place = focused?.closest?.(".column")?.dataset.name;
  const position = place === undefined ? -1 : [...focused.closest(".column").querySelectorAll("button, .handle")].indexOf(focused);
  for (const column of columns) {
    const text = JSON.stringify(column);
    let cell = known.get(column.name);
    if (!cell) cell = { element: make("div", { class: "column", "data-name": column.name }) };
    if (cell.text !== text) {
      if (column.labels.length) drawCategories(cell.element, column, send);
      else new Histogram(cell.element, column, send);
      cell.text = text;
    }
    kept.set(column.name, cell);
  }
  drawn.set(root, kept);
  const elements = [...kept.values()].map((cell) => cell.element);
  if (elements.some((element, k) => root.children[k] !== element) || root.querySelectorAll(".column").length !== elements.length) root.replaceChildren(...elements);
  if (position >= 0) kept.get(place)?.element.querySelectorAll("button, .handle")[position]?.focus();
}
