/** Latents of a sparse autoencoder or transcoder, one at a time. */

import {legend, sequential} from "./colour.js";
import {button, choice, element} from "./dom.js";
import {roving} from "./grid.js";
import {histogram} from "./histogram.js";
import {latest} from "./latest.js";
import {rounding} from "./maps.js";
import {figure, percent} from "./number.js";
import {tips} from "./tip.js";
import {quoted, tokenElement, tokenText} from "./token.js";

export const label = "Features";
export const help = "A latent (a feature of a sparse autoencoder or transcoder) fires where its activation is above zero. Its effect on logits is its decoder row through the "
  + "final norm's gain and the unembedding, less the mean over the vocabulary: what it writes straight to the output, "
  + "not what it does through later layers.";

const ORDERS = [["given", "as given"], ["prompt", "strongest on the prompt"], ["share", "fires most often"],
  ["maximum", "largest activation"], ["latent", "number"]];

/** What can be done to a latent: its name in an address, and in words. */
const EDITS = [["", "as it is"], ["ablate", "set to 0"], ["clamp", "clamp to"], ["scale", "multiply by"], ["steer", "add"]];
const EDITED = {ablate: "set to 0", clamp: "clamped to", scale: "multiplied by", steer: "plus"};

export function render(root, view, context) {
  const {data} = view;
  const tokens = new Map(data.vocabulary.map(token => [token.id, token]));
  const token = id => tokens.get(id) ?? {id, text: ""};
  const length = view.prompt.tokens.length;
  const hasPrompt = data.activations !== undefined;
  /** Latents with a page, and, where a server can make them, those that fire on the prompt and have none yet. */
  const latents = data.latents.map((latent, i) => withActivations(latent, data, i));
  if (context.live) {
    Array.from(data.others ?? [], (latent, i) => latents.push({latent, strongest: data.othersMaxima[i]}));
  }
  const byNumber = new Map(latents.map((latent, i) => [latent.latent, i]));
  const onPrompt = i => latents[i].strongest;

  function withActivations(latent, from, i) {
    const activations = from.activations ? from.activations.subarray(i * length, (i + 1) * length) : null;
    return {...latent, activations, strongest: activations ? activations.reduce((most, value) => Math.max(most, value), 0) : 0};
  }

  /** Has the server make the page of a latent. */
  async function load(latent) {
    const got = await context.live.run({view: "latents", latent});
    got.data.vocabulary.forEach(token => tokens.set(token.id, token));
    const loaded = withActivations(got.data.latents[0], got.data, 0);
    const i = byNumber.get(latent);
    if (i === undefined) {
      byNumber.set(latent, latents.push(loaded) - 1);
    } else {
      latents[i] = loaded;
    }
    drawList();
    drawPage();
  }

  const list = element("ul", {class: "latents", "aria-label": "Latents"});
  const page = element("article", {class: "latent"});
  function order() {
    const by = context.address.order ?? (hasPrompt ? "prompt" : "given");
    const key = {
      given: i => i, prompt: i => -onPrompt(i), share: i => -(latents[i].share ?? 0), maximum: i => -(latents[i].maximum ?? 0),
      latent: i => latents[i].latent,
    }[by] ?? (i => i);
    const wanted = (context.address.find ?? "").toLowerCase();
    return latents.map((_, i) => i).filter(i => !wanted || words(latents[i]).includes(wanted))
      .sort((a, b) => key(a) - key(b) || a - b);
  }

  /** Where a search looks: the number, and the tokens that it raises or fires on. */
  function words({latent, raised, lowered, examples}) {
    if (!raised) {
      return String(latent);
    }
    const ids = [...raised.indices, ...lowered.indices, ...examples.map(example => example.tokens[example.at])];
    return `${latent} ${ids.map(id => token(id).text).join(" ")}`.toLowerCase();
  }

  function choose(i) {
    open(latents[i].latent);
  }

  function open(latent) {
    context.navigate({latent: String(latent)});
    drawPage();
    mark();
    context.announce(`Latent ${latent}`);
  }

  function mark() {
    const chosen = byNumber.get(current());
    for (const entry of list.querySelectorAll("[data-entry]")) {
      entry.setAttribute("aria-pressed", String(Number(entry.dataset.entry) === chosen));
    }
  }

  function drawList() {
    const found = order();
    list.replaceChildren(...found.map(i => {
      const {latent, raised, share} = latents[i];
      return element("li", {}, element("button", {type: "button", "data-entry": i, onclick: () => choose(i)},
        element("b", {}, String(latent)), " ",
        element("span", {class: "token"}, raised ? Array.from(raised.indices.subarray(0, 3), id => tokenText(token(id))).join(" ") : ""),
        element("span", {class: "value"}, hasPrompt ? onPrompt(i) > 0 ? figure(onPrompt(i)) : "silent" : percent(share))));
    }));
    if (found.length === 0) {
      const number = Number(context.address.find);
      list.replaceChildren(context.live && Number.isInteger(number) && number >= 0 && number < data.of
        ? element("li", {}, button(`Open latent ${number}`, () => open(number), {"data-entry": -1}))
        : element("li", {class: "note"}, "No latent shown here has this number or token."));
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
    const text = rounding([...values]);
    return element("section", {class: "ranked"}, element("h4", {}, title), indices.length === 0
      ? element("p", {class: "note"}, "None.")
      : element("table", {}, element("tbody", {}, Array.from(indices, (index, i) => element("tr", {},
        element("th", {scope: "row"}, name(index)),
        element("td", {class: "number", "data-value": String(values[i])}, text(values[i])))))));
  }

  const other = index => context.live || byNumber.has(index)
    ? element("button", {type: "button", class: "plain", onclick: () => {
      open(index);
      page.querySelector("h3").focus();
    }}, `latent ${index}`)
    : `latent ${index}`;

  const current = () => {
    const wanted = context.address.latent;
    return wanted !== undefined && /^\d+$/.test(wanted) && (byNumber.has(Number(wanted)) || context.live && Number(wanted) < data.of)
      ? Number(wanted) : latents[order()[0]]?.latent;
  };

  function drawPage() {
    const number = current();
    if (number === undefined) {
      page.replaceChildren();
      return;
    }
    const latent = latents[byNumber.get(number)];
    const heading = element("h3", {tabindex: -1}, `Latent ${number}`);
    if (!latent?.examples) {
      page.replaceChildren(heading, element("p", {class: "note"}, "The server looks at it\u2026"));
      load(number).catch(problem => {
        page.replaceChildren(heading, element("p", {class: "banner bad", role: "alert"}, problem.message));
      });
      return;
    }
    const raised = id => element("span", {class: "token"}, tokenText(token(id)));
    page.replaceChildren(
      heading,
      element("p", {}, "Fires on ", element("b", {"data-value": String(latent.share)}, percent(latent.share)),
        ` of ${data.tokens} tokens of ${data.texts} texts; largest activation `,
        element("b", {"data-value": String(latent.maximum)}, figure(latent.maximum)), ", mean where it fires ",
        element("b", {"data-value": String(latent.mean)}, figure(latent.mean)), "."),
      ...latent.activations ? [element("h4", {}, "On this prompt"),
        line(view.prompt.tokens, latent.activations, Math.max(latent.maximum, latent.strongest)),
        legend(sequential(0, Math.max(latent.maximum, latent.strongest)), "activation")] : [],
      ...context.live ? [editor(latent)] : hasPrompt ? [elsewhere()] : [],
      element("h4", {}, "Where it fires most, in these texts"),
      latent.examples.length === 0 ? element("p", {class: "note"}, "It fires nowhere in these texts.") : "",
      ...latent.examples.map(example => line(example.tokens, example.values, latent.maximum, example.at)),
      element("div", {class: "pair"},
        element("div", {}, element("h4", {}, "Activations above zero: tokens of each size"),
          histogram("activation", latent.histogram.counts, latent.histogram.edges)),
        element("div", {}, element("h4", {}, "Direct effect on logits: tokens of the vocabulary of each size"),
          histogram("change of a logit for one unit of activation", latent.logits.counts, latent.logits.edges))),
      element("div", {class: "lists"},
        ranked("Promotes (logits for one unit)", latent.raised, raised),
        ranked("Suppresses (logits for one unit)", latent.lowered, raised),
        ranked("Nearest decoder rows (cosine)", latent.neighbours, other),
        ranked("Fire together (Jaccard)", latent.together, other),
        ranked("Correlated (Pearson)", latent.correlated, other),
        ranked("Largest in the decoder row", latent.dimensions, index => `dimension ${index}`)));
    drawChange();
  }

  /** The command that edits latents, in a file that cannot. */
  function elsewhere() {
    const option = pattern => view.command.match(pattern)?.[0];
    const sae = (option(/ (?:--sae|-s)[ =](?:'[^']*'|\S+)/) ?? " --sae SAE")
      + (option(/ (?:--model|-m)[ =](?:'[^']*'|\S+)/) ?? "") + (option(/ --process[ =]\S+/) ?? "");
    return element("p", {class: "note"}, "To ablate or clamp it and see the predictions, run ", element("code", {}, `hyaline explore${sae}`), ".");
  }

  /** The edits of the address, by latent: [kind, value]. */
  const edits = () => new Map((context.address.edits ?? "").split(",").filter(Boolean).flatMap(text => {
    const [latent, kind, value] = text.split(":");
    return /^\d+$/.test(latent) && Number(latent) < data.of && EDITS.some(([name]) => name && name === kind) && Number.isFinite(Number(value ?? 0))
      ? [[Number(latent), [kind, Number(value ?? 0)]]] : [];
  }));

  function setEdit(latent, kind, value) {
    const changed = edits();
    if (kind) {
      changed.set(latent, [kind, value]);
    } else {
      changed.delete(latent);
    }
    context.navigate({edits: [...changed].map(([of, [what, by]]) => what === "ablate" ? `${of}:${what}` : `${of}:${what}:${by}`).join(",") || null});
    ask();
  }

  /** The form that edits a latent in place, and what the edits change. */
  function editor(latent) {
    const [kind, value] = edits().get(latent.latent) ?? ["", 0];
    const most = Math.max(1, 2 * latent.maximum, 2 * latent.strongest, Math.abs(value));
    const [low, high] = kind === "scale" ? [-4, 4] : kind === "steer" ? [-most, most] : [0, most];
    const step = kind === "scale" ? 0.1 : Number((most / 200).toPrecision(1));
    const number = element("input", {type: "number", step: "any", value, "aria-label": "Value", oninput: () => {
      if (Number.isFinite(number.valueAsNumber)) {
        slider.value = number.value;
        setEdit(latent.latent, kind, number.valueAsNumber);
      }
    }});
    const slider = element("input", {type: "range", min: low, max: high, step, value, "aria-label": "Value on a slider", oninput: () => {
      number.value = slider.value;
      setEdit(latent.latent, kind, Number(slider.value));
    }});
    return element("div", {class: "edits"},
      element("div", {class: "choices"},
        choice(`Latent ${latent.latent}, at every token`, EDITS, kind, chosen => {
          setEdit(latent.latent, chosen, {clamp: latent.maximum, scale: 2, steer: latent.maximum}[chosen] ?? 0);
          drawPage();
          page.querySelector(".edits select").focus();
        }),
        ...kind && kind !== "ablate" ? [slider, number] : []),
      change);
  }

  const change = element("div", {class: "change", "aria-live": "polite"});
  let result = null;
  let failure = null;
  const answered = (got, problem) => {
    result = got;
    failure = problem;
    drawChange();
  };
  const runEdits = latest(async of => of.size === 0 ? null : context.live.run({view: "latents",
    edits: [...of].map(([latent, [kind, value]]) => ({do: kind, latent, ...kind === "ablate" ? {} : {value}}))}),
  got => answered(got, null), problem => answered(null, problem));

  function ask() {
    runEdits(edits());
  }

  function drawChange() {
    const of = edits();
    if (!context.live || failure || !result || of.size === 0) {
      change.replaceChildren(failure ? element("p", {class: "banner bad", role: "alert"}, failure.message) : "");
      return;
    }
    const {tokens: shown, baseLogProbabilities: base, editedLogProbabilities: edited, baseLogits, editedLogits, divergence, position} = result.data;
    const rows = shown.map((_, i) => i).sort((a, b) => base[b] - base[a]);
    change.replaceChildren(
      element("p", {}, "Edited: ", [...of].map(([latent, [kind, value]], i) => [i ? "; " : "",
        `latent ${latent} ${EDITED[kind]}${kind === "ablate" ? "" : ` ${figure(value)}`} `,
        button("\u00d7", () => {
          setEdit(latent, "", 0);
          drawPage();
        }, {class: "round", "aria-label": `Leave latent ${latent} as it is`})]).flat(),
      ". What the autoencoder misses stays as it was."),
      element("p", {}, `Next token after position ${position}: KL divergence from the base run `,
        element("b", {"data-what": "divergence", "data-value": String(divergence)}, figure(divergence)), " nats."),
      element("div", {class: "table", tabindex: 0, role: "group", "aria-label": "Next tokens"}, element("table", {},
        element("thead", {}, element("tr", {}, ["next token", "base", "edited", "logit change"].map((name, i) =>
          element("th", {scope: "col", class: i ? "number" : ""}, name)))),
        element("tbody", {}, rows.map(i => element("tr", {"data-token": shown[i].id},
          element("td", {}, tokenElement("span", shown[i])),
          element("td", {class: "number", "data-value": String(baseLogits[i])}, percent(Math.exp(base[i]))),
          element("td", {class: "number", "data-value": String(editedLogits[i])}, percent(Math.exp(edited[i]))),
          element("td", {class: "number"}, signed(editedLogits[i] - baseLogits[i]))))))));
  }

  const search = element("input", {type: "search", "aria-label": "Find a number or a token", placeholder: "Find a number or a token",
    value: context.address.find ?? "", oninput: () => {
      context.navigate({find: search.value || null});
      drawList();
    }});
  root.replaceChildren(
    element("p", {class: "origin"}, `${data.place}: ${data.of} latents, ${data.firing} of which fire in the texts; `
      + (context.live ? `${latents.filter(({strongest}) => strongest > 0).length} fire on the prompt. Type the number of any other to open it.` : `${latents.length} are shown here.`)),
    element("div", {class: "choices"}, search,
      choice("Order", ORDERS.filter(([value]) => value !== "prompt" || hasPrompt), context.address.order ?? (hasPrompt ? "prompt" : "given"),
        chosen => {
          context.navigate({order: chosen});
          drawList();
        })),
    element("div", {class: "columns list-first"}, element("div", {}, element("p", {class: "note"},
      `Number, tokens promoted, ${hasPrompt ? "largest activation on the prompt" : "share of tokens it fires on"}`
        + (context.live ? "; tokens are there once a latent was opened" : "")), list), page));
  roving(list, () => [...list.querySelectorAll("[data-entry]")].map(entry => [entry]));
  tips(page, ".example .token", shown => `${quoted({text: shown.textContent})}: ${figure(Number(shown.dataset.value))}`);
  drawList();
  drawPage();
  if (context.live && edits().size) {
    ask();
  }
  return {
    update() {
      search.value = context.address.find ?? "";
      drawList();
      drawPage();
      if (context.live) {
        ask();
      }
    },
    csv: () => [["latent", "share_firing", "maximum", "mean_firing", "raises", "lowers"],
      ...latents.filter(({examples}) => examples).map(({latent, share, maximum, mean, raised, lowered}) => [latent, share, maximum, mean,
        Array.from(raised.indices, id => token(id).text).join(" "), Array.from(lowered.indices, id => token(id).text).join(" ")])],
  };
}

const signed = value => value > 0 ? `+${figure(value)}` : figure(value);
