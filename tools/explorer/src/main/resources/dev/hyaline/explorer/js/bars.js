/** Signed bars, one below the other, and the steps of a waterfall. */

import {diverging} from "./colour.js";
import {element} from "./dom.js";
import {roving} from "./grid.js";
import {rounding} from "./maps.js";
import {tips} from "./tip.js";

/**
 * A list of bars along one scale.
 *
 * @param label what they show, for those who cannot see them
 * @param rows objects with `name`, `value`, and where the bar does not begin at the base, `from`; `error` is drawn as a
 *   line; `total` sets a row apart; `key` is what `chosen` is told
 * @param base the value where bars begin
 * @param describe gives the text or the elements of a row's box
 * @param chosen told a row's key when it is clicked or Enter pressed; optional
 */
export function bars({label, rows, base = 0, describe, chosen}) {
  const ends = rows.flatMap(row => {
    const from = row.from ?? base;
    const to = from + change(row, base);
    return [from, to, to - row.error, to + row.error];
  }).filter(Number.isFinite);
  const low = Math.min(base, ...ends);
  const high = Math.max(base, ...ends);
  const room = (high - low || 1) * 0.02;
  const at = value => 100 * (value - low + room) / (high - low + 2 * room);
  const scale = diverging(1);
  const text = rounding(rows.map(row => row.value));
  const items = rows.map((row, r) => {
    const from = row.from ?? base;
    const by = change(row, base);
    const fill = element("span", {class: "fill"});
    const [left, right] = [at(Math.min(from, from + by)), at(Math.max(from, from + by))];
    fill.style.left = `${left}%`;
    fill.style.width = `max(1px, ${right - left}%)`;
    fill.style.backgroundColor = row.total ? "var(--pale)" : scale.colour(by < 0 ? -0.85 : 0.85);
    const zero = element("span", {class: "zero"});
    zero.style.left = `${at(base)}%`;
    const track = element("span", {class: "track", "aria-hidden": "true"}, zero, fill);
    if (Number.isFinite(row.error)) {
      const whisker = element("span", {class: "whisker"});
      whisker.style.left = `${at(from + by - row.error)}%`;
      whisker.style.width = `${at(from + by + row.error) - at(from + by - row.error)}%`;
      track.append(whisker);
    }
    return element("li", {class: row.total ? "total" : "", "data-row": r, "data-value": String(row.value)},
      element("span", {class: "name"}, row.name), track,
      element("span", {class: "value"}, text(row.value)));
  });
  const list = element("ol", {class: "bars", "aria-label": label}, items);
  roving(list, () => items.map(item => [item]));
  tips(list, "li", item => describe(rows[Number(item.dataset.row)]));
  if (chosen) {
    list.classList.add("chosen");
    const choose = event => {
      const item = event.target.closest("li");
      if (item && (event.type === "click" || event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        chosen(rows[Number(item.dataset.row)].key);
      }
    };
    list.addEventListener("click", choose);
    list.addEventListener("keydown", choose);
  }
  return rows.some(row => Number.isFinite(row.error))
    ? element("div", {}, list, element("p", {class: "note"}, "Lines over the bars reach one standard error to either side.")) : list;
}

/** The way that a row's bar goes. */
function change(row, base) {
  return row.from === undefined ? row.value - base : row.value;
}

/** Rows that begin where the one before ended, and a last one with their sum. */
export function waterfall(rows, sumName) {
  let sum = 0;
  const steps = rows.map(row => {
    const step = {...row, from: sum};
    sum += row.value;
    return step;
  });
  return [...steps, {name: sumName, value: sum, from: 0, total: true}];
}
