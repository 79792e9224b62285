// Shared by the components: reads what wire.py packs, and tells a dark page from a light one.

const TYPES = { float32: Float32Array, uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, int32: Int32Array };

/** Return {header, arrays} from a block of bytes; the arrays are views where alignment allows. */
function unpack(data) {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data.buffer ?? data);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const start = Math.ceil((4 + length) / 8) * 8;
  const arrays = {};
  for (const { name, type, offset, length: count } of header.arrays) {
    const Type = TYPES[type];
    const from = bytes.byteOffset + start + offset;
    arrays[name] = from % Type.BYTES_PER_ELEMENT === 0
      ? new Type(bytes.buffer, from, count)
      : new Type(bytes.slice(start + offset, start + offset + count * Type.BYTES_PER_ELEMENT).buffer);
  }
  return { header, arrays };
}

/** Return [red, green, blue] of a CSS color, by letting the browser read it. */
function rgbOf(color) {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

/** Mark `root` with data-theme="dark" or "light", from the page's background; return whether it is dark. */
function markTheme(root) {
  const [red, green, blue] = rgbOf(getComputedStyle(root).getPropertyValue("--st-background-color").trim() || "#ffffff");
  const isDark = 0.299 * red + 0.587 * green + 0.114 * blue < 128;
  root.dataset.theme = isDark ? "dark" : "light";
  return isDark;
}

/** Return an element with attributes and children. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}
