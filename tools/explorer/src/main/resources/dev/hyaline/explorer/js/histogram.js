/** A histogram: a bar for each bin. */

import {figure} from "./number.js";
import {svg, ticks} from "./svg.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [320, 130, 36, 100];

/** A histogram of counts between edges, one more edge than counts. */
export function histogram(label, counts, edges) {
  const most = Math.max(1, ...counts);
  const [low, high] = [edges[0], edges.at(-1)];
  const x = value => LEFT + (WIDTH - LEFT - 8) * (value - low) / (high - low || 1);
  const y = count => BOTTOM - (BOTTOM - 8) * count / most;
  const total = counts.reduce((sum, count) => sum + count, 0);
  return svg("svg", {class: "plot-lines", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img",
    "aria-label": `${label}: ${total} values from ${figure(low)} to ${figure(high)}`},
  ticks(0, most, 3).filter(Number.isInteger).map(tick => [
    svg("line", {class: "axis", x1: LEFT, x2: WIDTH - 8, y1: y(tick), y2: y(tick)}),
    svg("text", {x: LEFT - 5, y: y(tick) + 4, "text-anchor": "end"}, figure(tick)),
  ]),
  Array.from(counts, (count, bin) => count === 0 ? null : svg("rect", {
    class: "bin", x: x(edges[bin]) + 0.5, y: y(count), width: Math.max(0.5, x(edges[bin + 1]) - x(edges[bin]) - 1), height: BOTTOM - y(count),
  }, svg("title", {}, `${figure(edges[bin])} to ${figure(edges[bin + 1])}: ${count}`))),
  ticks(low, high, 5).map(tick => svg("text", {x: x(tick), y: BOTTOM + 14, "text-anchor": "middle"}, figure(tick))),
  svg("text", {x: (LEFT + WIDTH) / 2, y: HEIGHT - 2, "text-anchor": "middle"}, label));
}
