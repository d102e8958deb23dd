/** Direct attribution: the logit difference split into the parts that write it. */

import {bars, waterfall} from "./bars.js";
import {choice, element} from "./dom.js";
import {fitsAtOnce, layoutOf, mark, place, rowsOf, scaleNote, scaleOf, strides, tableMaps} from "./maps.js";
import {figure} from "./number.js";
import {PairForm} from "./pair.js";
import {samples} from "./samples.js";
import {quoted} from "./token.js";

export const label = "Attribution";
export const help = "How much each part of the model adds by itself to the logit of the answer less that of the distractor, "
  + "with the final norm's scale held at the run's, so that the parts add up. A part that is read by later ones does more "
  + "than this; what it does through them counts as theirs.";

const RANKED = 20;
/** More steps than this are not read one by one. */
const MAX_STEPS = 60;
const NO_FEATURES = "Features are latents of an autoencoder. To have them: ";
const FEATURES = "hyaline attribute --by feature --sae SAE --html FILE";

export function render(root, view, context) {
  return context.live ? renderLive(root, view, context) : renderSplits(root, view, context);
}

/** What a form asks for, anew at every change. */
function renderLive(root, first, context) {
  const {compared, kinds} = first.data;
  const names = {layer: "layers", head: "heads", neuron: "neurons", position: "heads and source positions",
    stream: "the stream, as it grows", feature: "features"};
  const results = element("div", {class: "results"});
  let shown = first;
  let control = null;
  let asked = 0;
  const form = new PairForm(context, {
    compared,
    controls: [{key: "by", name: "Split by", options: kinds.map(kind => [kind, names[kind]])}],
    told: () => changed(),
  });
  const note = kinds.includes("feature") ? null
    : element("p", {class: "note"}, NO_FEATURES, element("code", {}, FEATURES));

  function draw(view) {
    shown = view;
    const [answer, distractor] = view.data.compared;
    const body = element("div");
    results.replaceChildren(element("p", {class: "compared"}, "The logit of ", element("b", {}, quoted(answer)), " less that of ",
      element("b", {}, quoted(distractor)), " after the last token."), body);
    results.removeAttribute("aria-busy");
    control = renderSplits(body, view, {...context, get address() {
      return context.address;
    }});
  }

  async function ask() {
    const turn = ++asked;
    results.setAttribute("aria-busy", "true");
    try {
      const view = await context.live.run({view: "attribution", ...form.request()});
      if (turn === asked) {
        draw(view);
      }
    } catch (problem) {
      if (turn === asked) {
        results.removeAttribute("aria-busy");
        form.failed(problem);
      }
    }
  }

  const changed = () => {
    context.navigate({...form.parameters(), cell: null});
    ask();
  };

  function open(address) {
    form.fill(address);
    if (address.by || form.isFilled()) {
      ask();
    } else {
      draw(first);
    }
  }

  root.replaceChildren(form.root, ...[note].filter(Boolean), results);
  open(context.address);
  return {update: open, csv: () => control.csv(), command: () => shown.command, java: () => shown.java};
}

function renderSplits(root, view, context) {
  const splits = view.data.splits.flatMap(one => one.atSeveral ? one.table.axes[0].labels.map((at, i) => onlyAt(one, at, i)) : [one]);
  const kinds = [...new Set(splits.map(({name}) => name))];
  let cell = null;

  const split = () => {
    const {by, at} = context.address;
    const ofKind = splits.filter(({name}) => name === (kinds.includes(by) ? by : kinds[0]));
    return ofKind.find(one => one.at === at) ?? ofKind[0];
  };
  const sample = () => {
    const chosen = Number(context.address.sample ?? "mean");
    return Number.isInteger(chosen) && chosen >= 0 && chosen < split().table.samples.length ? chosen : null;
  };

  function values() {
    const {mean, values: all, samples: names} = split().table;
    const chosen = sample();
    return chosen === null ? mean : mean.map((_, i) => all[i * names.length + chosen]);
  }

  function describe(at) {
    const {table} = split();
    const error = sample() === null ? table.error[at] : NaN;
    return [
      element("b", {}, place(table, at)), element("br"),
      `${figure(values()[at])}${Number.isFinite(error) ? ` \u00b1 ${figure(error)}` : ""} logits`,
    ];
  }

  const detail = element("aside", {class: "detail", "aria-label": "The chosen part"});

  function showPart() {
    if (cell === null) {
      detail.replaceChildren(element("p", {class: "note"}, `Click a part, or press Enter on it, for its exact value${split().table.samples.length > 1 ? ` and all ${split().table.sampleKind}` : ""}.`));
      return;
    }
    const {table} = split();
    const count = table.samples.length;
    detail.replaceChildren(element("h3", {}, place(table, cell)), samples({
      values: table.values.subarray(cell * count, (cell + 1) * count),
      names: table.samples,
      mean: table.mean[cell],
      error: table.error[cell],
      neutral: 0,
      quantity: table.quantity,
      unit: table.unit,
      kind: table.sampleKind,
    }));
  }

  function choose(at) {
    cell = at;
    context.navigate({cell: String(at)});
    mark(root, at);
    showPart();
    context.announce(`${place(split().table, at)}: ${figure(values()[at])} logits`);
  }

  /** Steps from the embedding to the logits, in the order of the model. */
  function steps() {
    const {table, cumulative} = split();
    const shown = values();
    const [first] = table.axes;
    if (cumulative) {
      const last = shown.length - 1;
      return [
        ...first.labels.slice(0, last).map((name, i) => ({
          name, value: i === 0 ? shown[0] : shown[i] - shown[i - 1], from: i === 0 ? 0 : shown[i - 1], key: i,
        })),
        {name: first.labels[last], value: shown[last], from: shown[last - 1], key: last},
        {name: "sum", value: shown[last - 1] + shown[last], from: 0, total: true},
      ];
    }
    if (table.axes.length === 1) {
      return waterfall(first.labels.map((name, i) => ({
        name, value: shown[i], error: sample() === null ? table.error[i] : NaN, key: i,
      })), "sum");
    }
    const size = strides(table)[0];
    return waterfall(first.labels.map((name, i) => ({
      name: `${first.name} ${name}`,
      value: shown.subarray(i * size, (i + 1) * size).reduce((sum, value) => sum + value, 0),
    })), "sum");
  }

  /** The largest parts, whichever their sign. */
  function ranked() {
    const {table} = split();
    const shown = values();
    return Array.from(shown, (value, key) => ({
      name: place(table, key), value, error: sample() === null ? table.error[key] : NaN, key,
    })).filter(row => Number.isFinite(row.value)).sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, RANKED);
  }

  function draw() {
    const {address} = context;
    const one = split();
    const {table} = one;
    const shown = values();
    const change = changes => {
      context.navigate(changes);
      draw();
    };
    const describeRow = row => row.key === undefined ? [element("b", {}, row.name), element("br"), `${figure(row.value)} logits`]
      : one.cumulative ? [element("b", {}, table.axes[0].labels[row.key]), element("br"),
        `${figure(shown[row.key])} logits so far, ${figure(row.value)} more than before`] : describe(row.key);
    const sum = sample() === null && one.at === undefined ? one.sum : total(one, shown);
    const controls = element("div", {class: "choices"},
      kinds.length > 1 ? choice("Split by", kinds.map(name => [name, name]), one.name, by => {
        cell = null;
        change({by, cell: null});
      }) : null,
      one.at !== undefined ? choice("Asked at", splits.filter(({name}) => name === one.name).map(({at}) => [at, at]), one.at, at => change({at})) : null,
      table.samples.length > 1 ? choice("Show", [["mean", `mean of ${table.samples.length} ${table.sampleKind}`],
        ...table.samples.map((name, i) => [String(i), name.length > 60 ? `${name.slice(0, 59)}\u2026` : name])],
      sample() === null ? "mean" : String(sample()), chosen => change({sample: chosen === "mean" ? null : chosen})) : null);
    const layout = table.axes.length > 1 ? layoutOf(table, address.rows, address.columns) : null;
    const colours = scaleOf(shown, 0);
    const many = !layout && table.mean.length > MAX_STEPS;
    const several = layout && !fitsAtOnce(table, layout);
    if (several) {
      controls.append(...layout.others.map(axis => choice(table.axes[axis].name,
        table.axes[axis].labels.map((name, i) => [String(i), name]), String(address[`at${axis}`] ?? 0),
        step => change({[`at${axis}`]: step}))));
    }
    const at = several ? Object.fromEntries(layout.others.map(axis => [axis, Number(address[`at${axis}`] ?? 0)])) : {};
    root.replaceChildren(...[controls,
      element("p", {class: "sum"}, "The parts add up to ", element("b", {"data-value": String(sum)}, figure(sum)),
        ` logits. Check: the sum against ${one.whole}, computed directly, is off by at most `,
        element("b", {class: "off", "data-value": String(one.largestError)}, figure(one.largestError)),
        ` over ${one.checked} ${one.at !== undefined ? "positions of prompts" : one.checked === 1 ? "prompt" : "prompts"}, of values up to ${figure(one.largestValue)}.`),
      context.live || splits.some(({name}) => name === "feature") ? null
        : element("p", {class: "note"}, NO_FEATURES, element("code", {}, FEATURES)),
      element("div", {class: "columns"},
        element("div", {},
          many ? null : element("h3", {}, one.cumulative ? "Along the residual stream" : table.axes.length === 1
            ? "From the embedding to the logits" : `By ${table.axes[0].name}`),
          many ? null : bars({label: "Steps to the logit difference", rows: steps(), describe: describeRow,
            chosen: table.axes.length === 1 ? key => key === undefined ? null : choose(key) : undefined}),
          layout ? [
            element("h3", {}, "All parts"),
            scaleNote(colours, "logits", 1),
            tableMaps({table, values: shown, layout, steps: at, scale: colours.scale, describe, chosen: choose}),
          ] : null,
          one.cumulative ? null : [
            element("h3", {}, table.mean.length > RANKED ? `The ${RANKED} largest parts` : "By size"),
            bars({label: "The largest parts", rows: ranked(), describe: describeRow, chosen: choose}),
          ]),
        detail)].filter(Boolean));
    mark(root, cell);
    showPart();
  }

  function update() {
    const at = Number(context.address.cell);
    cell = context.address.cell !== undefined && at >= 0 && at < split().table.mean.length ? at : null;
    draw();
  }

  update();
  return {update, csv: () => rowsOf(split().table)};
}

/** A split at one of the positions that it was asked at. */
function onlyAt(one, at, i) {
  const {table} = one;
  const cells = table.mean.length / table.axes[0].labels.length;
  const count = table.samples.length;
  return {...one, at, table: {...table,
    title: `${table.title} at ${at}`,
    axes: table.axes.slice(1),
    mean: table.mean.subarray(i * cells, (i + 1) * cells),
    error: table.error.subarray(i * cells, (i + 1) * cells),
    values: table.values.subarray(i * cells * count, (i + 1) * cells * count)}};
}

function total({cumulative}, shown) {
  return cumulative ? shown.at(-2) + shown.at(-1) : shown.reduce((sum, value) => sum + value, 0);
}
