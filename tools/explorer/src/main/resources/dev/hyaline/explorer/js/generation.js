/** View 9: a continuation, with the probability of each of its tokens. */

import {legend, sequential} from "./colour.js";
import {element} from "./dom.js";
import {roving} from "./grid.js";
import {figure, percent} from "./number.js";
import {tips} from "./tip.js";
import {quoted, tokenElement} from "./token.js";

export const label = "Generation";
export const help = "Each token that the model wrote is coloured by the probability that the model gave it, before any temperature"
  + " or cut. Point at one, or move to it by the arrows, to see what else was likely in its place.";

export function render(root, view, context) {
  const {vocabulary, generated, chosenLogProbabilities, ranks, likeliest, logProbabilities, edits, withoutEdits} = view.data;
  const {tokens} = view.prompt;
  const byId = new Map(vocabulary.map(token => [token.id, token]));
  const nameOf = id => byId.get(id) ?? {id, text: ""};
  const k = likeliest.shape.at(-1);
  const scale = sequential(0, 1);
  let at = read(context.address);

  function read(address) {
    const step = Number(address.at ?? 0);
    return Number.isInteger(step) && step >= 0 && step < generated.length ? step : 0;
  }

  const line = element("div", {class: "token-line", role: "group", "aria-label": "Prompt and continuation"});
  const cells = [];
  const breakAfter = token => token.text.includes("\n") ? [element("br")] : [];
  tokens.forEach(token => line.append(tokenElement("span", token, {class: "token prompt"}), ...breakAfter(token)));
  generated.forEach((id, step) => {
    const probability = Math.exp(chosenLogProbabilities[step]);
    const cell = tokenElement("span", nameOf(id), {
      role: "button",
      tabindex: -1,
      "data-step": step,
      "aria-label": `${quoted(nameOf(id))}, probability ${percent(probability)}`,
    });
    scale.paint(cell, probability);
    cells.push(cell);
    line.append(cell, ...breakAfter(nameOf(id)));
  });
  roving(line, () => [cells]);

  const detail = element("div", {class: "step-detail", "aria-live": "polite"});
  const total = chosenLogProbabilities.reduce((sum, value) => sum + value, 0);
  root.append(
    ...edits.length ? [element("div", {class: "edits"}, element("h3", {}, "Written under edits"),
      element("ul", {}, edits.map(edit => element("li", {}, edit))))] : [],
    line, legend(scale, "probability", percent),
    element("p", {class: "note"}, generated.length === 0 ? "No token was generated."
      : `${generated.length} tokens, ${figure(total / generated.length)} nats of log probability each on average.`),
    detail);

  function alternatives(step) {
    const chosen = generated[step];
    const row = (id, logProbability, rank) => element("tr", {class: id === chosen ? "chosen" : ""},
      element("td", {class: "number"}, String(rank)),
      element("td", {}, tokenElement("span", nameOf(id)), id === chosen ? " \u2190 written" : ""),
      element("td", {class: "number", "data-value": String(logProbability)}, percent(Math.exp(logProbability))));
    const rows = Array.from({length: k}, (_, i) => row(likeliest[step * k + i], logProbabilities[step * k + i], i + 1));
    if (ranks[step] > k) {
      rows.push(row(chosen, chosenLogProbabilities[step], ranks[step]));
    }
    return element("table", {}, element("tbody", {}, rows,
      withoutEdits ? element("tr", {}, element("td"), element("td", {}, "without the edits"),
        element("td", {class: "number", "data-value": String(withoutEdits[step])}, percent(Math.exp(withoutEdits[step])))) : null));
  }

  const title = step => `position ${tokens.length + step}: ${quoted(nameOf(generated[step]))}`;

  function show(step) {
    at = step;
    cells.forEach((cell, i) => {
      cell.classList.toggle("at", i === step);
      cell.setAttribute("aria-pressed", String(i === step));
    });
    detail.replaceChildren(element("h3", {}, `Instead, at ${title(step)}`), alternatives(step));
  }

  const choose = event => {
    const cell = event.target.closest("[data-step]");
    if (cell && (event.type === "click" || event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      show(Number(cell.dataset.step));
      context.navigate({at: String(at)});
    }
  };
  line.addEventListener("click", choose);
  line.addEventListener("keydown", choose);
  tips(line, "[data-step]", cell => {
    const step = Number(cell.dataset.step);
    return [element("b", {}, title(step)), alternatives(step)];
  });
  if (generated.length) {
    show(at);
  }
  return {
    update(address) {
      if (generated.length) {
        show(read(address));
      }
    },
    csv: () => [["position", "token", "text", "log_probability", "rank", ...withoutEdits ? ["without_edits"] : []],
      ...Array.from(generated, (id, step) => [tokens.length + step, id, nameOf(id).text, chosenLogProbabilities[step], ranks[step],
        ...withoutEdits ? [withoutEdits[step]] : []])],
  };
}
