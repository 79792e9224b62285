// Phenotype chart: a table whose middle column is a scale with dots, intervals and a diamond.

const SOURCES = { ecg: ["from the ECG", 9], mri: ["from the MRI", 19] };
const ORDERS = { usual: "Usual order", surprise: "Most surprising first" };
const SVG = "http://www.w3.org/2000/svg";
const percent = (share) => `${(Math.min(Math.max(share, 0), 1) * 100).toFixed(2)}%`;

function mark(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function scaleOf({ measured, told, title }) {
  const svg = mark("svg", { role: "img", "aria-label": `${title}: ${words(measured, told)}` });
  svg.append(mark("line", { class: "middle", x1: "50%", x2: "50%", y1: 0, y2: 28 }));
  for (const [source, [, y]] of Object.entries(SOURCES)) {
    const one = told[source];
    if (!one) continue;
    if (one.low !== null) svg.append(mark("line", { class: source, x1: percent(one.low), x2: percent(one.high), y1: y, y2: y }));
    svg.append(mark("circle", { class: source, cx: percent(one.place), cy: y, r: 3.5 }));
  }
  if (measured) {
    const holder = mark("svg", { x: percent(measured.place), y: 14, overflow: "visible" });
    holder.append(mark("path", { class: "measured", d: "M0-6L4.5 0L0 6L-4.5 0Z" }));
    svg.append(holder);
  }
  return svg;
}

function words(measured, told) {
  const parts = [measured ? `measured ${measured.text}` : "not measured"];
  for (const [source, [name]] of Object.entries(SOURCES)) if (told[source]) parts.push(`${name} ${told[source].text}`);
  return parts.join(", ");
}

function cell(one, attributes) {
  const td = make("td", attributes, one ? one.text : "–");
  if (one?.percentile != null) td.append(" ", make("small", { title: "percentile of the cohort" }, `P${Math.round(one.percentile)}`));
  return td;
}

class PhenotypeChart {
  constructor(root) {
    this.root = root;
    this.order = "usual";
  }

  update(data) {
    markTheme(this.root);
    if (data === this.data) return;
    this.data = data;
    this.render();
  }

  render() {
    const rows = [...this.data.rows];
    if (this.order === "surprise") rows.sort((a, b) => (b.surprise ?? -1) - (a.surprise ?? -1));
    const head = make("tr", {}, make("th", { scope: "col" }, "Phenotype"), make("th", { scope: "col" }, this.data.scale),
      ...["measured", "ECG says", "MRI says", "off by"].map((text, k) => make("th", { scope: "col", class: k > 0 && k < 3 ? "wide" : "" }, text)));
    const body = rows.map((row) => make("tr", {},
      make("th", { scope: "row" }, row.title),
      make("td", { class: "scale" }, scaleOf(row)),
      cell(row.measured, {}), cell(row.told.ecg, { class: "wide" }), cell(row.told.mri, { class: "wide" }),
      make("td", {}, row.surprise === null ? "–" : `${row.surprise.toFixed(1)} SD`)));
    this.root.replaceChildren(this.toolbar(), make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
  }

  toolbar() {
    const key = (text, drawing) => {
      const made = make("span", { class: "key" });
      made.innerHTML = `<svg viewBox="0 0 24 12" aria-hidden="true">${drawing}</svg>`;
      made.append(text);
      return made;
    };
    const dot = (source) => `<line class="${source}" x1="2" x2="22" y1="6" y2="6"/><circle class="${source}" cx="12" cy="6" r="3.5"/>`;
    const group = make("div", { class: "group", role: "group", "aria-label": "Order" });
    for (const [name, text] of Object.entries(ORDERS)) {
      const button = make("button", { type: "button", "aria-pressed": String(this.order === name) }, text);
      button.onclick = () => { this.order = name; this.render(); this.root.querySelector("[aria-pressed=true]").focus(); };
      group.append(button);
    }
    return make("div", { class: "bar" },
      key("measured", '<path class="measured" d="M12 0L16.5 6L12 12L7.5 6Z"/>'),
      ...Object.entries(SOURCES).map(([source, [text]]) => key(`${text}, with 95 % interval`, dot(source))), group);
  }
}

const charts = new WeakMap();

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".phenotype-chart");
  if (!charts.has(root)) charts.set(root, new PhenotypeChart(root));
  charts.get(root).update(data);
}
