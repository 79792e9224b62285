// Walk lines: small curves along a walk; a mark and the words follow the walk player's slider.

const WIDE = 100;
const TALL = 34;

/** Return the path of points, broken where one is missing. */
function lineOf(values, x, y) {
  let text = "";
  let isOn = false;
  values.forEach((value, k) => {
    if (value === null) { isOn = false; return; }
    text += `${isOn ? "L" : "M"}${x(k).toFixed(2)} ${y(value).toFixed(2)}`;
    isOn = true;
  });
  return text;
}

/** Return a function from values to heights that shows all of them. */
function heights(...lists) {
  const all = lists.flat().filter((value) => value !== null);
  const [low, high] = all.length ? [Math.min(...all), Math.max(...all)] : [0, 1];
  const span = high - low || 1;
  return (value) => TALL - 2 - ((value - low) / span) * (TALL - 4);
}

class WalkLines {
  constructor(root) {
    this.root = root;
    this.place = 0;
    this.onWalk = ({ detail }) => { if (detail.group === this.data?.group) this.go(detail.place); };
    window.addEventListener("cmae-walk", this.onWalk);
  }

  destroy() { window.removeEventListener("cmae-walk", this.onWalk); }

  update(data) {
    markTheme(this.root);
    if (data === this.data) return;
    this.data = data;
    this.cards = data.cards.map((card) => (card.kind === "line" ? this.line(card) : this.cycle(card)));
    this.root.replaceChildren(...this.cards.map((card) => card.element));
    this.go(Math.min(this.place, data.steps.length - 1));
    window.dispatchEvent(new CustomEvent("cmae-walk-ask", { detail: { group: data.group } }));
  }

  go(place) {
    this.place = place;
    for (const card of this.cards) card.go(place);
  }

  frame(card, drawing) {
    const plot = make("div", { class: "plot" });
    plot.innerHTML = `<svg viewBox="0 0 ${WIDE} ${TALL}" preserveAspectRatio="none" aria-hidden="true">${drawing}</svg>`;
    const text = make("b", { class: "numbers" });
    const note = make("span", { class: "quiet numbers" });
    const element = make("div", { class: `card ${card.kind}`, title: card.hint, role: "group", "aria-label": card.hint || card.title },
      make("div", { class: "title quiet" }, card.title), text, note, plot);
    return { element, plot, text, note };
  }

  line(card) {
    const { steps } = this.data;
    const span = steps[steps.length - 1] - steps[0] || 1;
    const x = (k) => ((steps[k] - steps[0]) / span) * WIDE;
    const y = heights(card.values, card.low ?? [], card.high ?? []);
    const band = card.low && card.high && card.low.every((value) => value !== null)
      ? `<path class="band" d="${lineOf(card.high, x, y)}${lineOf([...card.low].reverse(), (k) => x(card.low.length - 1 - k), y).replace("M", "L")}Z"/>` : "";
    const parts = this.frame(card, `${band}<path class="curve" d="${lineOf(card.values, x, y)}"/>`);
    const mark = make("i", { class: "mark" });
    parts.plot.append(mark);
    return { element: parts.element, go: (place) => {
      const value = card.values[place];
      parts.text.textContent = card.texts[place];
      parts.note.textContent = card.notes[place];
      mark.hidden = value === null;
      if (value !== null) Object.assign(mark.style, { left: `${x(place)}%`, top: `${(y(value) / TALL) * 100}%` });
    } };
  }

  cycle(card) {
    const y = heights(...card.curves);
    const x = (k) => (k / Math.max(card.curves[0].length - 1, 1)) * WIDE;
    const parts = this.frame(card, `<path class="curve then" d="${lineOf(card.curves[card.start], x, y)}"/><path class="curve"/>`);
    const curve = parts.plot.querySelector(".curve:last-child");
    return { element: parts.element, go: (place) => {
      parts.text.textContent = card.texts[place];
      curve.setAttribute("d", lineOf(card.curves[place], x, y));
    } };
  }
}

const lines = new WeakMap();

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".walk-lines");
  if (!lines.has(root)) lines.set(root, new WalkLines(root));
  lines.get(root).update(data);
  return () => { lines.get(root)?.destroy(); lines.delete(root); };
}
