// Heart cards: thumbnails that the server's own route packs, fetched when a card is drawn, and kept.

const kept = new Map();
const MOST_KEPT = 400;

/** Return the thumbnail of a row: {frame, side, beat}, or null where there is none. */
async function thumbnail(address, token, row) {
  const place = `${address}/${row}`;
  if (!kept.has(place)) {
    if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value);
    kept.set(place, fetch(place, { headers: { "X-Cmae-Token": token } })
      .then(async (answer) => (answer.ok ? unpack(new Uint8Array(await answer.arrayBuffer())) : null))
      .catch(() => null));
  }
  const found = await kept.get(place);
  if (!found) kept.delete(place);
  return found;
}

function drawFrame(canvas, side, frame) {
  Object.assign(canvas, { width: side, height: side });
  const context = canvas.getContext("2d");
  const image = context.createImageData(side, side);
  const words = new Uint32Array(image.data.buffer);
  for (let k = 0; k < words.length; k++) words[k] = 0xff000000 | (frame[k] << 16) | (frame[k] << 8) | frame[k];
  context.putImageData(image, 0, 0);
}

/** Return the path of the first lead of a beat of interleaved leads, in a box of 100 × 50. */
function beatPath(beat, leads) {
  const signal = Array.from({ length: beat.length / leads }, (_, k) => beat[k * leads]);
  const [low, high] = [Math.min(...signal), Math.max(...signal)];
  const up = (value) => 46 - ((value - low) / Math.max(high - low, 0.5)) * 42;
  return `M${signal.map((value, k) => `${((k / (signal.length - 1)) * 100).toFixed(1)} ${up(value).toFixed(1)}`).join("L")}`;
}

function cardOf({ row, title, is_own: isOwn }, { address, token }, pick) {
  const canvas = make("canvas", { width: 1, height: 1, "aria-hidden": "true" });
  const pictures = make("div", { class: "pictures" }, canvas);
  pictures.insertAdjacentHTML("beforeend", '<svg viewBox="0 0 100 50" preserveAspectRatio="none" aria-hidden="true"><path/></svg>');
  const card = make("button", { type: "button", class: isOwn ? "is-own" : "", title, "data-row": row }, pictures, make("span", {}, title));
  card.onclick = () => pick(row);
  thumbnail(address, token, row).then((found) => {
    if (!found) return;
    const { header: { side, leads }, arrays: { frame, beat } } = found;
    if (frame) drawFrame(canvas, side, frame);
    if (beat) pictures.querySelector("path").setAttribute("d", beatPath(beat, leads.length));
  });
  return card;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".heart-cards");
  if (root.drawn === data) return;
  root.drawn = data;
  root.replaceChildren(...data.cards.map((card) => cardOf(card, data, (row) => setTriggerValue("picked", row))));
}
