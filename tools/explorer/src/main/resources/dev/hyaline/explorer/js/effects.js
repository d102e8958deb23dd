/** Maps of effects: what became of a metric when one part of the model after another was edited. */

import {bars} from "./bars.js";
import {button, choice, element} from "./dom.js";
import {
  fitsAtOnce, indexOf, layoutOf, mark, measured, neutralOf, place, rowsOf, scaleNote, scaleOf, shownOf, tableMaps,
} from "./maps.js";
import {figure} from "./number.js";
import {samples} from "./samples.js";
import {renderStudy} from "./study.js";

export const label = "Effects";
export const help = "Each cell is the metric when one part of the model is edited, such as one head's output replaced by "
  + "that of the other prompt, or taken away; a mean over samples, or one of them. Without colour is the run without an "
  + "edit: the farther a cell is from it, on either side, the more that part matters.";

const QUANTILES = [["1", "the largest"], ["0.99", "the 99 % quantile"], ["0.95", "the 95 % quantile"]];

const ABLATIONS = [["zero", "zero"], ["mean-overall", "the mean over positions"], ["noise", "noise added"]];

export function render(root, view, context) {
  return context.live ? renderLive(root, view, context) : renderMap(root, view, context);
}

/** A form of what is patched or ablated. */
function renderLive(root, first, context) {
  const {patches, sites, metrics} = first.data.form;
  const named = names => names.map(name => [name, name]);
  const patched = value => value("do") === "patch";
  return renderStudy(root, first, context, {
    view: "effects",
    controls: [
      {key: "do", name: "Each cell", options: [["patch", "patches"], ["ablate", "ablates"]]},
      {key: "what", name: "what", options: named(patches), when: patched},
      {key: "into", name: "into", options: [["0", "the corrupted run"], ["1", "the clean run"]], flag: "noising", when: patched},
      {key: "site", name: "what", options: named(sites), when: value => !patched(value)},
      {key: "how", name: "by", options: ABLATIONS, when: value => !patched(value)},
      {key: "each", name: "at", options: [["0", "all positions together"], ["1", "each position"]], flag: "positions",
        when: value => !patched(value)},
      {key: "metric", name: "Metric", options: named(metrics)},
    ],
    text: "Run the map",
    hint: "Change a word of the corrupted prompt on which the answer depends, such as a name; it must keep as many tokens. "
      + "Then run the map. Or ablate, which needs no other prompt.",
    note: ({data}) => data.edit?.edits ? "Click a cell, or press Enter on it, for the run with that edit." : null,
    forgotten: ["cell", "scale", "rows", "columns"],
    draw: renderMap,
  });
}

function renderMap(root, view, context) {
  const {data} = view;
  let cell = null;

  const chosenScale = () => context.address.scale ?? data.first;
  const table = () => chosenScale() === "normalised" && data.normalised ? data.normalised : data.raw;
  const sample = () => {
    const chosen = Number(context.address.sample ?? "mean");
    return Number.isInteger(chosen) && chosen >= 0 && chosen < table().samples.length ? chosen : null;
  };
  const values = () => shownOf(table(), sample());
  const error = at => sample() === null ? (table().shownError ?? table().error)[at] : NaN;

  function describe(at) {
    const of = table();
    const value = sample() === null ? of.mean[at] : of.values[at * of.samples.length + sample()];
    return [
      element("b", {}, place(of, at)), element("br"),
      `${plusMinus(value, sample() === null ? of.error[at] : NaN)} ${of.unit}`, element("br"),
      ...of.subtracted ? [`changed by ${plusMinus(values()[at], error(at))}`, element("br")] : [],
      sample() === null ? `mean of ${of.samples.length} ${of.sampleKind}` : of.samples[sample()],
    ];
  }

  const detail = element("aside", {class: "detail", "aria-label": "The chosen cell"});

  /** What is known of the chosen cell, and the run behind it. */
  function showCell() {
    if (cell === null) {
      return;
    }
    const of = table();
    const count = of.samples.length;
    const run = runOf(data.edit, of, cell);
    detail.replaceChildren(...[
      element("h3", {}, place(of, cell)),
      samples({
        values: of.values.subarray(cell * count, (cell + 1) * count),
        names: of.samples,
        mean: of.mean[cell],
        error: of.error[cell],
        neutral: of.neutral,
        quantity: of.quantity,
        unit: of.unit,
        kind: of.sampleKind,
      }),
      of.subtracted ? element("p", {}, "Changed by ", element("b", {class: "changed", "data-value": String(of.shown[cell])},
        plusMinus(of.shown[cell], of.shownError[cell])), ` from ${figure(of.neutral)}.`) : null,
      ...run ? [
        element("h4", {}, "The run behind it"),
        element("p", {class: "note"}, `This command runs it${count > 1 ? ", for the first pair" : ""}:`),
        element("pre", {tabindex: 0, "aria-label": "Command"}, run.command),
        element("div", {class: "toolbar"},
          button("Copy the command", () => navigator.clipboard.writeText(run.command).then(() => context.announce("Command copied"),
            () => getSelection().selectAllChildren(detail.querySelector("pre")))),
          context.live && run.edits ? button("Open the run", () => openRun(run), {class: "open-run"}) : null),
      ] : []].filter(Boolean));
  }

  function openRun(run) {
    location.hash = `#run/${new URLSearchParams({prompt: run.prompt, source: run.source, edits: run.edits})}`;
  }

  function choose(at) {
    cell = at;
    context.navigate({cell: String(at)});
    const run = context.live ? runOf(data.edit, table(), at) : null;
    if (run?.edits) {
      openRun(run);
      return;
    }
    mark(root, at);
    showCell();
    context.announce(`${place(table(), at)}: ${figure(values()[at])}`);
  }

  function draw() {
    const {address} = context;
    const of = table();
    const shown = values();
    const share = Number(address.ends ?? 1);
    const colours = scaleOf(shown, neutralOf(of), share);
    const change = changes => {
      context.navigate(changes);
      draw();
    };
    const names = of.axes.map(axis => [axis.name, axis.name]);
    const layout = of.axes.length > 1 ? layoutOf(of, address.rows, address.columns) : null;
    const controls = element("div", {class: "choices"},
      data.normalised ? choice("Scale", [["raw", "as measured"], ["normalised", "clean 1, corrupted 0"]],
        chosenScale(), scale => change({scale})) : null,
      of.samples.length > 1 ? choice("Show", [["mean", `mean of ${of.samples.length} ${of.sampleKind}`],
        ...of.samples.map((name, i) => [String(i), name.length > 60 ? `${name.slice(0, 59)}\u2026` : name])],
      sample() === null ? "mean" : String(sample()), chosen => change({sample: chosen === "mean" ? null : chosen})) : null,
      choice("Colours to", QUANTILES, String(share), ends => change({ends: ends === "1" ? null : ends})),
      layout && of.axes.length > 2 ? [
        choice("Down", names, of.axes[layout.down].name, rows => change(
          rows === of.axes[layout.across].name ? {rows, columns: of.axes[layout.down].name} : {rows})),
        choice("Across", names, of.axes[layout.across].name, columns => change(
          columns === of.axes[layout.down].name ? {columns, rows: of.axes[layout.across].name}
            : {columns, rows: of.axes[layout.down].name})),
      ] : null,
      layout && !fitsAtOnce(of, layout) ? layout.others.map(axis => choice(of.axes[axis].name,
        of.axes[axis].labels.map((name, i) => [String(i), name]), String(address[`at${axis}`] ?? 0),
        step => change({[`at${axis}`]: step}))) : null);
    const steps = layout && !fitsAtOnce(of, layout)
      ? Object.fromEntries(layout.others.map(axis => [axis, Number(address[`at${axis}`] ?? 0)])) : {};
    const drawn = layout
      ? tableMaps({table: of, values: shown, layout, steps, scale: colours.scale, describe, chosen: choose})
      : bars({
        label: of.title,
        base: neutralOf(of) ?? 0,
        rows: of.axes[0].labels.map((_, i) => ({
          name: place(of, i), value: shown[i], error: error(i), key: i,
        })),
        describe: row => describe(row.key),
        chosen: choose,
      });
    root.replaceChildren(controls,
      layout ? scaleNote(colours, measured(of, sample()), share)
        : element("p", {class: "note"}, `${measured(of, sample())}${of.neutral === null || of.subtracted ? "" : `; bars begin at ${figure(of.neutral)}, the run without an edit`}`),
      element("div", {class: "columns"}, drawn, detail));
    mark(root, cell);
    bringIntoView(root.querySelector("[aria-selected=true]"));
    showCell();
  }

  function update() {
    const at = Number(context.address.cell);
    cell = context.address.cell !== undefined && at >= 0 && at < table().mean.length ? at : farthest(table());
    draw();
  }

  update();
  return {
    update,
    csv: () => rowsOf(table()),
  };
}

/** Turns what scrolls sideways so that a cell is seen; the page stays where it is. */
function bringIntoView(cell) {
  const box = cell?.closest(".scroll");
  if (box && box.scrollWidth > box.clientWidth) {
    const [outer, inner] = [box.getBoundingClientRect(), cell.getBoundingClientRect()];
    if (inner.right > outer.right) {
      box.scrollLeft += inner.right - outer.right + 8;
    }
  }
}

const plusMinus = (value, error) => `${figure(value)}${Number.isFinite(error) ? ` \u00b1 ${figure(error)}` : ""}`;

/** The cell that lies farthest from what is neutral. */
function farthest(table) {
  let best = null;
  table.mean.forEach((value, i) => {
    const distance = Math.abs(value - (table.neutral ?? 0));
    if (Number.isFinite(value) && (best === null || distance > Math.abs(table.mean[best] - (table.neutral ?? 0)))) {
      best = i;
    }
  });
  return best;
}

/** The run behind a cell: names of axes in braces stand for its steps. */
function runOf(edit, table, cell) {
  if (!edit) {
    return null;
  }
  const index = indexOf(table, cell);
  const filled = text => table.axes.reduce(
    (rest, axis, a) => rest.replaceAll(`{${axis.name}}`, edit.steps[a].names[index[a]]), text);
  return {command: filled(edit.command), prompt: edit.prompt, source: edit.source, edits: filled(edit.edits)};
}
