/** View 1: a prompt's tokens, and where one or two heads look from each. */

import {Attention} from "./attention.js";
import {diverging, legend, sequential} from "./colour.js";
import {choice, element, tick} from "./dom.js";
import {roving} from "./grid.js";
import {figure} from "./number.js";
import {tips} from "./tip.js";
import {quoted, tokenElement} from "./token.js";

export const label = "Tokens";
export const help = "From the chosen token, the colour of each other token is the share of a head's attention that goes to"
  + " it (pattern), that share times the length of the value vector moved (value-weighted), or the product of query and key"
  + " before the softmax (scores). Hold Alt, or tick the box, to see instead which later tokens look at the chosen one.";

const KINDS = [["pattern", "pattern"], ["weighted", "value-weighted"], ["scores", "scores"]];
const LEGENDS = {pattern: "share of attention", weighted: "share of attention times length of the value", scores: "score before the softmax"};
const LISTED = 8;

export function render(root, view, context) {
  let attention = new Attention(view.data);
  const {tokens} = view.prompt;
  const heads = [];
  for (let layer = 0; layer < attention.layers; layer++) {
    for (let head = 0; head < attention.heads; head++) {
      heads.push(`${layer}.${head}`);
    }
  }
  let state = read(context.address);
  let alt = false;
  const choices = element("div", {class: "choices"});
  const note = element("p", {class: "note"});
  const panels = element("div", {class: "attention-panels"});
  root.append(choices, note, panels);

  function read(address) {
    const within = (text, size) => {
      const value = Number(text ?? 0);
      return Number.isInteger(value) && value >= 0 && value < size ? value : 0;
    };
    const second = /^\d+\.\d+$/.test(address.with ?? "") && heads.includes(address.with) ? address.with : "";
    const query = Number(address.q);
    const locked = address.q !== undefined && (address.q === "last" || Number.isInteger(query) && query >= 0 && query < tokens.length);
    return {
      first: `${within(address.l, attention.layers)}.${within(address.h, attention.heads)}`,
      second,
      kind: KINDS.some(([kind]) => kind === address.kind) ? address.kind : "pattern",
      to: address.to === "1",
      locked,
      query: locked && address.q !== "last" ? query : tokens.length - 1,
    };
  }

  function save() {
    const [l, h] = state.first.split(".");
    context.navigate({
      l, h,
      with: state.second || null,
      kind: state.kind === "pattern" ? null : state.kind,
      to: state.to ? "1" : null,
      q: state.locked ? String(state.query) : null,
    });
  }

  function change(changes) {
    state = {...state, ...changes};
    save();
    draw();
  }

  function drawChoices() {
    const options = heads.map(name => [name, name]);
    choices.replaceChildren(
      choice("Head (layer.head)", options, state.first, first => change({first})),
      choice("Beside it", [["", "none"], ...options], state.second, second => change({second})),
      choice("Values", KINDS, state.kind, kind => change({kind})),
      tick("Who looks at it (Alt)", state.to, to => change({to})));
  }

  const reversed = () => state.to !== alt;

  /** The values of one head that the panel shows, and the scale they are coloured by. */
  function shown(name) {
    const [layer, head] = name.split(".").map(Number);
    const values = reversed()
      ? attention.to(state.kind, layer, head, state.query)
      : attention.from(state.kind, layer, head, state.query);
    const sizes = values.filter(Number.isFinite).map(Math.abs);
    const most = Math.max(0, ...sizes);
    return {values, scale: state.kind === "scores" ? diverging(most) : sequential(0, most)};
  }

  function panel(name) {
    const line = element("div", {class: "token-line", role: "group", "aria-label": `Tokens, coloured by head ${name}`});
    const cells = tokens.map((token, position) => {
      const cell = tokenElement("span", token, {role: "button", "data-position": position, tabindex: -1});
      line.append(cell);
      if (token.text.includes("\n")) {
        line.append(element("br"));
      }
      return cell;
    });
    roving(line, () => [cells]);
    line.addEventListener("keydown", event => {
      // Up and down, as on a line of text that wraps.
      if (event.key === "ArrowUp" || event.key === "ArrowDown") {
        const next = beside(cells, cells.indexOf(event.target), event.key === "ArrowDown");
        if (next) {
          event.preventDefault();
          next.focus();
        }
      }
    });
    const looked = event => {
      const cell = event.target.closest("[data-position]");
      if (cell && !state.locked) {
        state.query = Number(cell.dataset.position);
        paint();
      }
    };
    line.addEventListener("pointerover", looked);
    line.addEventListener("focusin", looked);
    const chosen = event => {
      const cell = event.target.closest("[data-position]");
      if (!cell || event.type === "keydown" && event.key !== "Enter" && event.key !== " ") {
        return;
      }
      event.preventDefault();
      const query = Number(cell.dataset.position);
      const locked = !(state.locked && state.query === query);
      state = {...state, query, locked};
      save();
      paint();
      context.announce(locked ? `locked to token ${query}` : "follows the pointer");
    };
    line.addEventListener("click", chosen);
    line.addEventListener("keydown", chosen);
    tips(line, "[data-position]", cell => tip(name, Number(cell.dataset.position)));
    const bar = element("div");
    const list = element("div", {class: "table"});
    const made = element("section", {class: "attention-panel", "data-head": name},
      element("h3", {}, `Head ${name}`), bar, line, list);
    return {name, made, cells, bar, list};
  }

  function tip(name, position) {
    const value = shown(name).values[position];
    const [query, key] = reversed() ? [position, state.query] : [state.query, position];
    const places = `from ${query} ${quoted(tokens[query])} to ${key} ${quoted(tokens[key])}`;
    if (Number.isNaN(value)) {
      return key > query ? `${places}: a token cannot look ahead` : `${places}: not among the largest, which the file holds`;
    }
    return [element("b", {}, String(value)), ` ${places}`];
  }

  let drawn = [];

  function draw() {
    drawChoices();
    drawn = [state.first, state.second].filter(Boolean).map(panel);
    panels.replaceChildren(...drawn.map(one => one.made));
    paint();
  }

  function paint() {
    const token = `${state.query} ${quoted(tokens[state.query])}`;
    const missing = drawn.map(({name}) => Number(name.split(".")[0])).filter(layer => !attention.has(layer));
    note.textContent = missing.length ? `The model is still running, up to layer ${Math.max(...missing)}.` : (reversed() ? `Which tokens look at token ${token}` : `Where token ${token} looks`)
      + (state.locked ? ", locked: choose it again to let go." : ". Click a token, or press Enter on it, to lock it.")
      + (attention.largest ? ` Of each token the file holds the ${attention.largest} keys it looks at the most.` : "");
    for (const {name, cells, bar, list} of drawn) {
      const {values, scale} = shown(name);
      cells.forEach((cell, position) => {
        const value = values[position];
        if (Number.isNaN(value)) {
          cell.style.backgroundColor = "";
          cell.style.color = "";
          cell.dataset.value = "NaN";
        } else {
          scale.paint(cell, value);
        }
        const possible = reversed() ? position >= state.query : position <= state.query;
        cell.classList.toggle("out", !possible);
        cell.classList.toggle("at", position === state.query);
        cell.setAttribute("aria-pressed", String(state.locked && position === state.query));
        cell.setAttribute("aria-label", `${quoted(tokens[position])}, ${Number.isNaN(value) ? "no value" : figure(value)}`);
      });
      bar.replaceChildren(legend(scale, LEGENDS[state.kind]));
      list.replaceChildren(largest(values));
    }
  }

  /** The largest values as a table. */
  function largest(values) {
    const order = values.map((value, position) => ({value, position})).filter(({value}) => !Number.isNaN(value))
      .sort((a, b) => b.value - a.value || a.position - b.position).slice(0, LISTED);
    return element("table", {},
      element("thead", {}, element("tr", {},
        ["position", "token", kindName(state.kind)].map((name, i) => element("th", {scope: "col", class: i === 1 ? "" : "number"}, name)))),
      element("tbody", {}, order.map(({value, position}) => element("tr", {},
        element("td", {class: "number"}, String(position)),
        element("td", {}, tokenElement("span", tokens[position])),
        element("td", {class: "number", "data-value": String(value), title: String(value)}, figure(value))))));
  }

  const altDown = event => {
    if (event.key === "Alt" && root.isConnected && !root.closest("[hidden]")) {
      event.preventDefault();
      alt = event.type === "keydown";
      paint();
    }
  };
  addEventListener("keydown", altDown);
  addEventListener("keyup", altDown);
  addEventListener("blur", () => {
    if (alt) {
      alt = false;
      paint();
    }
  });

  draw();
  if (attention.held < attention.layers) {
    context.live.whole("tokens").then(whole => {
      attention = new Attention(whole.data);
      paint();
    }).catch(problem => {
      note.textContent = problem.message;
    });
  }
  return {
    update(address) {
      state = read(address);
      draw();
    },
    csv() {
      const rows = [["head", "query", "key", kindName(state.kind).replace("-", "_")]];
      for (const name of [state.first, state.second].filter(Boolean)) {
        const [layer, head] = name.split(".").map(Number);
        for (let query = 0; query < tokens.length; query++) {
          for (let key = 0; key <= query; key++) {
            const value = attention.value(state.kind, layer, head, query, key);
            if (!Number.isNaN(value)) {
              rows.push([name, query, key, value]);
            }
          }
        }
      }
      return rows;
    },
    java() {
      const [layer, head] = state.first.split(".");
      return `${view.java.replaceAll("Site.PATTERN, 0", `Site.PATTERN, ${layer}`)}int n = tokens.length;\n`
        + `float weight = pattern[${head} * n * n + ${state.query} * n + 0]; // head ${head}, from token ${state.query} to token 0\n`;
    },
  };
}

const kindName = kind => KINDS.find(([value]) => value === kind)[1];

/** The element in the line above or below that is nearest. */
function beside(cells, at, down) {
  const from = cells[at].getBoundingClientRect();
  const middle = (from.left + from.right) / 2;
  let best = null;
  for (const cell of cells) {
    const box = cell.getBoundingClientRect();
    const rows = down ? box.top - from.top : from.top - box.top;
    if (rows > from.height / 2) {
      const distance = rows * 1000 + Math.abs((box.left + box.right) / 2 - middle);
      if (best === null || distance < best.distance) {
        best = {cell, distance};
      }
    }
  }
  return best?.cell;
}
