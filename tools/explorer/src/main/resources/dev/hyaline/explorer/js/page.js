/**
 * The frame of a page of views: a tab for each, its address in the fragment, what it measures, and what can be taken
 * away from it. The views come from the file itself or, where it holds none, from the server that sent the page.
 *
 * A view is a module with the name of its tab, two sentences that say what is measured, and a function that draws it:
 *
 *     export const label = "Heads";
 *     export const help = "...";
 *     export function render(root, view, context) { ... return {update, csv, command, java}; }
 *
 * `view` is the decoded header, its arrays in `view.data`. `context` has `address`, the parameters after the view's name
 * in the fragment; `navigate(changes)`, which changes them (null removes one) without drawing again; `announce(text)`
 * for readers who cannot see; and `live`, the server's interface, null in a file. What `render` returns is optional, and
 * so is each of its parts: `update(address)` when the address was changed from outside (else the view is drawn again),
 * `csv()` gives rows or a promise of them, `command()` and `java()` replace the heading's where the reader's choice matters.
 */

import {embedded} from "./data.js";
import {onThemeChange} from "./colour.js";
import {button, element} from "./dom.js";
import {csv} from "./number.js";
import {closeTip} from "./tip.js";
import {quoted} from "./token.js";

const LONGEST_PROMPT = 160;

const content = document.querySelector("main");
const status = element("p", {class: "unseen", role: "status", "aria-live": "polite"});
const tabs = element("div", {class: "tabs", role: "tablist", "aria-label": "Views"});

let views = [];
let live = null;
let shown = null;

/** The view's name and parameters in a fragment such as `#heads/l=2&h=1`. */
function parse(fragment) {
  const [id, parameters = ""] = fragment.replace(/^#/, "").split("/", 2);
  return {id, address: Object.fromEntries(new URLSearchParams(parameters))};
}

function fragmentOf(id, address) {
  const parameters = new URLSearchParams(Object.entries(address)).toString();
  return parameters === "" ? `#${id}` : `#${id}/${parameters}`;
}

function announce(text) {
  status.textContent = text;
}

/** What the numbers are of: model, prompt, basis and seed, as far as there are any. */
function origin(view) {
  const {text, tokens} = view.prompt;
  const shownText = text || tokens.map(token => token.text).join("");
  const parts = [view.model];
  if (shownText) {
    parts.push(quoted({text: shownText.length > LONGEST_PROMPT ? `${shownText.slice(0, LONGEST_PROMPT)}\u2026` : shownText})
      .replaceAll("\u00b7", " "));
  }
  if (tokens.length) {
    parts.push(`${tokens.length} ${tokens.length === 1 ? "token" : "tokens"}`);
  }
  return [...parts, view.basis, view.seed === undefined ? "" : `seed ${view.seed}`].filter(Boolean);
}

/** Copies a text, and shows it where the clipboard is not to be had. */
async function copy(text, name, beside) {
  const listing = beside.querySelector(".copied");
  listing.hidden = false;
  listing.replaceChildren(element("pre", {tabindex: 0, "aria-label": name}, text));
  try {
    await navigator.clipboard.writeText(text);
    announce(`${name} copied`);
    listing.prepend(element("p", {}, "Copied:"));
  } catch {
    getSelection().selectAllChildren(listing.querySelector("pre"));
    announce(`${name} selected`);
    listing.prepend(element("p", {}, "Selected; copy it with the keyboard:"));
  }
}

function save(name, text) {
  const address = URL.createObjectURL(new Blob([text], {type: "text/csv;charset=utf-8"}));
  element("a", {href: address, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(address));
}

/** Saves a view's rows, which it may have to ask for first. */
async function saveRows(name, control, made) {
  const waiting = made.querySelector("button.csv");
  waiting.disabled = true;
  try {
    save(name, csv(await control.csv()));
  } catch (problem) {
    const told = made.querySelector(".copied");
    told.hidden = false;
    told.replaceChildren(element("p", {class: "banner bad", role: "alert"}, problem.message));
  } finally {
    waiting.disabled = false;
  }
}

function tabOf(view) {
  return element("button", {
    type: "button",
    role: "tab",
    id: `tab-${view.id}`,
    "aria-controls": view.id,
    "aria-selected": "false",
    tabindex: -1,
    onclick: () => go(view.id, {}),
  }, view.label);
}

tabs.addEventListener("keydown", event => {
  const at = views.indexOf(shown?.entry);
  const next = {ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: views.length - 1}[event.key];
  if (next !== undefined && views[next]) {
    event.preventDefault();
    go(views[next].id, {});
    views[next].tab.focus();
  }
});

/** Opens a view at an address, as a new entry of the history. */
function go(id, address) {
  history.pushState(null, "", fragmentOf(id, address));
  return follow();
}

/** Shows what the fragment names; the first view if it names none. */
async function follow() {
  const {id, address} = parse(location.hash);
  const entry = views.find(view => view.id === id) ?? views[0];
  if (!entry) {
    return;
  }
  if (shown?.entry === entry && shown.control?.update) {
    shown.context.address = address;
    shown.control.update(address);
    return;
  }
  await show(entry, address);
}

async function show(entry, address) {
  closeTip();
  for (const view of views) {
    view.section.hidden = view !== entry;
    view.tab.setAttribute("aria-selected", String(view === entry));
    view.tab.tabIndex = view === entry ? 0 : -1;
  }
  const {root} = entry;
  const context = {
    live,
    address,
    announce,
    navigate(changes) {
      const changed = {...context.address, ...changes};
      context.address = Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== null));
      history.replaceState(null, "", fragmentOf(entry.id, context.address));
    },
  };
  const drawing = shown = {entry, context, control: null};
  root.setAttribute("aria-busy", "true");
  try {
    const view = await entry.load(address);
    if (shown !== drawing) {
      return;
    }
    const body = element("div", {class: "view-body"});
    root.replaceChildren(head(entry, view, drawing), body);
    drawing.control = await entry.module.render(body, view, context) ?? {};
    root.querySelector("button.csv").hidden = !drawing.control.csv;
  } catch (problem) {
    root.replaceChildren(element("p", {class: "banner bad", role: "alert"}, problem.message));
    console.error(problem);
  } finally {
    root.removeAttribute("aria-busy");
  }
  performance.mark(`hyaline-view ${entry.id}`);
  dispatchEvent(new CustomEvent("hyaline-view", {detail: entry.id}));
}

/** A view's title, what it is of, and its buttons. */
function head(entry, view, drawing) {
  const helpText = element("p", {class: "help", id: `help-${entry.id}`, hidden: true}, entry.module.help);
  const helpButton = button("?", () => {
    helpText.hidden = !helpText.hidden;
    helpButton.setAttribute("aria-expanded", String(!helpText.hidden));
    announce(helpText.hidden ? "" : entry.module.help);
  }, {class: "round", "aria-label": "What is measured", "aria-expanded": "false", "aria-controls": helpText.id});
  const made = element("div", {class: "view-head"},
    element("h2", {}, view.title, " ", helpButton),
    element("p", {class: "origin"}, origin(view).map(part => element("span", {}, part))),
    helpText,
    element("div", {class: "toolbar"},
      button("Copy as command", () => copy(drawing.control?.command?.() ?? view.command, "Command", made),
        {hidden: view.command === ""}),
      button("Copy as Java", () => copy(drawing.control?.java?.() ?? view.java, "Java", made),
        {hidden: view.java === ""}),
      button("CSV", () => saveRows(`${entry.id}.csv`, drawing.control, made), {class: "csv"})),
    element("div", {class: "copied", hidden: true}));
  entry.section.onkeydown = event => {
    if (event.key === "?" && !event.target.closest("input, textarea, select")) {
      event.preventDefault();
      helpButton.click();
    }
  };
  return made;
}

/** Loads a view's module and makes its tab, and its section where the page has none. */
async function prepare(entry, all) {
  // Of several views of a kind, each is called by its title.
  const alone = all.filter(({view}) => view === entry.view).length === 1;
  entry.module = await import(`./${entry.view}.js`);
  entry.label ??= alone ? entry.module.label : entry.title ?? entry.id;
  let section = document.getElementById(entry.id);
  if (!section) {
    section = element("section", {id: entry.id});
    content.append(section);
  }
  // What is read without scripts makes way for what is drawn.
  entry.root = element("div", {class: "view"});
  section.replaceChildren(entry.root);
  section.setAttribute("role", "tabpanel");
  section.setAttribute("aria-labelledby", `tab-${entry.id}`);
  section.hidden = true;
  entry.section = section;
  entry.tab = tabOf(entry);
  return entry;
}

/** Draws the current view again, from new data if it was loaded anew, at its address with some changes. */
function reload(changes = {}) {
  shown?.context.navigate(changes);
  return shown ? show(shown.entry, shown.context.address) : Promise.resolve();
}

async function start() {
  let found = embedded();
  if (found.length === 0) {
    const {connect} = await import("./api.js");
    live = await connect({content, announce, reload});
    found = live.views;
  }
  views = await Promise.all(found.map(entry => prepare(entry, found)));
  document.querySelector("nav")?.remove();
  tabs.replaceChildren(...views.map(view => view.tab));
  tabs.hidden = views.length < 2;
  content.before(tabs);
  content.after(status);
  addEventListener("popstate", follow);
  onThemeChange(() => reload());
  await follow();
}

start().catch(problem => {
  content.prepend(element("p", {class: "banner bad", role: "alert"}, problem.message));
  console.error(problem);
});
