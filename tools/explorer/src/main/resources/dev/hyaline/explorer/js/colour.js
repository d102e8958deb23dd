/**
 * Two scales of colours: one from nothing to much, one to both sides of a neutral value. Steps are even in OKLab, so
 * that they look even; hues are told apart by colour-blind readers, and the two ends of the diverging scale differ in
 * lightness, so that they are told apart in grey. In a dark page much is light.
 */

import {element} from "./dom.js";
import {figure} from "./number.js";

const STEPS = 256;
const PALETTES = {
  light: {zero: "#ffffff", much: "#a3122b", below: "#173f7a", above: "#cf3f2e", none: "#d4d8dd"},
  dark: {zero: "#20252b", much: "#ff9f86", below: "#5b9bf0", above: "#ffb29c", none: "#4a515a"},
};
const DARK_INK = "#000000";
const LIGHT_INK = "#ffffff";

const darkScheme = matchMedia("(prefers-color-scheme: dark)");

/** Calls a listener when the reader changes from light to dark or back. */
export function onThemeChange(listener) {
  darkScheme.addEventListener("change", listener);
}

function palette() {
  return darkScheme.matches ? PALETTES.dark : PALETTES.light;
}

function channels(hex) {
  return [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));
}

const linear = value => value <= 0.04045 * 255 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
const encoded = value => 255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055);

/** Björn Ottosson's OKLab, 2020. */
function toLab(rgb) {
  const [r, g, b] = rgb.map(linear);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
  ];
}

function toRgb([L, a, b]) {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.2914855480 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
  ].map(value => Math.round(Math.min(255, Math.max(0, encoded(Math.max(0, value))))));
}

function ramp(from, to) {
  const [a, b] = [toLab(channels(from)), toLab(channels(to))];
  return Array.from({length: STEPS}, (_, i) => toRgb(a.map((v, k) => v + (b[k] - v) * i / (STEPS - 1))));
}

const ramps = new Map();

function rampOf(from, to) {
  const key = from + to;
  if (!ramps.has(key)) {
    ramps.set(key, ramp(from, to));
  }
  return ramps.get(key);
}

function light(rgb) {
  const [r, g, b] = rgb.map(linear);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Black or white, whichever is read more easily on a colour: one of them always has a contrast above 4.5. */
function inkOn(rgb) {
  return light(rgb) > 0.179 ? DARK_INK : LIGHT_INK;
}

class Scale {
  #rgb;

  constructor(low, high, neutral, rgb) {
    this.low = low;
    this.high = high;
    /** The value without colour; null on the sequential scale, whose lowest value has none. */
    this.neutral = neutral;
    /** The ends of the values that are shown, where they lie inside those of the colours. */
    this.least = low;
    this.most = high;
    this.#rgb = rgb;
  }

  /** The same scale, whose legend ends where values end. */
  of(values) {
    const finite = [...values].filter(Number.isFinite);
    if (finite.length) {
      this.least = Math.max(this.low, finite.reduce((a, b) => Math.min(a, b)));
      this.most = Math.min(this.high, finite.reduce((a, b) => Math.max(a, b)));
    }
    return this;
  }

  /** Red, green and blue from 0 to 255. */
  rgb(value) {
    return Number.isFinite(value) ? this.#rgb(value) : channels(palette().none);
  }

  /** The colour as CSS. */
  colour(value) {
    return `rgb(${this.rgb(value).join(" ")})`;
  }

  /** The colour of text on it. */
  ink(value) {
    return inkOn(this.rgb(value));
  }

  /** Colours an element and keeps its number where it is read back. */
  paint(painted, value) {
    painted.style.backgroundColor = this.colour(value);
    painted.style.color = this.ink(value);
    painted.dataset.value = String(value);
  }
}

const step = share => Math.round(Math.min(1, Math.max(0, share)) * (STEPS - 1));

/** From no colour at `low` to much at `high`; what lies outside is as deep as the ends. */
export function sequential(low, high) {
  const {zero, much} = palette();
  const colours = rampOf(zero, much);
  return new Scale(low, high, null, value => colours[high > low ? step((value - low) / (high - low)) : 0]);
}

/** Blue below a neutral value, red above, as deep on either side for the same distance, deepest at `reach`. */
export function diverging(reach, neutral = 0) {
  const {zero, below, above} = palette();
  const [less, more] = [rampOf(zero, below), rampOf(zero, above)];
  return new Scale(neutral - reach, neutral + reach, neutral, value =>
    (value < neutral ? less : more)[reach > 0 ? step(Math.abs(value - neutral) / reach) : 0]);
}

/** A bar of a scale's colours with the values of its ends, and the value without colour if it is neutral. */
export function legend(scale, title, format = figure) {
  const bar = element("span", {class: "bar", "aria-hidden": "true"});
  const {least = scale.low, most = scale.high} = scale;
  if (!(most > least)) {
    return element("p", {class: "legend"}, element("span", {}, title), " ", element("span", {}, `${format(least)} everywhere`));
  }
  const stops = Array.from({length: 33}, (_, i) => scale.colour(least + (most - least) * i / 32));
  bar.style.backgroundImage = `linear-gradient(to right, ${stops.join(", ")})`;
  return element("p", {class: "legend"},
    element("span", {}, title), " ",
    element("span", {class: "ends"}, element("span", {}, format(least)), bar, element("span", {}, format(most)),
      scale.neutral === null ? null : element("span", {class: "middle"}, `no colour at ${format(scale.neutral)}`)));
}
