/** Tables of results as maps of coloured cells: two axes make a map, further ones a map for each step. */

import {diverging, legend, sequential} from "./colour.js";
import {element} from "./dom.js";
import {dataGrid} from "./grid.js";
import {figure} from "./number.js";
import {tips} from "./tip.js";

/** More cells than this are painted, not made of elements. */
const MAX_ELEMENTS = 5000;
/** More columns than this leave no room for figures. */
const MAX_FIGURES = 28;
const PAINTED_WIDTH = 1100;
const MAX_MAPS = 16;

/** The size of a step on each axis in a table's row-major order. */
export function strides(table) {
  const steps = [];
  let step = 1;
  for (let a = table.axes.length - 1; a >= 0; a--) {
    steps[a] = step;
    step *= table.axes[a].labels.length;
  }
  return steps;
}

/** A cell's index on each axis. */
export function indexOf(table, cell) {
  return strides(table).map((step, a) => Math.floor(cell / step) % table.axes[a].labels.length);
}

/** Where a cell is, in words. */
export function place(table, cell) {
  return indexOf(table, cell).map((i, a) => {
    const {name, labels} = table.axes[a];
    const alone = labels[i] === "bias" || (table.axes.length === 1 && !/^\d+$/.test(labels[i]));
    return alone ? labels[i] : `${name} ${labels[i]}`;
  }).join(", ");
}

/** What a cell shows, of all samples or of one: its value, or its difference from what it is compared with. */
export function shownOf(table, sample) {
  const count = table.samples.length;
  if (sample === null) {
    return table.subtracted ? table.shown : table.mean;
  }
  return table.mean.map((_, cell) => {
    const at = cell * count + sample;
    return table.values[at] - (table.subtracted ? table.references[at % table.references.length] : 0);
  });
}

/** The value that shows that nothing happened; null if there is none. */
export const neutralOf = table => table.subtracted ? 0 : table.neutral;

/** What is measured, with its unit, and from what the values shown are differences, if they are. */
export function measured(table, sample) {
  const {quantity, unit, subtracted, references} = table;
  const parts = [unit ? `${quantity} (${unit})` : quantity];
  if (subtracted && sample === null) {
    parts.push(subtracted);
  } else if (subtracted) {
    const base = references.length === table.samples.length ? ` ${figure(references[sample])},` : "";
    parts.push(`differences from${base} the value without the edit`);
  }
  return parts.join(", ");
}

/** A function that writes numbers with as many decimals as give the largest three digits; one that vanishes is 0. */
export function rounding(values) {
  const most = values.reduce((largest, value) => Number.isFinite(value) ? Math.max(largest, Math.abs(value)) : largest, 0);
  if (most === 0 || most < 1e-4 || most >= 1e6) {
    return figure;
  }
  const decimals = Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(most))));
  return value => !Number.isFinite(value) ? "-" : Math.abs(value) < 0.5 * 10 ** -decimals ? "0" : value.toFixed(decimals);
}

/**
 * The scale of a table's values: symmetric about what is neutral, if anything is. With a share below 1, colours end at
 * that quantile of the distances, and `beyond` counts the values that lie farther out.
 */
export function scaleOf(values, neutral, share = 1) {
  const finite = [...values].filter(Number.isFinite);
  const quantile = sorted => sorted.length ? sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] : 0;
  if (neutral === null) {
    const sorted = finite.sort((a, b) => a - b);
    const scale = sequential(sorted[0] ?? 0, quantile(sorted)).of(finite);
    return {scale, beyond: finite.filter(value => value > scale.high).length, text: rounding(finite)};
  }
  const reach = quantile(finite.map(value => Math.abs(value - neutral)).sort((a, b) => a - b));
  return {scale: diverging(reach, neutral).of(finite), beyond: finite.filter(value => Math.abs(value - neutral) > reach).length,
    text: rounding(finite)};
}

/** The axes that go down, across, and over several maps: positions go across, or else the last axis. */
export function layoutOf(table, rows, columns) {
  const names = table.axes.map(axis => axis.name);
  const all = names.map((_, a) => a);
  const across = names.includes(columns) ? names.indexOf(columns)
    : names.includes("position") ? names.indexOf("position") : all.length - 1;
  const rest = all.filter(a => a !== across);
  const down = rest.includes(names.indexOf(rows)) ? names.indexOf(rows) : rest.at(-1);
  return {down, across, others: rest.filter(a => a !== down)};
}

/**
 * The maps of a table of two axes or more.
 *
 * @param table the table's words and axes
 * @param values by cell
 * @param layout as `layoutOf` gives it
 * @param steps of the other axes, where only one map of many is shown: by axis
 * @param scale colours
 * @param describe gives the text or elements of a cell's box
 * @param chosen told a cell when it is clicked or Enter pressed
 */
export function tableMaps({table, values, layout, steps, scale, describe, chosen}) {
  const {down, across, others} = layout;
  const size = strides(table);
  let offsets = [{name: "", offset: 0}];
  for (const axis of others) {
    const {name, labels} = table.axes[axis];
    const shown = steps[axis] === undefined ? labels.map((_, i) => i) : [steps[axis]];
    offsets = offsets.flatMap(before => shown.map(i => ({
      name: [before.name, `${name} ${labels[i]}`].filter(Boolean).join(", "),
      offset: before.offset + i * size[axis],
    })));
  }
  const text = rounding([...values]);
  const root = element("div", {class: "maps"}, offsets.map(({name, offset}) => {
    const cellAt = (r, c) => offset + r * size[down] + c * size[across];
    const map = heatMap({
      label: [table.title, name].filter(Boolean).join(", "),
      rows: table.axes[down],
      columns: table.axes[across],
      value: (r, c) => values[cellAt(r, c)],
      cellAt,
      scale,
      text,
      chosen: (r, c) => chosen(cellAt(r, c)),
    });
    return element("figure", {class: "map"}, name ? element("figcaption", {}, name) : null,
      element("div", {class: "scroll"}, map));
  }));
  tips(root, "[data-cell]", cell => describe(Number(cell.dataset.cell)));
  return root;
}

/** The number of maps that a layout takes. */
export function mapsOf(table, layout) {
  return layout.others.reduce((count, axis) => count * table.axes[axis].labels.length, 1);
}

/** Whether all maps can be shown at once. */
export function fitsAtOnce(table, layout) {
  return mapsOf(table, layout) <= MAX_MAPS;
}

/** Marks the cell that was chosen. */
export function mark(root, cell) {
  for (const data of root.querySelectorAll("[data-cell]")) {
    data.setAttribute("aria-selected", String(Number(data.dataset.cell) === cell));
  }
}

function heatMap(map) {
  return map.rows.labels.length * map.columns.labels.length <= MAX_ELEMENTS ? tableMap(map) : paintedMap(map);
}

function tableMap({label, rows, columns, value, cellAt, scale, text, chosen}) {
  const figures = columns.labels.length <= MAX_FIGURES;
  const table = dataGrid({
    label,
    corner: [element("span", {}, `${rows.name} \u2193`), element("span", {}, `${columns.name} \u2192`)],
    columns: columns.labels.map(name => figures ? name : element("span", {class: "turned"}, name)),
    rows: rows.labels,
    cell: (data, r, c) => {
      const number = value(r, c);
      scale.paint(data, number);
      data.dataset.cell = cellAt(r, c);
      if (figures) {
        data.textContent = text(number);
        // Figures without a colour of their own step back.
        data.classList.toggle("vanishes", data.textContent === "0");
      } else {
        data.setAttribute("aria-label", text(number));
      }
    },
    chosen,
  });
  table.classList.add("heat");
  table.classList.toggle("dense", !figures);
  return table;
}

/** A map on a canvas, with one element for the cell that is pointed at or has the focus. */
function paintedMap({label, rows, columns, value, cellAt, scale, text, chosen}) {
  const width = Math.max(1, Math.min(12, Math.floor(PAINTED_WIDTH / columns.labels.length)));
  const height = Math.max(3, Math.min(14, Math.floor(700 / rows.labels.length)));
  const canvas = element("canvas", {
    width: width * columns.labels.length,
    height: height * rows.labels.length,
    "aria-hidden": "true",
  });
  const paint = canvas.getContext("2d");
  rows.labels.forEach((_, r) => columns.labels.forEach((__, c) => {
    paint.fillStyle = scale.colour(value(r, c));
    paint.fillRect(c * width, r * height, width, height);
  }));
  const line = element("div", {role: "row"});
  const root = element("div", {
    class: "painted",
    role: "grid",
    "aria-label": label,
    "aria-rowcount": rows.labels.length,
    "aria-colcount": columns.labels.length,
  }, canvas, line);
  let at = [0, 0];
  const move = (r, c, focus) => {
    at = [Math.max(0, Math.min(rows.labels.length - 1, r)), Math.max(0, Math.min(columns.labels.length - 1, c))];
    const cursor = element("div", {
      class: "cursor",
      role: "gridcell",
      tabindex: 0,
      "aria-rowindex": at[0] + 1,
      "aria-colindex": at[1] + 1,
      "aria-label": `${rows.name} ${rows.labels[at[0]]}, ${columns.name} ${columns.labels[at[1]]}: ${text(value(...at))}`,
      "data-row": at[0],
      "data-column": at[1],
      "data-cell": cellAt(...at),
      "data-value": String(value(...at)),
    });
    cursor.style.left = `${at[1] * width}px`;
    cursor.style.top = `${at[0] * height}px`;
    cursor.style.width = `${width}px`;
    cursor.style.height = `${height}px`;
    line.replaceChildren(cursor);
    if (focus) {
      cursor.focus();
    }
  };
  move(0, 0, false);
  root.addEventListener("pointermove", event => {
    const box = canvas.getBoundingClientRect();
    const [r, c] = [Math.floor((event.clientY - box.top) / height), Math.floor((event.clientX - box.left) / width)];
    if (r !== at[0] || c !== at[1]) {
      move(r, c, line.contains(document.activeElement));
    }
  });
  root.addEventListener("click", () => chosen(...at));
  root.addEventListener("keydown", event => {
    const [r, c] = at;
    const next = {
      ArrowUp: [r - 1, c], ArrowDown: [r + 1, c], ArrowLeft: [r, c - 1], ArrowRight: [r, c + 1],
      Home: [event.ctrlKey ? 0 : r, 0],
      End: [event.ctrlKey ? rows.labels.length - 1 : r, columns.labels.length - 1],
      PageUp: [0, c], PageDown: [rows.labels.length - 1, c],
    }[event.key];
    if (next) {
      event.preventDefault();
      move(...next, true);
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      chosen(...at);
    }
  });
  return element("div", {},
    element("p", {class: "note"}, `${rows.name} ${rows.labels[0]} to ${rows.labels.at(-1)} down, `
      + `${columns.name} ${columns.labels[0]} to ${columns.labels.at(-1)} across`), root);
}

/** A scale's bar, and what lies beyond its ends. */
export function scaleNote({scale, beyond, text = figure}, title, share) {
  return element("div", {}, legend(scale, title, text),
    share < 1 && beyond > 0
      ? element("p", {class: "note"}, `Colours end at the ${Math.round(100 * share)} % quantile of the distances; `
        + `${beyond} ${beyond === 1 ? "cell lies" : "cells lie"} beyond.`)
      : null);
}

/** A table as rows: labels, mean, standard error, and every sample. */
export function rowsOf(table) {
  const count = table.samples.length;
  return [
    [...table.axes.map(axis => axis.name), "mean", "standard_error", ...table.samples],
    ...Array.from(table.mean, (mean, cell) => [
      ...indexOf(table, cell).map((i, a) => table.axes[a].labels[i]),
      mean, table.error[cell], ...table.values.subarray(cell * count, (cell + 1) * count),
    ]),
  ];
}
