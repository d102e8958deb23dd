/** Latents of a sparse autoencoder or transcoder, one at a time. */

import {sequential} from "./colour.js";
import {choice, element} from "./dom.js";
import {roving} from "./grid.js";
import {histogram} from "./histogram.js";
import {figure, percent} from "./number.js";
import {tips} from "./tip.js";
import {quoted, tokenElement, tokenText} from "./token.js";

export const label = "Features";
export const help = "A latent fires where its activation is above zero. Its effect on logits is its decoder row through the "
  + "final norm's gain and the unembedding, less the mean over the vocabulary: what it writes straight to the output, "
  + "not what it does through later layers.";

const ORDERS = [["given", "as given"], ["prompt", "strongest on the prompt"], ["share", "fires most often"],
  ["maximum", "largest activation"], ["latent", "number"]];

export function render(root, view, context) {
  const {data} = view;
  const tokens = new Map(data.vocabulary.map(token => [token.id, token]));
  const token = id => tokens.get(id) ?? {id, text: ""};
  const length = view.prompt.tokens.length;
  const ofPrompt = data.activations ? i => data.activations.subarray(i * length, (i + 1) * length) : null;
  const onPrompt = i => ofPrompt ? ofPrompt(i).reduce((most, value) => Math.max(most, value), 0) : 0;
  const byNumber = new Map(data.latents.map((latent, i) => [latent.latent, i]));

  const list = element("ul", {class: "latents", "aria-label": "Latents"});
  const page = element("article", {class: "latent"});
  const current = () => byNumber.get(Number(context.address.latent)) ?? order()[0];

  function order() {
    const by = context.address.order ?? (ofPrompt ? "prompt" : "given");
    const key = {
      given: i => i, prompt: i => -onPrompt(i), share: i => -data.latents[i].share, maximum: i => -data.latents[i].maximum,
      latent: i => data.latents[i].latent,
    }[by];
    const wanted = (context.address.find ?? "").toLowerCase();
    return data.latents.map((_, i) => i).filter(i => !wanted || words(data.latents[i]).includes(wanted))
      .sort((a, b) => key(a) - key(b) || a - b);
  }

  /** Where a search looks: the number, and the tokens that it raises or fires on. */
  function words({latent, raised, lowered, examples}) {
    const ids = [...raised.indices, ...lowered.indices, ...examples.map(example => example.tokens[example.at])];
    return `${latent} ${ids.map(id => token(id).text).join(" ")}`.toLowerCase();
  }

  function choose(i) {
    context.navigate({latent: String(data.latents[i].latent)});
    drawPage();
    mark();
    context.announce(`Latent ${data.latents[i].latent}`);
  }

  function mark() {
    const chosen = current();
    for (const entry of list.querySelectorAll("[data-entry]")) {
      entry.setAttribute("aria-pressed", String(Number(entry.dataset.entry) === chosen));
    }
  }

  function drawList() {
    const found = order();
    list.replaceChildren(...found.map(i => {
      const {latent, raised, share} = data.latents[i];
      return element("li", {}, element("button", {type: "button", "data-entry": i, onclick: () => choose(i)},
        element("b", {}, String(latent)), " ",
        element("span", {class: "token"}, Array.from(raised.indices.subarray(0, 3), id => tokenText(token(id))).join(" ")),
        element("span", {class: "value"}, ofPrompt && onPrompt(i) > 0 ? figure(onPrompt(i)) : percent(share))));
    }));
    if (found.length === 0) {
      list.replaceChildren(element("li", {class: "note"}, "No latent has these letters."));
    }
    mark();
  }

  /** Tokens in a line, each as deep as its activation. */
  function line(ids, values, most, at = -1) {
    const scale = sequential(0, most);
    const text = element("p", {class: "tokens example", tabindex: -1}, Array.from(ids, (id, i) => {
      const of = typeof id === "number" ? token(id) : id;
      const shown = tokenElement("span", of, {"data-value": String(values[i]), class: i === at ? "token at" : "token"});
      if (values[i] > 0) {
        scale.paint(shown, values[i]);
      }
      return shown;
    }));
    return text;
  }

  function ranked(title, {indices, values}, name) {
    return element("section", {class: "ranked"}, element("h4", {}, title), indices.length === 0
      ? element("p", {class: "note"}, "None.")
      : element("table", {}, element("tbody", {}, Array.from(indices, (index, i) => element("tr", {},
        element("th", {scope: "row"}, name(index)),
        element("td", {class: "number", "data-value": String(values[i])}, figure(values[i])))))));
  }

  const other = index => byNumber.has(index)
    ? element("button", {type: "button", class: "plain", onclick: () => {
      choose(byNumber.get(index));
      page.querySelector("h3").focus();
    }}, `latent ${index}`)
    : `latent ${index}`;

  function drawPage() {
    const i = current();
    if (i === undefined) {
      page.replaceChildren();
      return;
    }
    const latent = data.latents[i];
    const raised = id => element("span", {class: "token"}, tokenText(token(id)));
    page.replaceChildren(
      element("h3", {tabindex: -1}, `Latent ${latent.latent}`),
      element("p", {}, "Fires on ", element("b", {"data-value": String(latent.share)}, percent(latent.share)),
        ` of ${data.tokens} tokens of ${data.texts} texts; largest activation `,
        element("b", {"data-value": String(latent.maximum)}, figure(latent.maximum)), ", mean where it fires ",
        element("b", {"data-value": String(latent.mean)}, figure(latent.mean)), "."),
      ...ofPrompt ? [element("h4", {}, "On this prompt"), line(view.prompt.tokens, ofPrompt(i), Math.max(latent.maximum, onPrompt(i)))] : [],
      element("h4", {}, "Where it fires most"),
      latent.examples.length === 0 ? element("p", {class: "note"}, "It fires nowhere in these texts.") : "",
      ...latent.examples.map(example => line(example.tokens, example.values, latent.maximum, example.at)),
      element("div", {class: "pair"},
        element("div", {}, element("h4", {}, "Activations above zero"),
          histogram("activation", latent.histogram.counts, latent.histogram.edges)),
        element("div", {}, element("h4", {}, "Effect on all logits"),
          histogram("logits for one unit", latent.logits.counts, latent.logits.edges))),
      element("div", {class: "lists"},
        ranked("Raises", latent.raised, raised),
        ranked("Lowers", latent.lowered, raised),
        ranked("Nearest decoder rows (cosine)", latent.neighbours, other),
        ranked("Fire together (Jaccard)", latent.together, other),
        ranked("Correlated (Pearson)", latent.correlated, other),
        ranked("Largest in the decoder row", latent.dimensions, index => `dimension ${index}`)));
  }

  const search = element("input", {type: "search", "aria-label": "Find a number or a token", placeholder: "Find a number or a token",
    value: context.address.find ?? "", oninput: () => {
      context.navigate({find: search.value || null});
      drawList();
    }});
  root.replaceChildren(
    element("p", {class: "origin"}, `${data.place}: ${data.of} latents, ${data.firing} of which fire; ${data.latents.length} here.`),
    element("div", {class: "choices"}, search,
      choice("Order", ORDERS.filter(([value]) => value !== "prompt" || ofPrompt), context.address.order ?? (ofPrompt ? "prompt" : "given"),
        chosen => {
          context.navigate({order: chosen});
          drawList();
        })),
    element("div", {class: "columns list-first"}, list, page));
  roving(list, () => [...list.querySelectorAll("[data-entry]")].map(entry => [entry]));
  tips(page, ".example .token", shown => `${quoted({text: shown.textContent})}: ${figure(Number(shown.dataset.value))}`);
  drawList();
  drawPage();
  return {
    update() {
      search.value = context.address.find ?? "";
      drawList();
      drawPage();
    },
    csv: () => [["latent", "share_firing", "maximum", "mean_firing", "raises", "lowers"],
      ...data.latents.map(({latent, share, maximum, mean, raised, lowered}) => [latent, share, maximum, mean,
        Array.from(raised.indices, id => token(id).text).join(" "), Array.from(lowered.indices, id => token(id).text).join(" ")])],
  };
}
