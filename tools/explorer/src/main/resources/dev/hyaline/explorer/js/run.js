/** A run beside the same run under edits. With a server, the edits are a form, and every change is answered at once. */

import {diverging, legend, sequential} from "./colour.js";
import {button, choice, element, newId, tick} from "./dom.js";
import {dataGrid} from "./grid.js";
import {latest} from "./latest.js";
import {rounding} from "./maps.js";
import {figure, percent} from "./number.js";
import {quoted, tokenElement, tokenText} from "./token.js";

export const label = "Run and edit";
export const help = "The next-token predictions of the prompt as it is and under the edits: probabilities by a softmax"
  + " over all logits, the difference of two logits, and the Kullback-Leibler divergence of the edited from the base"
  + " prediction in nats. A pattern's change is the largest absolute difference of its weights.";

const FORMAT = "hyaline-interventions/1";
const REST_MILLISECONDS = 150;

/** What edits do, by their name in JSON: its words, the key of its amount and the amount to begin with. */
const KINDS = {
  scale: {text: "multiply by", amount: "factor", start: 0, slider: [-2, 3]},
  zero: {text: "set to zero"},
  set: {text: "set to", amount: "value", start: 0},
  add: {text: "add", amount: "vector", start: 1},
  noise: {text: "add noise of deviation", amount: "deviation", start: 1},
  mean: {text: "set to the source's mean", from: "reference"},
  patch: {text: "set to the source's", from: "source"},
  resample: {text: "resample from the source", from: "reference"},
  swap_heads: {text: "swap two heads"},
  project_out: {text: "project out", start: []},
};

function editDocument(interventions, inOrder) {
  return {format: FORMAT, in_order: inOrder, interventions};
}

/** Edits as they were typed, or an error with a sentence that says what is wrong. */
function parsed(text) {
  let read;
  try {
    read = JSON.parse(text);
  } catch (problem) {
    throw new Error(`The edits are not JSON: ${problem.message}.`);
  }
  const list = Array.isArray(read) ? read : read?.interventions;
  if (!Array.isArray(list) || list.some(edit => edit === null || typeof edit !== "object" || Array.isArray(edit))) {
    throw new Error(`The edits are a list of objects, alone or as {"format": "${FORMAT}", "interventions": [...]}.`);
  }
  return read;
}

/** The edits that an address names: `edits`, JSON, a list or all of it; or `zero`, heads such as `2.1,3.0`. */
function editsOf(address) {
  if (address.edits) {
    const read = parsed(address.edits);
    return Array.isArray(read) ? editDocument(read, address.order === "1") : read;
  }
  const heads = [...(address.zero ?? "").matchAll(/(\d+)\.(\d+)/g)];
  return editDocument(heads.map(([, layer, head]) =>
    ({do: "zero", site: "attn.hook_z", layers: layer, heads: head})), false);
}

export function render(root, first, context) {
  const results = new Results(context);
  const form = context.live ? new Form(context, first, results) : null;
  root.append(...form ? [form.root] : [editList(first)], results.root);
  results.draw(first, false);
  form?.open(context.address);
  return {
    update: form ? address => form.open(address) : undefined,
    csv: () => results.rows(),
    command: () => results.view.command,
    java: () => results.view.java,
  };
}

/** The edits of a file, which cannot be changed there. */
function editList(view) {
  const {lines, edits} = view.data;
  return element("div", {class: "edits"},
    lines.length === 0 ? element("p", {}, "No edit.") : element("ol", {}, lines.map(line => element("li", {}, line))),
    edits === "" ? null : element("details", {}, element("summary", {}, "The edits as JSON"),
      element("pre", {tabindex: 0}, edits)),
    element("p", {class: "note"}, "To change them and see the answer, run ", element("code", {}, "hyaline explore"), "."));
}

/** The edits as a form. */
class Form {
  constructor(context, first, results) {
    this.context = context;
    this.model = context.live.model;
    this.results = results;
    this.positions = first.prompt.tokens;
    this.edits = editDocument([], false);
    this.run = latest(request => context.live.run(request), (view, request) => this.answered(view, request),
      problem => this.failed(problem));
    this.list = element("ol", {class: "edit-list"});
    this.problem = element("p", {class: "banner bad", role: "alert", hidden: true});
    this.json = element("textarea", {
      rows: 8, spellcheck: "false", "aria-label": "The edits as JSON", onchange: () => this.read(),
    });
    this.source = element("input", {
      type: "text", spellcheck: "false", autocomplete: "off", onchange: () => this.changed(),
    });
    this.sourceRow = element("label", {class: "choice wide", hidden: true}, element("span", {}, "Source prompt"),
      this.source);
    this.inOrder = tick("a later edit acts on what an earlier one left", false, ticked => {
      this.edits.in_order = ticked;
      this.changed();
    });
    this.position = choice("Next token after",
      this.positions.map((token, at) => [String(at), `${at} ${tokenText(token)}`]),
      String(this.positions.length - 1), value => {
        context.navigate({p: value === String(this.positions.length - 1) ? null : value});
        this.send(false);
      });
    this.tokens = ["a", "b"].map(key => element("input", {
      type: "text", class: "short", spellcheck: "false", autocomplete: "off",
      onchange: event => {
        context.navigate({[key]: event.target.value === "" ? null : event.target.value});
        this.send(false);
      },
    }));
    this.root = element("div", {class: "edits"}, this.list,
      element("div", {class: "toolbar"},
        button("Add an edit", () => this.add()), this.inOrder),
      this.sourceRow,
      element("div", {class: "choices"}, this.position,
        element("label", {class: "choice"}, element("span", {}, "Logit of"), this.tokens[0]),
        element("label", {class: "choice"}, element("span", {}, "minus"), this.tokens[1])),
      element("details", {}, element("summary", {}, "The edits as JSON"), this.json),
      this.problem);
  }

  /** Takes over what an address names. */
  open(address) {
    try {
      this.edits = editsOf(address);
    } catch (problem) {
      this.failed(problem);
      return;
    }
    if (address.prompt && !this.context.live.isPrompt(address.prompt)) {
      this.context.live.setPrompt(address.prompt);
      return;
    }
    this.source.value = address.source ?? "";
    this.tokens[0].value = address.a ?? "";
    this.tokens[1].value = address.b ?? "";
    this.position.querySelector("select").value = address.p ?? String(this.positions.length - 1);
    this.show();
    if (this.edits.interventions.length || address.p || address.a) {
      this.send(false);
    }
  }

  add() {
    this.edits.interventions.push({do: "scale", site: "attn.hook_z", layers: "0", heads: "0", factor: 0});
    this.show();
    this.changed();
    this.list.lastElementChild.querySelector("select").focus();
  }

  /** Reads the JSON as it was typed. */
  read() {
    try {
      const read = parsed(this.json.value);
      this.edits = Array.isArray(read) ? editDocument(read, false) : read;
      this.show(false);
      this.changed();
    } catch (problem) {
      this.failed(problem);
    }
  }

  show(json = true) {
    this.list.replaceChildren(...this.edits.interventions.map((edit, at) => this.row(edit, at)));
    this.list.hidden = this.edits.interventions.length === 0;
    this.inOrder.querySelector("input").checked = this.edits.in_order === true;
    this.inOrder.hidden = this.edits.interventions.length < 2;
    this.sourceRow.hidden = !this.edits.interventions.some(edit => KINDS[edit.do]?.from);
    if (json) {
      this.write();
    }
  }

  write() {
    this.json.value = JSON.stringify(this.edits, null, 1);
  }

  row(edit, at) {
    const kind = KINDS[edit.do] ?? {};
    const site = this.model.sites.find(one => [one.name, one.name.replace("hook_", "")].includes(edit.site));
    const again = () => {
      this.show();
      this.changed();
    };
    const text = (name, key, hidden) => element("label", {class: "choice", hidden}, element("span", {}, name),
      element("input", {
        type: "text", class: "short", value: edit[key] ?? "", placeholder: "all", spellcheck: "false",
        autocomplete: "off",
        onchange: event => {
          if (event.target.value.trim() === "") {
            delete edit[key];
          } else {
            edit[key] = event.target.value.trim();
          }
          this.changed();
        },
      }));
    return element("li", {},
      choice("at", this.model.sites.map(one => [one.name, one.name])
        .concat(site?.name === edit.site ? [] : [[edit.site, edit.site]]), edit.site, value => {
        edit.site = value;
        const chosen = this.model.sites.find(one => one.name === value);
        if (!chosen?.perLayer) {
          delete edit.layers;
        }
        if (!chosen?.byHead) {
          delete edit.heads;
        }
        again();
      }),
      text("layers", "layers", site ? !site.perLayer : false),
      text("heads", "heads", site ? !site.byHead : false),
      text("positions", "positions", false),
      choice("", Object.entries(KINDS).map(([name, {text: words}]) => [name, words]), edit.do, value => {
        ["factor", "value", "vector", "coefficient", "deviation", "seed", "reference", "source", "directions", "sequence"]
          .forEach(key => delete edit[key]);
        edit.do = value;
        const now = KINDS[value];
        if (now.amount) {
          edit[now.amount] = now.start;
        }
        if (now.from) {
          edit[now.from] = "source";
        }
        if (value === "patch") {
          edit.sequence = 0;
        }
        if (value === "noise" || value === "resample") {
          edit.seed = 0;
        }
        if (value === "project_out") {
          edit.directions = now.start;
        }
        again();
      }),
      kind.amount ? this.amount(edit, kind) : null,
      button("Remove", () => {
        this.edits.interventions.splice(at, 1);
        again();
      }, {"aria-label": `Remove edit ${at}`}),
      at === 0 ? null : button("\u2191", () => {
        const list = this.edits.interventions;
        [list[at - 1], list[at]] = [list[at], list[at - 1]];
        again();
      }, {"aria-label": `Move edit ${at} up`}));
  }

  /** The amount: a number and, where it is a factor, a slider. */
  amount(edit, kind) {
    const value = edit[kind.amount];
    if (typeof value !== "number") {
      return element("span", {class: "note"}, "as the JSON says");
    }
    const number = element("input", {
      type: "number", step: "any", value, "aria-label": kind.text,
      oninput: () => this.amountChanged(edit, kind, number, slider),
      onchange: () => this.changed(),
    });
    const slider = kind.slider ? element("input", {
      type: "range", min: kind.slider[0], max: kind.slider[1], step: 0.05, value, "aria-label": `${kind.text}, slider`,
      oninput: () => this.amountChanged(edit, kind, slider, number),
      onchange: () => this.changed(),
    }) : null;
    return element("span", {class: "choice"}, number, slider);
  }

  amountChanged(edit, kind, from, other) {
    const value = from.valueAsNumber;
    if (!Number.isFinite(value)) {
      return;
    }
    edit[kind.amount] = value;
    if (other) {
      other.value = String(value);
    }
    this.send(true);
  }

  /** Tells the address, and runs all. */
  changed() {
    this.write();
    this.sourceRow.hidden = !this.edits.interventions.some(edit => KINDS[edit.do]?.from);
    this.context.navigate({
      zero: null,
      edits: this.edits.interventions.length === 0 ? null : JSON.stringify(this.edits.interventions),
      order: this.edits.in_order ? "1" : null,
      source: this.source.value === "" ? null : this.source.value,
    });
    this.send(false);
  }

  /** Asks for the run: for the one position alone while something moves, and for all when it rests. */
  send(quick) {
    const {address} = this.context;
    const request = {view: "run", asked: performance.now()};
    if (this.edits.interventions.length) {
      request.edits = this.edits;
    }
    if (this.source.value !== "" && !this.sourceRow.hidden) {
      request.source = this.context.live.model.tokenizer
        ? {prompt: this.source.value}
        : {tokens: this.source.value.split(/[\s,]+/).filter(Boolean).map(Number)};
    }
    if (address.p) {
      request.position = Number(address.p);
    }
    if (address.a && address.b) {
      request.compare = [address.a, address.b].map(token => /^#\d+$/.test(token) ? Number(token.slice(1)) : token);
    }
    if (address.h) {
      request.head = address.h.split(".").map(Number);
    }
    clearTimeout(this.rest);
    this.results.wait();
    if (quick) {
      request.quick = true;
      this.rest = setTimeout(() => this.send(false), REST_MILLISECONDS);
    }
    this.ask(request);
  }

  ask({asked, ...request}) {
    this.asked = asked;
    this.last = request;
    this.run(request);
  }

  answered(view, request) {
    this.problem.hidden = true;
    this.results.draw(view, request.quick === true, head => {
      this.context.navigate({h: head});
      this.send(false);
    });
    this.results.took(performance.now() - this.asked);
    if (!request.quick && request === this.last) {
      this.results.settle();
    }
  }

  failed(problem) {
    this.results.settle();
    this.problem.textContent = problem.message;
    this.problem.hidden = false;
  }
}

/** Base on the left, edited on the right, and what is between them. */
class Results {
  constructor(context) {
    this.context = context;
    this.time = element("span", {class: "note inline"});
    this.title = element("h3", {});
    this.hint = element("p", {class: "note"}, "There is no edit yet, so that both runs are the same. Add one to see what it changes.");
    this.pair = element("div", {class: "beside"});
    this.sums = element("dl", {class: "figures"});
    this.rest = element("div", {class: "beside"});
    this.root = element("div", {class: "results"}, this.title, this.hint, this.pair, this.sums, this.rest, this.time);
  }

  draw(view, quick, choose) {
    this.view = view;
    const {data} = view;
    const token = view.prompt.tokens[data.position];
    this.title.textContent = `The likeliest next tokens after ${data.position}${token ? ` ${quoted(token)}` : ""}`;
    this.pair.replaceChildren(
      likeliest("Base run", data, data.baseTop, data.baseLogits, data.baseLogProbabilities),
      likeliest("Edited", data, data.editedTop, data.editedLogits, data.editedLogProbabilities));
    this.sums.replaceChildren(...this.figures(data));
    this.rest.classList.toggle("stale", quick);
    const unedited = data.lines.length === 0;
    this.hint.hidden = !unedited;
    this.rest.hidden = unedited;
    if (!quick) {
      this.rest.replaceChildren(element("div", {}, byPosition(view)), element("div", {}, patterns(view, choose)));
    }
  }

  /** Says that more is to come. */
  wait() {
    this.root.setAttribute("aria-busy", "true");
  }

  /** Says that nothing more is. */
  settle() {
    this.root.removeAttribute("aria-busy");
  }

  took(milliseconds) {
    const {workDone, workFull} = this.view.data;
    this.root.dataset.milliseconds = milliseconds.toFixed(1);
    this.time.textContent = `Answered in ${milliseconds < 10 ? milliseconds.toFixed(1) : milliseconds.toFixed(0)} ms;`
      + ` ${percent(workDone / workFull)} of a full pass was computed.`;
  }

  figures(data) {
    const [a, b] = data.compared;
    const difference = (name, logits) => {
      const value = logits[a] - logits[b];
      return element("div", {}, element("dt", {}, name),
        element("dd", {}, element("b", {"data-value": value, "data-what": name}, figure(value)),
          element("span", {class: "note"}, `${quoted(data.tokens[a])} minus ${quoted(data.tokens[b])}`)));
    };
    return [
      element("div", {}, element("dt", {}, "KL divergence"),
        element("dd", {}, element("b", {"data-value": data.divergence, "data-what": "divergence"},
          figure(data.divergence)), element("span", {class: "note"}, `nats, after position ${data.position}`))),
      ...data.compared.length === 2
        ? [difference("Logit difference", data.baseLogits), difference("Logit difference, edited", data.editedLogits)]
        : [],
    ];
  }

  rows() {
    const {data} = this.view;
    return [["token", "text", "logit", "logit_edited", "log_probability", "log_probability_edited"],
      ...data.tokens.map((token, i) => [token.id, token.text, data.baseLogits[i], data.editedLogits[i],
        data.baseLogProbabilities[i], data.editedLogProbabilities[i]])];
  }
}

function likeliest(name, data, order, logits, logProbabilities) {
  // Bars of both tables are as long for the same probability.
  const most = Math.exp(Math.max(data.baseLogProbabilities[data.baseTop[0]], data.editedLogProbabilities[data.editedTop[0]]));
  return element("table", {class: "likeliest", "data-run": name},
    element("caption", {}, name),
    element("thead", {}, element("tr", {}, ["token", "probability", "logit"].map(heading =>
      element("th", {scope: "col", class: heading === "token" ? null : "number"}, heading)))),
    element("tbody", {}, Array.from(order, at => {
      const probability = Math.exp(logProbabilities[at]);
      const bar = element("span", {class: "share", "aria-hidden": "true"});
      bar.style.width = `${(6 * probability / most).toFixed(3)}rem`;
      return element("tr", {"data-token": data.tokens[at].id},
        element("th", {scope: "row"}, tokenElement("span", data.tokens[at])),
        element("td", {class: "number", "data-value": probability}, bar, percent(probability)),
        element("td", {class: "number", "data-value": logits[at], title: String(logits[at])}, figure(logits[at])));
    })));
}

/** Divergence, and the difference's change, of every position. */
function byPosition(view) {
  const {data, prompt} = view;
  if (!data.divergenceByPosition) {
    return [];
  }
  const largest = Math.max(...data.divergenceByPosition);
  const scale = sequential(0, largest);
  const changes = data.baseDifference ? data.editedDifference.map((value, at) => value - data.baseDifference[at]) : null;
  const reach = changes ? Math.max(...changes.map(Math.abs)) : 0;
  const signed = diverging(reach).of(changes ?? []);
  const texts = [rounding([...data.divergenceByPosition]), rounding(changes ?? [])];
  const grid = dataGrid({
    label: "The edits' effect by position",
    columns: ["token", "KL divergence", ...changes ? ["change of the logit difference"] : []],
    rows: prompt.tokens.map((_, at) => String(at)),
    cell(cell, row, column) {
      if (column === 0) {
        cell.append(tokenElement("span", prompt.tokens[row]));
        return;
      }
      const value = column === 1 ? data.divergenceByPosition[row] : changes[row];
      (column === 1 ? scale : signed).paint(cell, value);
      cell.textContent = texts[column - 1](value);
      cell.title = String(value);
    },
  });
  grid.dataset.grid = "positions";
  return [element("details", {open: prompt.tokens.length <= 40},
    element("summary", {}, "By position"), legend(scale, "KL divergence, nats"),
    changes ? legend(signed, "Change of the logit difference") : null,
    element("div", {class: "scroll", tabindex: 0}, grid))];
}

/** Which patterns changed, and one of them before and after. */
function patterns(view, choose) {
  const {data} = view;
  if (!data.patternChange) {
    return [];
  }
  const layers = Array.from(data.changedLayers);
  const scale = sequential(0, Math.max(...data.patternChange));
  const text = rounding([...data.patternChange]);
  const grid = dataGrid({
    label: "The largest change of each head's pattern",
    corner: [element("span", {}, "layer \u2193"), element("span", {}, "head \u2192")],
    columns: Array.from({length: data.heads}, (_, head) => String(head)),
    rows: layers.map(String),
    cell(cell, row, head) {
      const value = data.patternChange[row * data.heads + head];
      scale.paint(cell, value);
      cell.textContent = text(value);
      cell.title = String(value);
      cell.setAttribute("aria-selected", String(layers[row] === data.patternLayer && head === data.patternHead));
    },
    chosen: choose ? (row, head) => choose(`${layers[row]}.${head}`) : undefined,
  });
  grid.dataset.grid = "patterns";
  return [element("h3", {}, "Attention that changed"), legend(scale, "Largest change of a weight"),
    choose ? element("p", {class: "note"}, "Click a head, or press Enter on it, for its pattern.") : null,
    element("div", {class: "scroll", tabindex: 0}, grid),
    element("h3", {}, `The pattern of head ${data.patternLayer}.${data.patternHead}`), new PatternPair(view).root];
}

/** Two patterns under one cursor, which pointer and arrows move; the numbers are in the line below. */
class PatternPair {
  constructor(view) {
    this.view = view;
    this.length = view.prompt.tokens.length;
    this.at = [this.length - 1, 0];
    this.line = element("p", {class: "readout", id: newId("readout"), "aria-live": "polite"});
    const {basePattern, editedPattern} = view.data;
    this.maps = [["Base run", basePattern], ["Edited", editedPattern]].map(([name, values]) => this.map(name, values));
    this.root = element("div", {}, element("div", {class: "beside"}, this.maps.map(map => map.figure)), this.line,
      legend(sequential(0, 1), "Weight: rows look at columns"));
    this.move(...this.at);
  }

  map(name, values) {
    const {length} = this;
    const cell = Math.max(1, Math.floor(260 / length));
    const canvas = element("canvas", {
      width: length * cell, height: length * cell, tabindex: 0, role: "img", class: "pattern",
      "aria-label": `${name}: the pattern, ${length} by ${length}; arrows move`, "aria-describedby": this.line.id,
    });
    const pen = canvas.getContext("2d");
    const scale = sequential(0, 1);
    for (let query = 0; query < length; query++) {
      for (let key = 0; key <= query; key++) {
        pen.fillStyle = scale.colour(values[query * length + key]);
        pen.fillRect(key * cell, query * cell, cell, cell);
      }
    }
    canvas.addEventListener("pointermove", event => {
      const box = canvas.getBoundingClientRect();
      this.move(Math.floor((event.clientY - box.top) / box.height * length),
        Math.floor((event.clientX - box.left) / box.width * length));
    });
    canvas.addEventListener("keydown", event => {
      const step = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.key];
      if (step) {
        event.preventDefault();
        this.move(this.at[0] + step[0], this.at[1] + step[1]);
      }
    });
    return {figure: element("figure", {}, canvas, element("figcaption", {}, name))};
  }

  move(query, key) {
    const bound = value => Math.min(this.length - 1, Math.max(0, value));
    this.at = [bound(query), bound(key)];
    const [q, k] = this.at;
    const {tokens} = this.view.prompt;
    const index = q * this.length + k;
    const [before, after] = [this.view.data.basePattern[index], this.view.data.editedPattern[index]];
    this.line.replaceChildren(
      `From ${q} ${quoted(tokens[q])} to ${k} ${quoted(tokens[k])}: `,
      element("b", {"data-value": before}, figure(before)), ", edited ",
      element("b", {"data-value": after}, figure(after)));
  }
}
