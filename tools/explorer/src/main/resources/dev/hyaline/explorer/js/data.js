/**
 * Reads what a view shows: the bytes of a JSON header, and the arrays that it names. A file holds them as base64, a
 * server sends them; the format is that of the Java class ViewData.
 */

const FORMAT = "hyaline-view/1";
const ALIGNMENT = 8;
const ARRAYS = {f32: Float32Array, f64: Float64Array, i32: Int32Array, u16: Uint16Array, u8: Uint8Array};

/** The value of a header, with a typed array, which also has `shape`, wherever the header describes one. */
export function decode(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  if (header.format !== FORMAT) {
    throw new Error(`the data is of the format ${header.format}; this page reads ${FORMAT}`);
  }
  const start = Math.ceil((4 + length) / ALIGNMENT) * ALIGNMENT;
  header.data = withArrays(header.data, buffer, start);
  return header;
}

function withArrays(value, buffer, start) {
  if (Array.isArray(value)) {
    return value.map(item => withArrays(item, buffer, start));
  }
  if (value === null || typeof value !== "object") {
    return value;
  }
  if (typeof value.dtype === "string" && Array.isArray(value.shape)) {
    const size = value.shape.reduce((product, length) => product * length, 1);
    const array = new ARRAYS[value.dtype](buffer, start + value.offset, size);
    return Object.assign(array, {shape: value.shape});
  }
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withArrays(item, buffer, start)]));
}

/** The buffer that base64 stands for. */
export function fromBase64(text) {
  if (Uint8Array.fromBase64) {
    return Uint8Array.fromBase64(text).buffer;
  }
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) {
    bytes[i] = letters.charCodeAt(i);
  }
  return bytes.buffer;
}

/** The views that the file holds, each decoded when it is first asked for. */
export function embedded() {
  return [...document.querySelectorAll('script[type="application/vnd.hyaline.view"]')].map(script => {
    let decoded = null;
    return {
      id: script.dataset.for,
      view: script.dataset.view,
      title: script.dataset.title,
      load: async () => decoded ??= decode(fromBase64(script.textContent)),
    };
  });
}
