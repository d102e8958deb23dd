/** The values of a cell's samples: a dot for each along a line, their mean and its error, and all as a table. */

import {element} from "./dom.js";
import {figure} from "./number.js";
import {svg, ticks} from "./svg.js";

const WIDTH = 320;
const HEIGHT = 74;
const LEFT = 12;

/**
 * A strip of samples, and their numbers.
 *
 * @param values by sample
 * @param names of the samples
 * @param mean of them
 * @param error standard error of the mean; NaN if there is none
 * @param neutral the value that means that nothing happened; null if there is none
 * @param quantity what is measured
 * @param unit of it; may be empty
 * @param kind what samples are, in the plural
 */
export function samples({values, names, mean, error, neutral, quantity, unit, kind}) {
  const finite = [...values, neutral].filter(value => value !== null && Number.isFinite(value));
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const room = (high - low || 1) * 0.05;
  const at = value => LEFT + (WIDTH - 2 * LEFT) * (value - low + room) / (high - low + 2 * room);
  const axis = 46;
  const strip = svg("svg", {class: "strip", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img",
    "aria-label": `${values.length} ${kind} from ${figure(low)} to ${figure(high)}, mean ${figure(mean)}`},
  svg("line", {class: "axis", x1: LEFT, x2: WIDTH - LEFT, y1: axis, y2: axis}),
  ticks(low - room, high + room, 4).map(tick => [
    svg("line", {class: "axis", x1: at(tick), x2: at(tick), y1: axis, y2: axis + 4}),
    svg("text", {x: at(tick), y: axis + 17, "text-anchor": "middle"}, figure(tick)),
  ]),
  neutral === null ? null : [
    svg("line", {class: "neutral", x1: at(neutral), x2: at(neutral), y1: 6, y2: axis},
      svg("title", {}, `without an edit ${figure(neutral)}`)),
  ],
  Array.from(values, (value, i) => Number.isFinite(value)
    ? svg("circle", {class: "sample", cx: at(value), cy: 30 + 8 * ((i * 0.618) % 1 - 0.5), r: 3.5},
      svg("title", {}, `${names[i]}: ${figure(value)}`)) : null),
  Number.isFinite(error) ? svg("line", {class: "error", x1: at(mean - error), x2: at(mean + error), y1: 16, y2: 16}) : null,
  Number.isFinite(mean) ? svg("path", {class: "mean", d: `M${at(mean)} 21l-5 -9h10z`},
    svg("title", {}, `mean ${figure(mean)}`)) : null);
  return element("div", {class: "samples"},
    element("p", {class: "large"}, element("b", {"data-value": String(mean)}, figure(mean)),
      Number.isFinite(error) ? ` \u00b1 ${figure(error)}` : "", ` ${unit}`),
    element("p", {class: "note"}, `${quantity}, exactly ${mean}${values.length === 1 ? "" : `; mean and standard error over ${values.length} ${kind}`}.`),
    values.length > 1 ? strip : null,
    values.length > 1 ? element("details", {}, element("summary", {}, `The ${values.length} ${kind}`),
      element("div", {class: "table", tabindex: 0, role: "group", "aria-label": `Values of the ${kind}`},
        element("table", {}, element("tbody", {}, Array.from(values, (value, i) => element("tr", {},
          element("th", {scope: "row"}, names[i]),
          element("td", {class: "number", "data-value": String(value)}, figure(value)))))))) : null);
}
