/** A dump: its documents, the values of one component of a site on all of them, and examples from their whole range. */

import {diverging, sequential} from "./colour.js";
import {button, choice, element} from "./dom.js";
import {roving} from "./grid.js";
import {histogram} from "./histogram.js";
import {scaleNote} from "./maps.js";
import {figure} from "./number.js";
import {tips} from "./tip.js";
import {tokenElement, tokenText} from "./token.js";

export const label = "Corpus";
export const help = "Every token of a dump has a row of values at each site. One component of them, such as a neuron, is "
  + "shown on all tokens, with the tokens on which it is largest, smallest and in between.";

const BEFORE = 8;
const AFTER = 4;
const BINS = 40;
const PER_PAGE = 20;
const QUANTILES = [[1, "Largest"], [0.99, "99 % quantile"], [0.9, "90 % quantile"], [0.5, "Median"], [0.1, "10 % quantile"],
  [0.01, "1 % quantile"], [0, "Smallest"]];
const EXAMPLES = 3;

export async function render(root, view, context) {
  let held = view.data;
  let control;

  /** Draws what the address names; a server is asked for rows and sites that the page does not hold. */
  async function renew() {
    const row = Math.max(0, Number(context.address.row ?? 0) || 0);
    const {site} = context.address;
    const has = data => data.firstRow === row && (site === undefined || data.sites.some(({name}) => name === site));
    if (context.live && !has(held)) {
      try {
        held = has(view.data) ? view.data
          : (await context.live.run({view: "corpus", row, ...view.data.others.includes(site) ? {site} : {}})).data;
      } catch (problem) {
        root.replaceChildren(element("p", {class: "banner bad", role: "alert"}, problem.message));
        return;
      }
    }
    control = show(root, held, context, renew, view.data.tokens.length);
  }

  await renew();
  return {update: renew, csv: () => control.csv()};
}

/** @param pageRows that a full page has */
function show(root, data, context, renew, pageRows) {
  const tokens = new Map(data.vocabulary.map(token => [token.id, token]));
  const rows = data.tokens.length;
  const ends = data.documents.map((_, d) => d + 1 < data.documents.length ? data.firstRows[d + 1] : rows);
  const documentOf = new Int32Array(rows);
  data.documents.forEach((_, d) => documentOf.fill(d, data.firstRows[d], ends[d]));

  const site = () => data.sites.find(({name}) => name === context.address.site) ?? data.sites[0];
  const width = () => site().values.length / Math.max(1, rows);
  const component = () => Math.min(width() - 1, Math.max(0, Number(context.address.component ?? 0) || 0));

  /** A component in words: `head 2, 5` of z, `17` of a site with one axis. */
  function named(index) {
    const shape = Array.from(site().rowShape);
    return shape.length < 2 ? String(index) : `head ${Math.floor(index / shape[1])}, ${index % shape[1]}`;
  }

  const choices = element("div", {class: "choices"});
  const facts = element("div", {class: "columns narrow"});
  const examples = element("section", {class: "examples"});
  const texts = element("section", {class: "documents"});

  const column = () => {
    const {values} = site();
    const [step, at] = [width(), component()];
    return Float64Array.from({length: rows}, (_, row) => values[row * step + at]);
  };

  function scaleOf(values) {
    const finite = values.filter(Number.isFinite);
    const [low, high] = [finite.reduce((a, b) => Math.min(a, b), 0), finite.reduce((a, b) => Math.max(a, b), 0)];
    return low < 0 ? diverging(Math.max(-low, high)).of(finite) : sequential(0, high);
  }

  function shownToken(row, values, scale, at = false) {
    const made = tokenElement("span", tokens.get(data.tokens[row]), {"data-row": row, class: at ? "token at" : "token", tabindex: -1});
    scale.paint(made, values[row]);
    return made;
  }

  function turn(row) {
    context.navigate({row: row > 0 ? String(row) : null, page: null, document: null});
    renew();
  }

  function draw() {
    const values = column();
    const scale = scaleOf(values);
    const sorted = Array.from(values.keys()).filter(row => Number.isFinite(values[row])).sort((a, b) => values[a] - values[b] || a - b);
    const change = changes => {
      context.navigate(changes);
      draw();
    };
    const number = element("input", {type: "number", min: 0, max: width() - 1, value: component(), "aria-label": "Component",
      onchange: () => change({component: number.value})});
    choices.replaceChildren(
      choice("Site", [...data.sites.map(({name}) => name), ...context.live ? data.others : []].map(name => [name, name]), site().name, name => {
        context.navigate({site: name, component: null});
        renew();
      }),
      element("label", {class: "choice"}, element("span", {}, `Component, 0 to ${width() - 1}`), number),
      ...context.live && data.allRows > rows ? [
        element("span", {class: "choice"}, `Rows ${data.firstRow} to ${data.firstRow + rows - 1} of ${data.allRows}`),
        button("Earlier rows", () => turn(Math.max(0, data.firstRow - pageRows)), {disabled: data.firstRow === 0}),
        button("Later rows", () => turn(data.firstRow + rows), {disabled: data.firstRow + rows >= data.allRows}),
      ] : []);
    const mean = sorted.reduce((sum, row) => sum + values[row], 0) / Math.max(1, sorted.length);
    const most = sorted.at(-1);
    const least = sorted[0];
    facts.replaceChildren(
      element("div", {},
        element("p", {class: "large"}, element("b", {}, `${site().name} ${named(component())}`)),
        element("p", {}, `${rows} tokens of ${data.documents.length} document${data.documents.length === 1 ? "" : "s"}: from `,
          element("b", {"data-value": String(values[least])}, figure(values[least])), " to ",
          element("b", {"data-value": String(values[most])}, figure(values[most])), `, mean ${figure(mean)}.`),
        data.omitted && !context.live ? element("p", {class: "note"}, data.omitted) : null,
        scaleNote({scale, beyond: 0}, "value", 1)),
      sorted.length ? histogram("value (height: tokens)", ...counted(sorted.map(row => values[row]))) : "");
    drawExamples(values, scale, sorted);
    drawTexts(values, scale);
  }

  function drawExamples(values, scale, sorted) {
    const seen = new Set();
    examples.replaceChildren(element("h3", {}, "Examples from the whole range"), element("table", {}, element("tbody", {},
      QUANTILES.flatMap(([quantile, name]) => {
        const at = Math.round(quantile * (sorted.length - 1));
        const near = [];
        for (let i = 0; i <= Math.max(2, sorted.length / 50) && near.length < EXAMPLES; i++) {
          const row = sorted[quantile >= 0.5 ? at - i : at + i];
          if (row === undefined) {
            break;
          }
          const around = contextOf(row);
          const text = `${around.indexOf(row)}: ${around.map(one => data.tokens[one]).join(" ")}`;
          if (!seen.has(text)) {
            seen.add(text);
            near.push([row, around]);
          }
        }
        return near.map(([row, around], i) => element("tr", {},
          i === 0 ? element("th", {scope: "rowgroup", rowspan: near.length}, name) : null,
          element("td", {class: "number", "data-value": String(values[row])}, figure(values[row])),
          element("td", {class: "wide"}, element("p", {class: "tokens"}, around.map(one => shownToken(one, values, scale, one === row)))),
          element("td", {}, element("button", {type: "button", class: "plain", onclick: () => open(documentOf[row])},
            data.documents[documentOf[row]]))));
      }))));
  }

  /** Rows around one, in its document. */
  function contextOf(row) {
    const document = documentOf[row];
    const around = [];
    for (let one = Math.max(data.firstRows[document], row - BEFORE); one < Math.min(ends[document], row + AFTER + 1); one++) {
      around.push(one);
    }
    return around;
  }

  function open(document) {
    context.navigate({page: String(Math.floor(document / PER_PAGE)), document: String(document)});
    const values = column();
    drawTexts(values, scaleOf(values));
    const heading = texts.querySelector(`[data-document="${document}"]`);
    heading.scrollIntoView({block: "center"});
    heading.focus();
  }

  function drawTexts(values, scale) {
    const pages = Math.ceil(data.documents.length / PER_PAGE);
    const page = Math.min(pages - 1, Math.max(0, Number(context.address.page ?? 0) || 0));
    const shown = data.documents.map((_, d) => d).slice(page * PER_PAGE, (page + 1) * PER_PAGE);
    texts.replaceChildren(element("h3", {}, "Documents"),
      pages > 1 ? choice("Documents", Array.from({length: pages}, (_, p) => [String(p),
        `${p * PER_PAGE} to ${Math.min(data.documents.length, (p + 1) * PER_PAGE) - 1}`]), String(page), next => {
        context.navigate({page: next});
        drawTexts(values, scale);
      }) : "",
      ...shown.map(d => {
        const line = [];
        for (let row = data.firstRows[d]; row < ends[d]; row++) {
          line.push(shownToken(row, values, scale));
        }
        return element("div", {class: "document"},
          element("h4", {tabindex: -1, "data-document": d}, data.documents[d]),
          element("p", {class: "tokens"}, line));
      }));
    const lines = [...texts.querySelectorAll(".tokens")];
    roving(texts, () => lines.map(line => [...line.children]));
  }

  const describe = shown => {
    const row = Number(shown.dataset.row);
    return [element("b", {}, tokenText(tokens.get(data.tokens[row]))), element("br"),
      `${figure(Number(shown.dataset.value))}, position ${data.positions[row]} of ${data.documents[documentOf[row]]}`];
  };
  root.replaceChildren(choices, facts, examples, texts);
  tips(examples, ".token", describe);
  tips(texts, ".token", describe);
  draw();
  return {
    csv: () => {
      const values = column();
      return [["document", "position", "token", "text", `${site().name} ${named(component())}`],
        ...Array.from(values, (value, row) => [data.documents[documentOf[row]], data.positions[row], data.tokens[row],
          tokens.get(data.tokens[row]).text, value])];
    },
  };
}

/** Counts in bins of equal width, and their edges. */
function counted(sorted) {
  let [low, high] = [sorted[0], sorted.at(-1)];
  if (low === high) {
    [low, high] = [low - 0.5, high + 0.5];
  }
  const counts = new Array(BINS).fill(0);
  for (const value of sorted) {
    counts[Math.min(BINS - 1, Math.floor((value - low) / (high - low) * BINS))]++;
  }
  return [counts, Array.from({length: BINS + 1}, (_, i) => low + (high - low) * i / BINS)];
}
