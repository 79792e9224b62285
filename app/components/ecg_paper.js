// ECG paper: one of the sheets that ecg_sheet.py drew, with legend, layouts and orders to choose from.

const LAYOUT_NAMES = { "3x4": "3 × 4", "3x4+II": "3 × 4 + II", "6x2": "6 × 2", "12x1": "12 × 1" };
const NARROW_PX = 560;
const LEAST_PX_PER_MM = 6;
const MOST_PX_PER_MM = 9;

class EcgPaper {
  constructor(root) {
    this.root = root;
    this.hidden = new Set();
    this.choice = null;
    this.onCycle = (event) => this.sweep(event.detail);
    window.addEventListener("cmae-cycle", this.onCycle);
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(root);
  }

  destroy() {
    window.removeEventListener("cmae-cycle", this.onCycle);
    this.observer.disconnect();
  }

  update(data) {
    markTheme(this.root);
    if (data === this.data) return;
    const asked = `${data.layout}/${data.order}`;
    if (asked !== this.asked) {
      this.asked = asked;
      this.choice = { layout: data.layout, order: data.order, isChosen: false };
    }
    this.data = data;
    this.render();
  }

  get layout() {
    const { layout: chosen, isChosen } = this.choice;
    const layout = `${chosen}/clinical` in this.data.sheets ? chosen : "3x4";
    return !isChosen && layout === "3x4" && window.innerWidth < NARROW_PX ? "6x2" : layout;
  }

  render() {
    const layout = this.layout;
    const { definitions, sheets, description, ...facts } = this.data;
    const isFocused = this.sheet && this.root.getRootNode().activeElement === this.sheet.svg;
    this.drawn = layout;
    this.sheet = new EcgSheet({ definitions, sheet: sheets[`${layout}/${this.choice.order}`], description, ...facts });
    this.root.replaceChildren(this.toolbar(layout), this.sheet.element);
    this.hidden.forEach((number) => this.sheet.show(number, false));
    this.fit();
    if (isFocused) this.sheet.svg.focus();
  }

  fit() {
    if (!this.sheet) return;
    if (this.layout !== this.drawn) return void this.render();
    const [width, height] = this.sheet.size;
    const tall = (0.78 * window.innerHeight) / height;
    const most = Math.min(Math.max(tall, LEAST_PX_PER_MM), MOST_PX_PER_MM);
    this.root.style.maxWidth = `${Math.max(width * most, 640)}px`;
    this.sheet.fit(this.root.clientWidth, most);
  }

  toolbar(layout) {
    const legend = make("div", { class: "legend", role: "group", "aria-label": "Traces" });
    this.data.traces.forEach(({ label, style }, number) => {
      const button = make("button", { type: "button", "aria-pressed": String(!this.hidden.has(number)), title: `Show or hide: ${label}` });
      button.innerHTML = `<svg viewBox="0 0 28 12" aria-hidden="true"><path class="trace ${style}" d="M0 6H28"/></svg>`;
      button.append(label);
      button.onclick = () => {
        const isShown = this.hidden.has(number);
        if (isShown) this.hidden.delete(number);
        else this.hidden.add(number);
        button.setAttribute("aria-pressed", String(isShown));
        this.sheet.show(number, isShown);
      };
      legend.append(button);
    });
    const layouts = make("div", { class: "group", role: "group", "aria-label": "Layout, rows × columns" });
    for (const [name, text] of Object.entries(LAYOUT_NAMES)) {
      if (!(`${name}/clinical` in this.data.sheets)) continue;
      const button = make("button", { type: "button", "aria-pressed": String(name === layout) }, text);
      button.onclick = () => this.choose({ layout: name });
      layouts.append(button);
    }
    const isCabrera = this.choice.order === "cabrera";
    const cabrera = make("button", { type: "button", "aria-pressed": String(isCabrera), title: "Limb leads by angle: aVL I −aVR II aVF III" }, "Cabrera");
    cabrera.onclick = () => this.choose({ order: isCabrera ? "clinical" : "cabrera", layout });
    return make("div", { class: "bar" }, legend, make("div", { class: "bar" }, layouts, cabrera));
  }

  choose(change) {
    Object.assign(this.choice, change, { isChosen: true });
    this.render();
    const pressed = "layout" in change && !("order" in change) ? ".group [aria-pressed=true]" : ".bar > .bar > button";
    this.root.querySelector(pressed)?.focus();
  }

  sweep({ group, phase_ms: phase, rr_ms: rr }) {
    if (this.data?.group && group === this.data.group) this.sheet.sweep(phase, rr);
  }
}

const papers = new WeakMap();

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".ecg-paper");
  if (!papers.has(root)) papers.set(root, new EcgPaper(root));
  const paper = papers.get(root);
  paper.update(data);
  return () => { paper.destroy(); papers.delete(root); };
}
