/** View 2: all heads at a glance. */

import {diverging, legend, sequential} from "./colour.js";
import {button, choice, element} from "./dom.js";
import {roving} from "./grid.js";
import {rounding} from "./maps.js";
import {JobBar, isBegun} from "./job.js";
import {figure} from "./number.js";
import {tips} from "./tip.js";

export const label = "Heads";
export const help = "Each small picture is a head's attention pattern on the prompt: rows are the tokens it looks from, columns"
  + " those it looks at, deeper in colour where a larger share goes. The line below each is coloured by the number chosen above, which the"
  + " sentence beside it explains.";

const ACROSS = 12;

/** A text as one word of a shell. */
const shellWord = text => `'${text.replaceAll("'", "'\\''")}'`;

export function render(root, view, context) {
  const {layers, heads, positions, thumbnails, types, scores, unablated} = view.data;
  let {numbers} = view.data;
  const side = thumbnails.shape.at(-1);
  const shades = sequential(0, 255);
  const all = Array.from({length: layers * heads}, (_, cell) =>
    ({cell, name: `${Math.floor(cell / heads)}.${cell % heads}`, type: types[cell]}));
  const named = [...new Set(types.filter(Boolean))].sort();
  let state = read(context.address);

  const choices = element("div", {class: "choices"});
  const meaning = element("p", {class: "note", "aria-live": "polite"});
  const bar = element("div", {class: "legends"});
  const grid = element("div", {class: "head-grid", role: "grid", "aria-label": "Attention heads"});
  const picked = element("div", {class: "picked"});
  root.append(choices, meaning, bar, element("div", {class: "scroll"}, grid), picked);
  if (unablated && context.live) {
    root.prepend(ablationOfEach());
  }

  /** What to leave out each head changes, which takes so long that it is run when asked for. */
  function ablationOfEach() {
    const request = {view: "heads"};
    const measure = () => {
      start.hidden = true;
      problem.hidden = true;
      job.run(request);
    };
    const start = button("Measure the effect of ablating each head", measure);
    const problem = element("p", {class: "banner bad", role: "alert", hidden: true});
    const job = new JobBar(context, {
      done: whole => {
        ({numbers} = whole.data);
        made.remove();
        state = read(context.address);
        draw();
      },
      failed: ({message}) => {
        problem.textContent = message;
        problem.hidden = false;
        start.hidden = false;
      },
    });
    const made = element("div", {}, element("div", {class: "toolbar"}, start), problem, job.root);
    // The reader has asked for it before, and comes back to the tab.
    if (isBegun(context.live, request)) {
      measure();
    }
    return made;
  }

  function read(address) {
    const chosen = (address.pick ?? "").split(",").filter(name => all.some(head => head.name === name));
    return {
      colour: numbers.some(({name}) => name === address.colour) ? address.colour : (numbers.find(({name}) => name === "ablation effect") ?? numbers[0]).name,
      sort: address.sort === "value" ? "value" : "place",
      type: named.includes(address.type) ? address.type : "",
      picked: new Set(chosen),
    };
  }

  function save() {
    context.navigate({
      colour: state.colour,
      sort: state.sort === "place" ? null : state.sort,
      type: state.type || null,
      pick: state.picked.size ? [...state.picked].join(",") : null,
    });
  }

  function change(changes) {
    state = {...state, ...changes};
    save();
    draw();
  }

  const number = () => numbers.find(({name}) => name === state.colour);

  function scaleOf({values, signed}) {
    const finite = [...values].filter(Number.isFinite);
    if (signed) {
      return diverging(Math.max(0, ...finite.map(Math.abs))).of(finite);
    }
    return sequential(Math.min(0, ...finite), Math.max(...finite, 0));
  }

  /** The heads in rows: layers, or, sorted or filtered, lines of some. */
  function rows() {
    const {values} = number();
    const wanted = all.filter(head => state.type === "" || head.type === state.type);
    if (state.sort === "place" && state.type === "") {
      return Array.from({length: layers}, (_, layer) => wanted.slice(layer * heads, (layer + 1) * heads));
    }
    const order = state.sort === "place" ? wanted
      : wanted.toSorted((a, b) => (Number.isFinite(values[b.cell]) ? values[b.cell] : -Infinity)
        - (Number.isFinite(values[a.cell]) ? values[a.cell] : -Infinity) || a.cell - b.cell);
    return Array.from({length: Math.ceil(order.length / ACROSS)}, (_, row) => order.slice(row * ACROSS, (row + 1) * ACROSS));
  }

  function thumbnail(cell) {
    const canvas = element("canvas", {width: side, height: side, "aria-hidden": "true"});
    const ink = canvas.getContext("2d");
    const image = ink.createImageData(side, side);
    const first = cell * side * side;
    for (let i = 0; i < side * side; i++) {
      image.data.set(table[thumbnails[first + i]], 4 * i);
    }
    ink.putImageData(image, 0, 0);
    return canvas;
  }

  /** How the colours of the pictures are read. */
  function pictureLegend() {
    const shares = {low: 0, high: 1, neutral: null, colour: share => shades.colour(255 * Math.sqrt(share))};
    const many = Math.ceil(positions / side);
    return legend(shares, positions > side
      ? `pictures: share of attention; a dot adds up about ${many} keys, a mean over about ${many} queries`
      : "pictures: share of attention");
  }

  const table = Array.from({length: 256}, (_, shade) => [...shades.rgb(shade), 255]);

  function draw() {
    const shown = number();
    const scale = scaleOf(shown);
    const text = rounding([...shown.values]);
    choices.replaceChildren(
      choice("Colour by", numbers.map(({name}) => [name, name]), state.colour, colour => change({colour})),
      choice("Sort by", [["place", "layer and head"], ["value", "this number"]], state.sort, sort => change({sort})),
      choice("Type", [["", "all"], ...named.map(type => [type, type])], state.type, type => change({type})));
    meaning.textContent = shown.meaning;
    bar.replaceChildren(legend(scale, `lines: ${shown.name}`, text), pictureLegend());
    const inPlace = state.sort === "place" && state.type === "";
    const cells = rows().map(row => row.map(head => {
      const value = shown.values[head.cell];
      const caption = element("span", {class: "head-value"}, element("b", {}, head.name), element("span", {}, text(value)));
      scale.paint(caption, value);
      const cell = element("div", {
        role: "gridcell",
        class: "head-cell",
        tabindex: -1,
        "data-head": head.name,
        "data-value": String(value),
        "aria-selected": String(state.picked.has(head.name)),
        "aria-label": `head ${head.name}${head.type ? `, ${head.type}` : ""}, ${shown.name} ${figure(value)}`,
      }, thumbnail(head.cell), caption, element("span", {class: "head-type"}, head.type || "\u2013"));
      return cell;
    }));
    grid.replaceChildren(...cells.map((row, layer) => element("div", {role: "row", class: "head-row"},
      inPlace ? element("span", {role: "rowheader", class: "row-name"}, `layer ${layer}`) : null, row)));
    grid.style.setProperty("--across", inPlace ? heads : ACROSS);
    if (cells.length === 0) {
      grid.append(element("p", {}, "There is no such head."));
    }
    current = cells;
    roving(grid, () => current);
    drawPicked();
  }

  let current = [];

  function drawPicked() {
    for (const cell of current.flat()) {
      cell.setAttribute("aria-selected", String(state.picked.has(cell.dataset.head)));
    }
    const names = [...state.picked];
    picked.replaceChildren(element("p", {class: names.length ? "" : "note"},
      names.length === 0
        ? "Click a head, or press Enter on it, to open it among the tokens; Ctrl-click or press Space to pick several."
        : `Picked: ${names.join(", ")}. `,
      names.length === 0 ? null : button("Let go", () => change({picked: new Set()})), " ",
      names.length && context.live?.openRun ? button("Ablate them at once", () => context.live.openRun({edits: edits()})) : null));
    if (names.length && !context.live) {
      picked.append(element("p", {class: "note"}, "To see the model without them, run:"),
        element("pre", {tabindex: 0}, ablation()));
    }
  }

  function byLayer() {
    const layersOf = new Map();
    for (const name of [...state.picked].sort((a, b) => a.localeCompare(b, "en", {numeric: true}))) {
      const [layer, head] = name.split(".").map(Number);
      layersOf.set(layer, [...layersOf.get(layer) ?? [], head]);
    }
    return layersOf;
  }

  /** The library's interventions that set z of the picked heads to zero. */
  function edits() {
    return [...byLayer()].map(([layer, of]) =>
      ({do: "zero", site: "attn.hook_z", layers: String(layer), heads: of.join(",")}));
  }

  function ablation() {
    const model = [/ --model[ =](?:'[^']*'|\S+)/, / --process[ =]\S+/]
      .map(option => view.command.match(option)?.[0] ?? "").join("");
    const {text, tokens} = view.prompt;
    const start = `hyaline edit${model} `
      + (text ? `--prompt ${shellWord(text)}` : `--tokens ${tokens.map(({id}) => id).join(",")}`);
    const of = [...byLayer()];
    return of.length === 1
      ? `${start} --zero z --layers ${of[0][0]} --heads ${of[0][1].join(",")}`
      : `${start} --edits edits.json\n\nedits.json:\n${
        JSON.stringify({format: "hyaline-interventions/1", interventions: edits()})}`;
  }

  function pick(name) {
    const chosen = new Set(state.picked);
    if (!chosen.delete(name)) {
      chosen.add(name);
    }
    state = {...state, picked: chosen};
    save();
    drawPicked();
    context.announce(chosen.has(name) ? `picked ${name}` : `let go of ${name}`);
  }

  function open(name) {
    const [l, h] = name.split(".");
    if (document.getElementById("tokens")) {
      location.hash = `#tokens/l=${l}&h=${h}`;
    } else {
      pick(name);
    }
  }

  grid.addEventListener("click", event => {
    const cell = event.target.closest("[data-head]");
    if (cell) {
      (event.ctrlKey || event.metaKey || event.shiftKey ? pick : open)(cell.dataset.head);
    }
  });
  grid.addEventListener("keydown", event => {
    const name = event.target.dataset?.head;
    if (name && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      (event.key === " " ? pick : open)(name);
    }
  });
  tips(grid, "[data-head]", cell => {
    const head = all.find(({name}) => name === cell.dataset.head);
    return [element("b", {}, `head ${head.name}`),
      head.type ? ` ${head.type} (${figure(scores[head.cell])})` : "",
      element("table", {}, numbers.map(({name, values}) => element("tr", {},
        element("th", {scope: "row"}, name), element("td", {class: "number"}, String(values[head.cell])))))];
  });

  draw();
  return {
    update(address) {
      state = read(address);
      draw();
    },
    csv: () => [["layer", "head", "type", "score", ...numbers.map(({name}) => name.replaceAll(" ", "_"))],
      ...all.map(({cell, type}) => [Math.floor(cell / heads), cell % heads, type, scores[cell],
        ...numbers.map(({values}) => values[cell])])],
    command: () => state.picked.size ? ablation() : view.command,
  };
}
