/**
 * The server that sent the page: it runs the model. Every call carries the secret of the printed address, which is kept
 * for this tab alone and is in no address that the page shows or sends.
 *
 * What views see of it, as `context.live`: `model`, what the model is; `run(request)`, a view anew, decoded;
 * `whole(view)`, all of a view of which an address shows a part; `sweep(request, progress)`, the same as `run` for what
 * takes long; `cancel(job)`; `prompt()`, the prompt of the page as part of a request; `setPrompt(text)`; and
 * `openRun({edits, source, prompt})`, which opens the view of a run under a list of edits.
 */

import {decode} from "./data.js";
import {element} from "./dom.js";

const API = "/api/1/";
const TOKEN = "hyaline-token";
const PROMPT = "hyaline-prompt";

/** The secret. It is taken out of the address at once, so that it is in no bookmark and no picture of the screen. */
function takeToken() {
  const found = location.hash.match(/^#token=([0-9a-f]{32})(?:&(.*))?$/);
  if (found) {
    sessionStorage.setItem(TOKEN, found[1]);
    history.replaceState(null, "", found[2] ? `#${found[2]}` : location.pathname);
  }
  return sessionStorage.getItem(TOKEN);
}

function newPage() {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), byte => byte.toString(16).padStart(2, "0")).join("");
}

class Server {
  #headers;

  constructor(token) {
    this.#headers = {"X-Hyaline-Token": token, "X-Hyaline-Page": newPage()};
  }

  /** An answer, or an error with the server's sentence. */
  async ask(method, path, body) {
    let answer;
    try {
      answer = await fetch(API + path, {
        method,
        headers: body === undefined ? this.#headers : {...this.#headers, "Content-Type": "application/json"},
        body: body === undefined ? undefined : JSON.stringify(body),
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
      });
    } catch {
      throw new Error("The server does not answer. Start hyaline explore again, and open the address that it prints.");
    }
    if (answer.status === 401) {
      throw Object.assign(new Error("The address lacks the secret of the server that runs now. Open the whole address that "
        + "hyaline explore printed last."), {status: 401});
    }
    if (!answer.ok) {
      const problem = await answer.json().catch(() => ({}));
      throw Object.assign(new Error(problem.error ?? `the server answers ${answer.status}`), {status: answer.status});
    }
    return answer;
  }

  async view(path, body) {
    const answer = await this.ask(body === undefined ? "GET" : "POST", path, body);
    return decode(await answer.arrayBuffer());
  }

  /** Lines of JSON as they come. */
  async lines(path, told) {
    const answer = await this.ask("GET", path);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const lines = (rest + part.value).split("\n");
      rest = lines.pop();
      lines.filter(Boolean).forEach(line => told(JSON.parse(line)));
    }
  }
}

/** Tells the reader when the server has ended. */
async function watch(server, content, announce) {
  try {
    await server.lines("presence", () => {});
  } catch {
    // As below.
  }
  const text = "The server has ended. What is shown stays, but nothing more can be run.";
  content.before(element("p", {class: "banner unsure", role: "alert"}, text));
  announce(text);
}

/** The line in which the prompt is changed. */
function promptBar(model, prompt, changed) {
  const input = element("input", {
    type: "text",
    id: "prompt",
    value: prompt.prompt ?? prompt.tokens.join(" "),
    autocomplete: "off",
    spellcheck: "false",
    maxlength: 100000,
  });
  return element("form", {
    class: "prompt-bar",
    onsubmit: event => {
      event.preventDefault();
      changed(input.value);
    },
  }, element("label", {for: "prompt"}, model.tokenizer ? "Prompt" : "Token ids"), input,
  element("button", {type: "submit"}, "Run"));
}

/**
 * Connects the page.
 *
 * @param frame `content`, where views are; `announce`; and `reload`, which draws the view shown anew
 */
export async function connect({content, announce, reload}) {
  const token = takeToken();
  if (!token) {
    throw new Error("This page needs the whole address that hyaline explore prints, with what follows the #.");
  }
  const server = new Server(token);
  const model = await (await server.ask("GET", "model")).json();
  watch(server, content, announce);

  const promptOf = text => model.tokenizer
    ? {prompt: text}
    : {tokens: text.split(/[\s,]+/).filter(Boolean).map(Number)};
  let prompt = promptOf(sessionStorage.getItem(PROMPT) ?? model.prompt);
  const loaded = new Map();
  let bar;

  /** Changes the prompt of the page; `typed` says that it was the reader, not an address that names a prompt. */
  async function setPrompt(text, typed = false) {
    sessionStorage.setItem(PROMPT, text);
    prompt = promptOf(text);
    loaded.clear();
    const made = promptBar(model, prompt, typedPrompt);
    bar.replaceWith(made);
    bar = made;
    await reload(typed ? {prompt: null} : {});
  }

  const typedPrompt = text => setPrompt(text, true);
  bar = promptBar(model, prompt, typedPrompt);
  content.before(bar);

  /** The part of a view that an address shows: of a long prompt, it comes first. */
  const index = (text, bound) => /^\d{1,9}$/.test(text ?? "") && Number(text) < bound ? Number(text) : 0;
  const part = {
    tokens: ({l}) => ({layer: index(l, model.layers)}),
    heads: () => ({quick: true}),
    lens: ({from}) => ({from: index(from, model.positions)}),
  };

  function fetchView(view, options) {
    const loading = server.view("view", {view, ...prompt, ...options});
    loaded.set(view, loading);
    loading.catch(() => loaded.delete(view));
    return loading;
  }

  const load = (view, address) => loaded.get(view) ?? fetchView(view, part[view]?.(address));

  return {
    model,
    views: model.views.map(view => ({id: view, view, load: address => load(view, address)})),
    prompt: () => prompt,
    promptOf,
    promptText: () => prompt.prompt ?? prompt.tokens.join(" "),
    isPrompt: text => JSON.stringify(promptOf(text)) === JSON.stringify(prompt),
    run: request => server.view("view", {...prompt, ...request}),
    async sweep(request, progress) {
      const {job} = await (await server.ask("POST", "sweep", {...prompt, ...request})).json();
      progress({job, done: 0, total: 0, ended: false});
      await server.lines(`jobs/${job}/events`, step => progress({job, ...step}));
      return server.view(`jobs/${job}`);
    },
    whole: view => fetchView(view, {}),
    cancel: job => server.ask("DELETE", `jobs/${job}`),
    setPrompt,
    openRun({edits, source = "", prompt: other = ""}) {
      location.hash = `#run/${new URLSearchParams({prompt: other, source, edits: JSON.stringify(edits)})}`;
    },
  };
}
