/** Tokens as a reader sees them: blanks and line ends as signs, bytes where they are no text. */

import {element} from "./dom.js";

const SIGNS = {" ": "\u00b7", "\n": "\u21b5", "\r": "\u240d", "\t": "\u2192", "\u00a0": "\u237d"};

/** A token as one word: `·Mary`, `<0xE2>`, or `#12` where the model has no tokenizer. */
export function tokenText(token) {
  if (token.bytes) {
    return token.bytes.map(byte => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`).join("");
  }
  if (token.text === "") {
    return `#${token.id}`;
  }
  return token.text.replace(/[ \n\r\t\u00a0]/g, sign => SIGNS[sign])
    // Controls, and signs that would turn the text around them.
    .replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
      sign => `<U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}>`);
}

/** A token in quotes, as in a sentence. */
export function quoted(token) {
  return token.bytes || token.text === "" ? tokenText(token) : `"${tokenText(token)}"`;
}

/** A token in a line of text. */
export function tokenElement(name, token, attributes = {}) {
  return element(name, {class: "token", ...attributes}, tokenText(token));
}
