/** A graph of nodes and weighted edges, cut at any threshold. */

import {button, choice, element} from "./dom.js";
import {roving} from "./grid.js";
import {latest} from "./latest.js";
import {figure} from "./number.js";
import {renderStudy} from "./study.js";
import {svg, ticks} from "./svg.js";
import {tips} from "./tip.js";
import {tokenText} from "./token.js";

export const label = "Circuit";
export const help = "Nodes are parts of the model, from the input up to the logits; an edge is what one reads of another, "
  + "as wide as its score. Faithfulness is the share of the distance from the metric with every edge ablated to the whole "
  + "model's that a circuit restores by itself; it was measured at the marked sizes.";

/** A drawing of more edges than this cannot be read. */
const MAX_DRAWN = 1500;
/** Sizes up to this are steps of the slider one by one. */
const MAX_SINGLE_STEPS = 60;
const GROWTH = 1.08;
const PARTS = ["", "q", "k", "v"];
const BOX = {width: 54, height: 22};

const METHODS = {"eap-ig": "EAP-IG, 5 steps", eap: "EAP", exact: "exact effects"};

export function render(root, view, context) {
  return context.live ? renderLive(root, view, context) : renderGraph(root, view, context, null);
}

/** A form of what the circuit is of. */
function renderLive(root, first, context) {
  const {methods, metrics} = first.data.form;
  return renderStudy(root, first, context, {
    view: "circuit",
    controls: [
      {key: "method", name: "Edges scored by", options: methods.map(name => [name, METHODS[name]])},
      {key: "metric", name: "Metric", options: metrics.map(name => [name, name])},
    ],
    text: "Find the circuit",
    hint: "Change a word of the corrupted prompt on which the answer depends, such as a name; it must keep as many tokens. "
      + "Then find the circuit.",
    forgotten: ["edges", "node"],
    draw: (body, view, inContext, request, failed) => renderGraph(body, view, inContext,
      told => latest(size => context.live.run({...request, size}), told, failed)),
  });
}

/** @param measurer gives a function that asks for the faithfulness of a size that was not measured; null in a file */
function renderGraph(root, view, context, measurer) {
  const graph = new Graph(view.data);
  const stops = graph.stops();
  let chosen = null;
  const measure = measurer?.(answer => {
    graph.add(answer.data);
    tell();
  });

  const drawing = element("div", {class: "graph"});
  const detail = element("aside", {class: "detail", "aria-label": "The chosen node"});
  const state = element("p", {class: "cut", "aria-live": "polite"});
  const plot = element("div", {class: "curve"});
  const slider = element("input", {type: "range", min: 0, max: stops.length - 1, step: 1, "aria-label": "Number of edges",
    oninput: () => {
      context.navigate({edges: String(stops[Number(slider.value)])});
      draw();
    }});
  slider.addEventListener("keydown", event => {
    const measured = stops.map((count, i) => [count, i]).filter(([count]) => graph.asked.includes(count)).map(([, i]) => i);
    const at = Number(slider.value);
    const next = event.key === "PageUp" ? measured.find(i => i > at) : event.key === "PageDown" ? measured.findLast(i => i < at) : undefined;
    if (next !== undefined) {
      event.preventDefault();
      slider.value = next;
      slider.dispatchEvent(new Event("input"));
    }
  });

  const mode = () => graph.hasCircuit && context.address.edges === undefined ? "circuit" : "score";
  const count = () => Number(context.address.edges ?? stops[Number(slider.value)]);

  function draw() {
    const found = mode() === "circuit";
    const edges = found ? graph.circuit : graph.top(count());
    if (!found) {
      slider.value = nearest(stops, count());
    }
    const kept = graph.pruned(edges);
    const shown = found ? edges : kept;
    controls.querySelector("select")?.replaceChildren(...modes(found));
    slider.setAttribute("aria-valuetext", `${count()} edges`);
    tell();
    if (measure && !found && !graph.asked.includes(count())) {
      measure(count());
    }
    const paths = chosen === null ? null : graph.paths(chosen, shown);
    const before = drawing.querySelector(".scroll")?.scrollLeft;
    drawing.replaceChildren(picture(graph, shown, chosen, paths));
    const box = drawing.querySelector(".scroll");
    // A picture wider than the page begins with its middle, where input and logits are.
    box.scrollLeft = before ?? (graph.positions ? 0 : (box.scrollWidth - box.clientWidth) / 2);
    detail.replaceChildren(...about(graph, shown, chosen, paths, choose));
  }

  /** Says how much of the metric the edges restore. */
  function tell() {
    const found = mode() === "circuit";
    const shown = found ? graph.circuit : graph.pruned(graph.top(count()));
    state.replaceChildren(...words(graph, found ? null : count(), shown));
    plot.replaceChildren(...graph.asked.length ? [element("h4", {}, "Faithfulness by number of edges"), curve(graph, found ? shown.length : count())] : []);
  }

  const modes = found => [["circuit", "the circuit that was found"], ["score", "edges by score"]].map(([value, text]) =>
    element("option", {value, selected: (value === "circuit") === found}, text));
  const controls = element("div", {class: "choices"},
    graph.hasCircuit ? choice("Show", [], "", value => {
      context.navigate({edges: value === "circuit" ? null : String(nearestOf(graph.circuit.length, stops))});
      draw();
    }) : null,
    element("label", {class: "choice long"}, element("span", {}, "Edges"), slider),
    view.data.traced ? button("Save for circuit-tracer", () => saveJson("graph.json", view.data.traced)) : null);

  function choose(node) {
    chosen = node === chosen ? null : node;
    context.navigate({node: chosen === null ? null : graph.nodes[chosen].name});
    draw();
    if (chosen !== null) {
      const {upstream, downstream} = graph.paths(chosen, mode() === "circuit" ? graph.circuit : graph.pruned(graph.top(count())));
      context.announce(`${graph.title(chosen)}: ${upstream.size} nodes upstream, ${downstream.size} downstream`);
    }
    drawing.querySelector(`[data-node="${node}"]`)?.focus();
  }

  const nodeOf = event => event.target.closest?.("[data-node]");
  drawing.addEventListener("click", event => {
    const node = nodeOf(event);
    if (node) {
      choose(Number(node.dataset.node));
    } else if (chosen !== null && !event.target.closest("[data-edge]")) {
      choose(chosen);
    }
  });
  drawing.addEventListener("keydown", event => {
    const node = nodeOf(event);
    if (node && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      choose(Number(node.dataset.node));
    }
  });
  roving(drawing, () => rowsOfNodes(drawing));
  tips(drawing, "[data-node], [data-edge]", target => target.dataset.node !== undefined
    ? [element("b", {}, graph.title(Number(target.dataset.node))), element("br"), graph.facts(Number(target.dataset.node))]
    : edgeText(graph, Number(target.dataset.edge)));

  function update() {
    const named = graph.nodes.findIndex(node => node.name === context.address.node);
    chosen = named < 0 ? null : named;
    if (context.address.edges !== undefined) {
      slider.value = nearest(stops, Number(context.address.edges));
    } else {
      slider.value = nearest(stops, graph.hasCircuit ? graph.circuit.length : Math.min(graph.weights.length, 100));
    }
    draw();
  }

  root.replaceChildren(controls, element("div", {class: "columns"},
    element("div", {}, state, legendOf(graph), drawing),
    element("div", {}, plot, detail)));
  update();
  return {
    update,
    csv: () => [["from", "to", "part", "weight", "in_circuit", "exact_effect"],
      ...Array.from(graph.weights, (weight, e) => [graph.nodes[graph.senders[e]].name, graph.nodes[graph.receivers[e]].name,
        PARTS[graph.parts?.[e] ?? 0], weight, graph.kept[e] === 1 ? "true" : "false", graph.effects?.[e] ?? NaN])],
  };
}

class Graph {
  constructor(data) {
    Object.assign(this, data);
    this.asked = Array.from(data.asked ?? []);
    this.circuit = Array.from(this.kept.keys()).filter(e => this.kept[e] === 1);
    this.hasCircuit = !this.positions;
    this.largest = this.weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) || 1;
    const rank = this.absolute ? e => Math.abs(this.weights[e]) : e => this.weights[e];
    // As the library selects: equal scores keep the graph's order.
    this.order = Array.from(this.weights.keys()).sort((a, b) => rank(b) - rank(a) || a - b);
    this.rank = rank;
  }

  /** The numbers of edges that the slider steps through. */
  stops() {
    const all = this.weights.length;
    const found = new Set([...this.asked, Math.min(all, this.circuit.length), all]);
    for (let n = 1; n <= all; n = n < MAX_SINGLE_STEPS ? n + 1 : Math.ceil(n * GROWTH)) {
      found.add(n);
    }
    return [...found].filter(n => n > 0).sort((a, b) => a - b);
  }

  /** Takes over the faithfulness of one more size. */
  add({asked, faithfulness}) {
    if (!this.asked.includes(asked)) {
      const at = this.asked.filter(size => size < asked).length;
      this.asked.splice(at, 0, asked);
      this.faithfulness = [...this.faithfulness];
      this.faithfulness.splice(at, 0, faithfulness);
    }
  }

  top(count) {
    return this.order.slice(0, count).sort((a, b) => a - b);
  }

  /** Edges without dead ends, as the library prunes: nothing that the input does not reach, or that reaches no logits. */
  pruned(edges) {
    if (this.positions) {
      return edges;
    }
    let left = edges;
    for (;;) {
      const leaves = new Set(left.map(e => this.senders[e]));
      const reached = new Set(left.map(e => this.receivers[e]));
      const whole = node => this.nodes[node].kind;
      const next = left.filter(e => (whole(this.senders[e]) === "input" || reached.has(this.senders[e]))
        && (whole(this.receivers[e]) === "logits" || leaves.has(this.receivers[e])));
      if (next.length === left.length) {
        return next;
      }
      left = next;
    }
  }

  /** The nodes that lead to a node and those that it leads to, with the edges between. */
  paths(node, edges) {
    const walk = (from, to) => {
      const seen = new Set();
      const used = new Set();
      const waiting = [node];
      while (waiting.length) {
        const at = waiting.pop();
        for (const e of edges) {
          if (from[e] === at) {
            used.add(e);
            if (!seen.has(to[e])) {
              seen.add(to[e]);
              waiting.push(to[e]);
            }
          }
        }
      }
      return [seen, used];
    };
    const [upstream, into] = walk(this.receivers, this.senders);
    const [downstream, outOf] = walk(this.senders, this.receivers);
    return {upstream, downstream, edges: new Set([...into, ...outOf])};
  }

  title(node) {
    const {name, label: text} = this.nodes[node];
    return text ? `${text} (${name})` : name;
  }

  facts(node) {
    const of = this.nodes[node];
    const token = this.positions && this.tokens[of.column] ? `at ${tokenText(this.tokens[of.column])}, position ${of.column}` : "";
    return [
      this.positions ? of.kind : "", token,
      of.activation !== undefined && of.activation !== null ? `activation ${figure(of.activation)}` : "",
      of.influence !== undefined && of.influence !== null ? `influence ${figure(of.influence)}` : "",
      of.probability ? `probability ${figure(of.probability)}` : "",
    ].filter(Boolean).join(", ");
  }

  edgeName(e) {
    const part = PARTS[this.parts?.[e] ?? 0];
    return `${this.nodes[this.senders[e]].name} \u2192 ${this.nodes[this.receivers[e]].name}${part ? ` <${part}>` : ""}`;
  }
}

function nearest(stops, wanted) {
  return stops.reduce((best, stop, i) => Math.abs(stop - wanted) < Math.abs(stops[best] - wanted) ? i : best, 0);
}

const nearestOf = (wanted, stops) => stops[nearest(stops, wanted)];

function edgeText(graph, e) {
  const effect = graph.effects?.[e];
  return [element("b", {}, graph.edgeName(e)), element("br"), `${graph.method}: ${figure(graph.weights[e])}`,
    Number.isFinite(effect) ? [element("br"), `exact effect ${figure(effect)}`] : null].flat().filter(Boolean);
}

/** The size and the faithfulness of what is shown, in words; null is the circuit that was found. */
function words(graph, count, shown) {
  const edges = n => `${n} ${n === 1 ? "edge" : "edges"}`;
  const nodes = new Set(shown.flatMap(e => [graph.senders[e], graph.receivers[e]])).size;
  const strong = value => element("b", {"data-value": String(value)}, figure(value));
  if (count === null) {
    return [`${edges(shown.length)} of ${graph.weights.length} between ${nodes} nodes; faithfulness `,
      strong(graph.circuitFaithfulness), "."];
  }
  const threshold = graph.rank(graph.order[count - 1]);
  const cut = [`${edges(count)} of ${graph.absolute ? "absolute " : ""}score `, strong(threshold), " or more",
    shown.length === count ? "" : `, ${shown.length} without dead ends`, `, between ${nodes} nodes`];
  if (!graph.asked.length) {
    return [...cut, "."];
  }
  const at = graph.asked.indexOf(count);
  if (at >= 0) {
    return [...cut, "; faithfulness ", strong(graph.faithfulness[at]), "."];
  }
  const above = graph.asked.findIndex(asked => asked > count);
  return above <= 0
    ? [...cut, "; faithfulness was not measured at so few."]
    : [...cut, "; faithfulness was measured at ", `${graph.asked[above - 1]} (`, strong(graph.faithfulness[above - 1]), ") and at ",
      `${graph.asked[above]} (`, strong(graph.faithfulness[above]), ")."];
}

/** Faithfulness by number of edges, with a line at the number that is shown. */
function curve(graph, count) {
  const [width, height, left, bottom] = [320, 130, 34, 104];
  const values = Array.from(graph.faithfulness);
  const [low, high] = [Math.min(0, ...values), Math.max(1, ...values)];
  const x = n => left + (width - left - 10) * Math.log(Math.max(1, n)) / Math.log(Math.max(2, graph.weights.length));
  const y = value => bottom - (bottom - 10) * (value - low) / (high - low || 1);
  const points = graph.asked.map((n, i) => [x(n), y(values[i])]).filter((_, i) => graph.asked[i] > 0);
  return svg("svg", {class: "plot-lines", viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `Faithfulness from ${figure(values[0])} at ${graph.asked[0]} edges to ${figure(values.at(-1))} at ${graph.asked.at(-1)}`},
  ticks(low, high, 3).map(tick => [
    svg("line", {class: "axis", x1: left, x2: width - 10, y1: y(tick), y2: y(tick)}),
    svg("text", {x: left - 5, y: y(tick) + 4, "text-anchor": "end"}, figure(tick)),
  ]),
  [1, 10, 100, 1000, 10000].filter(n => n <= graph.weights.length).map(n =>
    svg("text", {x: x(n), y: bottom + 14, "text-anchor": "middle"}, n)),
  svg("text", {x: (left + width) / 2, y: height - 1, "text-anchor": "middle"}, "edges"),
  svg("polyline", {class: "line", points: points.map(point => point.join(",")).join(" ")}),
  points.map(([px, py], i) => svg("circle", {class: "measured", cx: px, cy: py, r: 3.5},
    svg("title", {}, `${graph.asked[i]} edges: ${figure(values[i])}`))),
  svg("line", {class: "now", x1: x(count), x2: x(count), y1: 8, y2: bottom}));
}

function legendOf(graph) {
  const kinds = graph.parts ? [["q", "into queries"], ["k", "keys"], ["v", "values"], ["all", "MLPs and logits"], ["against", "against the task"]]
    : [["all", "raises"], ["against", "lowers"]];
  return element("p", {class: "legend edges"}, kinds.map(([kind, text]) =>
    element("span", {class: `edge-key ${kind}`}, text)));
}

/** Where every node stands, whichever edges are shown. */
function places(graph) {
  if (graph.places) {
    return graph.places;
  }
  const stages = graph.nodes.map(node => node.stage);
  const rows = [...new Set(stages)].sort((a, b) => b - a);
  const found = {at: [], width: 0, height: 0, rows, columns: []};
  if (graph.positions) {
    const cells = new Map();
    graph.nodes.forEach((node, i) => {
      const key = `${node.column} ${node.stage}`;
      cells.set(key, [...cells.get(key) ?? [], i]);
    });
    const columns = Math.max(graph.tokens.length, ...graph.nodes.map(node => node.column + 1));
    const widest = Array.from({length: columns}, (_, column) =>
      Math.max(1, ...rows.map(row => cells.get(`${column} ${row}`)?.length ?? 0)));
    let left = 46;
    found.columns = widest.map(count => {
      const width = Math.max(64, count * 16 + 16);
      left += width;
      return {left: left - width, width};
    });
    const step = 44;
    for (const [key, nodes] of cells) {
      const [column, stage] = key.split(" ").map(Number);
      const {left: from, width} = found.columns[column];
      nodes.forEach((node, i) => {
        found.at[node] = [from + width * (i + 1) / (nodes.length + 1), 26 + rows.indexOf(stage) * step];
      });
    }
    found.width = left + 10;
    found.height = 26 + rows.length * step + 20;
  } else {
    const heads = Math.max(1, ...graph.nodes.filter(node => node.kind === "head").map(node => node.column + 1));
    const step = heads > 10 ? 62 : 74;
    const top = 16;
    // The heads of a layer and its MLP stand in one band, the MLP higher and in a column of its own.
    const layers = Math.max(0, ...stages) / 2;
    const band = 66;
    graph.nodes.forEach((node, i) => {
      const middle = 52 + heads * step / 2;
      const layer = Math.floor(node.stage / 2);
      const y = node.kind === "input" ? top + (layers + 1) * band
        : node.kind === "logits" ? top : top + (layers - layer) * band + (node.kind === "mlp" ? -15 : 9);
      const x = node.kind === "head" ? 52 + (node.column + 0.5) * step
        : node.kind === "mlp" ? 52 + (heads + 0.6) * step : middle;
      found.at[i] = [x, y + 10];
    });
    found.width = 52 + (heads + 1.3) * step;
    found.height = top + (layers + 1) * band + 40;
    found.bands = Array.from({length: layers}, (_, layer) => ({name: `layer ${layer}`, y: top + (layers - layer) * band - 22, height: band - 6}));
  }
  graph.places = found;
  return found;
}

function edgeClass(graph, e) {
  return graph.weights[e] < 0 ? "against" : PARTS[graph.parts?.[e] ?? 0] || "all";
}

function picture(graph, shown, chosen, paths) {
  const {at, width, height, rows, columns, bands} = places(graph);
  const drawn = shown.length > MAX_DRAWN
    ? [...shown].sort((a, b) => Math.abs(graph.weights[b]) - Math.abs(graph.weights[a])).slice(0, MAX_DRAWN) : [...shown];
  const active = new Set(drawn.flatMap(e => [graph.senders[e], graph.receivers[e]]));
  const largest = drawn.reduce((most, e) => Math.max(most, Math.abs(graph.weights[e])), 0) || 1;
  const lifted = e => paths?.edges.has(e) ? 1 : 0;
  // The widest last, lest they be hidden; what belongs to the chosen node above all else.
  drawn.sort((a, b) => lifted(a) - lifted(b) || Math.abs(graph.weights[a]) - Math.abs(graph.weights[b]));
  const half = graph.positions ? 5 : BOX.height / 2;
  const lines = drawn.map(e => {
    const [x1, y1] = at[graph.senders[e]];
    const [x2, y2] = at[graph.receivers[e]];
    const shift = graph.positions ? 0 : [0, -14, 0, 14][graph.parts[e]];
    const pull = Math.max(14, (y1 - y2) * 0.4);
    const d = `M${x1} ${y1 - half}C${x1} ${y1 - half - pull} ${x2 + shift} ${y2 + half + pull} ${x2 + shift} ${y2 + half}`;
    const wide = 0.8 + 6.2 * Math.abs(graph.weights[e]) / largest;
    return svg("g", {class: `edge ${edgeClass(graph, e)}${paths && !lifted(e) ? " dim" : ""}`, "data-edge": e,
      "data-value": graph.weights[e]},
    svg("path", {class: "reach", d}), svg("path", {class: "stroke", d, "stroke-width": wide.toFixed(2)}));
  });
  const boxes = graph.nodes.map((node, i) => {
    const [x, y] = at[i];
    const on = active.has(i);
    const related = !paths || i === chosen || paths.upstream.has(i) || paths.downstream.has(i);
    const made = svg("g", {
      class: `node ${node.kind}${on ? "" : " off"}${i === chosen ? " chosen" : ""}${related ? "" : " dim"}`,
      transform: `translate(${x} ${y})`,
      ...on ? {"data-node": i, role: "button", tabindex: -1, "aria-pressed": String(i === chosen), "aria-label": graph.title(i),
        "data-row": rows.indexOf(node.stage)} : {"aria-hidden": "true"},
    });
    if (!graph.positions) {
      made.append(svg("rect", {x: -BOX.width / 2, y: -BOX.height / 2, width: BOX.width, height: BOX.height, rx: 4}),
        svg("text", {y: 4, "text-anchor": "middle"}, node.name));
    } else if (node.kind === "error") {
      made.append(svg("path", {d: "M0 -6L6 0L0 6L-6 0Z"}));
    } else if (node.kind === "feature") {
      made.append(svg("circle", {r: 5.5}));
    } else {
      made.append(svg("rect", {x: -5.5, y: -5.5, width: 11, height: 11}));
    }
    return made;
  });
  const drawnNote = drawn.length < shown.length ? `Drawn are the ${MAX_DRAWN} strongest of ${shown.length} edges.` : "";
  const picturePart = svg("svg", {class: "circuit", viewBox: `0 0 ${width} ${height}`, width, height, role: "group",
    "aria-label": `Graph of ${active.size} nodes and ${shown.length} edges, from the input up`},
  bands?.map(({name, y, height: tall}) => [
    svg("rect", {class: "band", x: 0, y, width, height: tall}),
    svg("text", {class: "layer", x: 4, y: y + tall / 2 + 4}, name),
  ]) ?? [],
  columns.map(({left, width: wide}, column) => [
    svg("rect", {class: column % 2 ? "band" : "band none", x: left, y: 8, width: wide, height: height - 30}),
    svg("text", {x: left + wide / 2, y: height - 6, "text-anchor": "middle"},
      graph.tokens[column] ? short(tokenText(graph.tokens[column]), Math.floor(wide / 7)) : column),
  ]),
  graph.positions ? rows.map((stage, r) => svg("text", {class: "layer", x: 4, y: 30 + r * 44},
    stage < 0 ? "tokens" : r === 0 ? "logits" : `layer ${stage}`)) : [],
  lines, boxes);
  return element("div", {}, element("div", {class: "scroll"}, picturePart), drawnNote ? element("p", {class: "note"}, drawnNote) : null);
}

const short = (text, length) => text.length <= length ? text : `${text.slice(0, Math.max(1, length - 1))}\u2026`;

function rowsOfNodes(drawing) {
  const rows = new Map();
  for (const node of drawing.querySelectorAll("[data-node]")) {
    rows.set(Number(node.dataset.row), [...rows.get(Number(node.dataset.row)) ?? [], node]);
  }
  return [...rows.entries()].sort(([a], [b]) => a - b).map(([, nodes]) => nodes);
}

/** What is known of a node: its place, its paths, and the edges at it. */
function about(graph, shown, node, paths, choose) {
  if (node === null) {
    return [element("p", {class: "note"}, "Click a node, or press Enter on it, for the paths that lead to it and from it. Move the slider for a smaller or larger circuit.")];
  }
  const list = (title, edges, other) => [
    element("h4", {}, `${title} (${edges.length})`),
    edges.length === 0 ? element("p", {class: "note"}, "None is shown.") : element("div", {class: "table", tabindex: 0, role: "group", "aria-label": title},
      element("table", {}, element("thead", {}, element("tr", {}, element("th", {scope: "col"}, "node"),
        element("th", {scope: "col", class: "number"}, "score"),
        graph.effects ? element("th", {scope: "col", class: "number"}, "exact effect") : null)),
      element("tbody", {}, edges.sort((a, b) => Math.abs(graph.weights[b]) - Math.abs(graph.weights[a])).slice(0, 40).map(e => {
        const part = PARTS[graph.parts?.[e] ?? 0];
        return element("tr", {}, element("th", {scope: "row"},
          button(`${graph.title(other[e])}${part ? ` <${part}>` : ""}`, () => choose(other[e]), {class: "plain"})),
        element("td", {class: "number", "data-value": String(graph.weights[e])}, figure(graph.weights[e])),
        graph.effects ? element("td", {class: "number"}, figure(graph.effects[e])) : null);
      })))),
  ];
  return [
    element("h3", {}, graph.title(node)),
    element("p", {}, [graph.facts(node), `${paths.upstream.size} nodes upstream, ${paths.downstream.size} downstream.`]
      .filter(Boolean).join("; ")),
    ...list("Reads", shown.filter(e => graph.receivers[e] === node), graph.senders),
    ...list("Is read by", shown.filter(e => graph.senders[e] === node), graph.receivers),
  ];
}

function saveJson(name, text) {
  const address = URL.createObjectURL(new Blob([text], {type: "application/json"}));
  element("a", {href: address, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(address));
}
