/** View 3: what the model would say at each place in the residual stream. */

import {legend, sequential} from "./colour.js";
import {button, choice, element} from "./dom.js";
import {dataGrid} from "./grid.js";
import {figure, percent} from "./number.js";
import {tips} from "./tip.js";
import {quoted, tokenElement, tokenText} from "./token.js";

export const label = "Logit lens";
export const help = "The residual stream at each place goes straight through the final norm and the unembedding: a cell names the"
  + " token that the model would then find likeliest to come next. A row is the stream after that attention or MLP was added to it;"
  + " the output is the model's own.";

const AT_ONCE = 40;

/** A place in words: what has just been added to the residual stream. */
function placeName(place) {
  if (place === "0_pre") {
    return "embedding";
  }
  if (place === "final_post") {
    return "output";
  }
  const [layer, half] = place.split("_");
  return half === "mid" ? `attention ${layer}` : `MLP ${Number(layer) - 1}`;
}

/** The rows of a file, of one place at the positions of a part. */
function rowsOf(part, place, p) {
  const [, count, k] = part.likeliest.shape;
  const texts = new Map(part.vocabulary.map(({id, text}) => [id, text]));
  return Array.from({length: count * k}, (_, i) => {
    const cell = p * count + Math.floor(i / k);
    const id = part.likeliest[p * count * k + i];
    return [place, part.first + Math.floor(i / k), i % k + 1, id, texts.get(id) ?? "", part.logProbabilities[p * count * k + i],
      part.entropies[cell]];
  });
}

export function render(root, view, context) {
  const {places, tracked} = view.data;
  const {tokens} = view.prompt;
  const positions = tokens.length;
  const following = 1 + tracked.length;
  // Of a long prompt a server gives some positions at a time, from `first` on.
  let first, held, k, byId, likeliest, logProbabilities, entropies, ranks, trackedLogProbabilities;
  take(view.data);

  function take(data) {
    ({first, likeliest, logProbabilities, entropies, ranks, trackedLogProbabilities} = data);
    [, held, k] = likeliest.shape;
    byId = new Map(data.vocabulary.map(token => [token.id, token]));
  }

  const nameOf = id => byId.get(id) ?? {id, text: ""};
  let state = read(context.address);

  const choices = element("div", {class: "choices"});
  const bar = element("div");
  const holder = element("div", {class: "scroll"});
  const detail = element("div", {class: "detail-line", "aria-live": "polite"},
    element("p", {class: "note"}, "Point at a cell for its likeliest tokens; click it, or press Enter on it, to keep them here."));
  root.append(choices, bar, holder, detail);

  function read(address) {
    const from = Number(address.from ?? 0);
    const token = Number(address.token ?? 0);
    return {
      colour: ["probability", "entropy", "rank"].includes(address.colour) ? address.colour : "probability",
      from: Number.isInteger(from) && from >= 0 && from < positions ? from : 0,
      token: Number.isInteger(token) && token >= 0 && token < following ? token : 0,
    };
  }

  function change(changes) {
    state = {...state, ...changes};
    context.navigate({
      colour: state.colour === "probability" ? null : state.colour,
      from: state.from ? String(state.from) : null,
      token: state.token ? String(state.token) : null,
    });
    draw();
  }

  const cellOf = (row, column) => (places.length - 1 - row) * held + state.from - first + column;
  const followedName = i => i === 0 ? "the token that comes next" : quoted(nameOf(tracked[i - 1]));

  /** The value that colours a cell, and the scale. */
  function colouring() {
    switch (state.colour) {
      case "entropy":
        return {title: "entropy (nats)", scale: sequential(0, Math.max(...entropies)), value: cell => entropies[cell]};
      case "rank": {
        const worst = Math.log(Math.max(2, ...ranks.filter((_, i) => i % following === state.token)));
        // The first rank is the deepest; steps are of the logarithm.
        return {
          title: `rank of ${followedName(state.token)}`,
          scale: sequential(0, worst),
          value: cell => ranks[cell * following + state.token],
          shade: rank => worst - Math.log(rank),
          format: depth => String(Math.round(Math.exp(worst - depth))),
        };
      }
      default:
        return {title: "probability of the likeliest", scale: sequential(0, 1), value: cell => Math.exp(logProbabilities[cell * k])};
    }
  }

  /** The ends of these colours depend on the positions that are here. */
  const extent = () => held < positions && state.colour !== "probability"
    ? `; colours are scaled to positions ${first} to ${first + held - 1}` : "";

  /** Has the server read the positions from one on. */
  async function ask(from) {
    holder.setAttribute("aria-busy", "true");
    try {
      const part = await context.live.run({view: "lens", from});
      if (from === state.from) {
        take(part.data);
        draw();
      }
    } catch (problem) {
      detail.replaceChildren(element("p", {class: "banner bad", role: "alert"}, problem.message));
    } finally {
      holder.removeAttribute("aria-busy");
    }
  }

  function draw() {
    if (state.from < first || Math.min(state.from + AT_ONCE, positions) > first + held) {
      ask(state.from);
      return;
    }
    const {title, scale, value, shade = x => x, format = figure} = colouring();
    const shownColumns = Math.min(AT_ONCE, positions - state.from);
    choices.replaceChildren(...[
      choice("Colour by", [["probability", "probability"], ["rank", "rank of a token"], ["entropy", "entropy"]], state.colour,
        colour => change({colour})),
      state.colour === "rank"
        ? choice("Token", Array.from({length: following}, (_, i) => [String(i), followedName(i)]), String(state.token),
          token => change({token: Number(token)}))
        : null,
      positions > AT_ONCE ? element("span", {class: "choice"},
        button("\u2190", () => change({from: Math.max(0, state.from - AT_ONCE)}),
          {"aria-label": "Earlier positions", disabled: state.from === 0}),
        element("span", {}, `positions ${state.from} to ${state.from + shownColumns - 1} of ${positions}`),
        button("\u2192", () => change({from: state.from + AT_ONCE}),
          {"aria-label": "Later positions", disabled: state.from + AT_ONCE >= positions})) : null,
    ].filter(Boolean));
    bar.replaceChildren(legend(scale, title + extent(), format));
    const grid = dataGrid({
      label: "Likeliest token at each place and position",
      corner: "place",
      columns: Array.from({length: shownColumns}, (_, c) => [
        element("span", {class: "position"}, String(state.from + c)), tokenElement("span", tokens[state.from + c])]),
      rows: places.toReversed().map(place => [placeName(place), element("span", {}, place)]),
      cell(data, row, column) {
        const cell = cellOf(row, column);
        const id = likeliest[cell * k];
        scale.paint(data, shade(value(cell)));
        data.dataset.value = String(value(cell));
        data.dataset.token = String(id);
        data.classList.add("token");
        data.textContent = tokenText(nameOf(id));
        data.setAttribute("aria-label", `${quoted(nameOf(id))}, ${title} ${figure(value(cell))}`);
      },
      chosen(row, column) {
        detail.replaceChildren(element("h3", {}, heading(row, column)), list(cellOf(row, column)));
      },
    });
    grid.classList.add("lens");
    tips(grid, "td[data-row]", data => {
      const [row, column] = [Number(data.dataset.row), Number(data.dataset.column)];
      return [element("b", {}, heading(row, column)), list(cellOf(row, column))];
    });
    holder.replaceChildren(grid);
  }

  const heading = (row, column) =>
    `${places[places.length - 1 - row]}, after ${state.from + column} ${quoted(tokens[state.from + column])}`;

  /** The likeliest tokens of a cell, and what is followed. */
  function list(cell) {
    const line = (name, logProbability, rank) => element("tr", {},
      element("td", {class: "number"}, rank), element("td", {}, name),
      element("td", {class: "number", "data-value": String(logProbability)}, percent(Math.exp(logProbability))));
    return element("table", {},
      element("tbody", {},
        Array.from({length: k}, (_, i) =>
          line(tokenElement("span", nameOf(likeliest[cell * k + i])), logProbabilities[cell * k + i], String(i + 1))),
        line(followedName(0), trackedLogProbabilities[cell * following], String(ranks[cell * following])),
        element("tr", {}, element("td"), element("td", {}, "entropy"),
          element("td", {class: "number"}, `${figure(entropies[cell])} nats`))));
  }

  draw();
  return {
    update(address) {
      state = read(address);
      draw();
    },
    /** All positions: those that are not here are read first. */
    async csv() {
      const parts = held === positions ? [view.data] : [];
      // The page may get another prompt meanwhile.
      const asked = held < positions ? {view: "lens", ...context.live.prompt()} : null;
      for (let from = 0; asked && from < positions; from += AT_ONCE) {
        parts.push((await context.live.run({...asked, from})).data);
      }
      return [["place", "position", "rank", "token", "text", "log_probability", "entropy"],
        ...places.flatMap((place, p) => parts.flatMap(part => rowsOf(part, place, p)))];
    },
  };
}
