// The card beside the pointer on a latent map: what a point is, with a picture of its heart and beat.

const MOST_HEARTS = 200;
const WAIT_MS = 90;
const BEAT_WIDTH = 132;
const BEAT_HEIGHT = 42;
const PX_PER_MV = 13;
const hearts = new Map();

/** Fetch what shows a row at a glance; null where there is nothing. Kept for the next time. */
async function heartOf({ address, token }, row, signal) {
  const name = `${address}/${row}`;
  if (!hearts.has(name)) {
    const answer = await fetch(name, { headers: { "X-Cmae-Token": token }, signal, referrerPolicy: "no-referrer" });
    if (!answer.ok && answer.status !== 404) return null;
    hearts.set(name, answer.ok ? unpack(new Uint8Array(await answer.arrayBuffer())) : null);
    while (hearts.size > MOST_HEARTS) hearts.delete(hearts.keys().next().value);
  }
  return hearts.get(name);
}

/** Return a picture of one frame. */
function frameOf(pixels, side) {
  const canvas = make("canvas", { width: side, height: side });
  const context = canvas.getContext("2d");
  const image = context.createImageData(side, side);
  for (let k = 0; k < side * side; k++) image.data.set([pixels[k], pixels[k], pixels[k], 255], 4 * k);
  context.putImageData(image, 0, 0);
  return make("img", { class: "heart", src: canvas.toDataURL(), alt: "The heart at end diastole" });
}

/** Return the leads of a beat as one picture, each under its name. */
function beatOf(beat, leads) {
  const samples = beat.length / leads.length;
  const svg = document.createElementNS(SVG_NS, "svg");
  svg.setAttribute("class", "beat");
  svg.setAttribute("viewBox", `0 0 ${BEAT_WIDTH} ${BEAT_HEIGHT * leads.length}`);
  leads.forEach((name, lead) => {
    const values = Array.from({ length: samples }, (_, k) => beat[k * leads.length + lead]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const scale = Math.min(PX_PER_MV, (BEAT_HEIGHT - 4) / Math.max(high - low, 1e-6));
    const top = BEAT_HEIGHT * lead + 2 + high * scale;
    const shift = (BEAT_HEIGHT - 4 - (high - low) * scale) / 2;
    const path = document.createElementNS(SVG_NS, "path");
    path.setAttribute("d", values.map((value, k) => `${k ? "L" : "M"}${((k / (samples - 1)) * BEAT_WIDTH).toFixed(1)} ${(top + shift - value * scale).toFixed(1)}`).join(""));
    const text = document.createElementNS(SVG_NS, "text");
    text.setAttribute("x", 1);
    text.setAttribute("y", BEAT_HEIGHT * lead + 9);
    text.textContent = name;
    svg.append(path, text);
  });
  return svg;
}

class Card {
  constructor() {
    this.element = make("div", { class: "card numbers", hidden: true });
    this.pictures = make("div", { class: "pictures" });
  }

  hide() {
    this.element.hidden = true;
    this.point = -1;
    this.stop();
  }

  stop() {
    clearTimeout(this.timer);
    this.request?.abort();
    this.request = null;
  }

  /** Show a point beside a place of the stage. */
  show(map, point, place) {
    if (point !== this.point) {
      this.point = point;
      this.stop();
      this.write(map, point);
    }
    this.element.hidden = false;
    this.put(map.stage, place);
  }

  write(map, point) {
    const { geometry, column, view } = map;
    const row = geometry.rowOf(point);
    const name = geometry.classNames[geometry.classOf(point)];
    const isUpload = row === NO_ROW;
    const title = isUpload ? name : `Row ${count(row)}${name ? ` · ${name}` : ""}`;
    this.pictures.replaceChildren();
    const value = valueText(column.color, column.values[point]);
    this.element.replaceChildren(make("b", {}, title), ...(value === name ? [] : [make("span", {}, `${column.color.title}: ${value}`)]));
    const { thumbnails } = view.header;
    if (!thumbnails || isUpload) return;
    this.element.append(this.pictures);
    const known = hearts.get(`${thumbnails.address}/${row}`);
    if (known !== undefined) return void this.fill(known);
    this.pictures.dataset.waits = "";
    this.timer = setTimeout(() => this.ask(map, thumbnails, row, point), WAIT_MS);
  }

  async ask(map, thumbnails, row, point) {
    const request = new AbortController();
    this.request = request;
    let heart = null;
    try {
      heart = await heartOf(thumbnails, row, request.signal);
    } catch {
      // The pointer went on, or the server is gone: the words stay.
    }
    if (request.signal.aborted || point !== this.point) return;
    this.fill(heart);
    this.put(map.stage, this.place);
  }

  fill(heart) {
    delete this.pictures.dataset.waits;
    if (!heart) return void this.pictures.remove();
    const { header, arrays } = heart;
    const facts = make("dl", {}, ...header.facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
    const none = (text) => make("div", { class: "none quiet" }, text);
    const side = make("div", { class: "side" }, arrays.beat ? beatOf(arrays.beat, header.leads) : none("no ECG"));
    this.pictures.replaceChildren(arrays.frame ? frameOf(arrays.frame, header.side) : none("no MRI"), side, facts);
  }

  put(stage, place) {
    this.place = place;
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const left = place[0] + 16 + width > stage.clientWidth ? place[0] - 16 - width : place[0] + 16;
    const top = Math.min(place[1] + 16, stage.clientHeight - height - 4);
    this.element.style.transform = `translate(${Math.max(left, 4)}px, ${Math.max(top, 4)}px)`;
  }
}
