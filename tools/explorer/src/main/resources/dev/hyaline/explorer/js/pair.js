/** The form of a study: the pair of prompts, the tokens that are compared, and what a view adds. */

import {choice, element} from "./dom.js";
import {quoted} from "./token.js";

/** What was typed last, for the next view that asks for it. */
const typed = {};

/** A token as a request names it: `#123` is an id, anything else a text. */
export function tokenOf(text) {
  return /^#\d+$/.test(text) ? Number(text.slice(1)) : text;
}

export class PairForm {
  /**
   * @param compared answer and distractor where none are named
   * @param corrupted whether another prompt is asked for
   * @param controls of the view: choices by the name of the parameter
   * @param told of what was asked for: of the form's button, whose `text` is given, or else of every change
   */
  constructor(context, {compared, corrupted = false, controls, told, text = null}) {
    this.context = context;
    this.controls = controls;
    this.told = told;
    this.tell = () => text === null ? this.changed() : undefined;
    const field = (key, name, attributes) => {
      const input = element("input", {type: "text", spellcheck: "false", autocomplete: "off", maxlength: 100000,
        onchange: this.tell, ...attributes});
      return {key, input, label: element("label", {class: `choice${attributes.class ? "" : " wide"}`},
        element("span", {}, name), input)};
    };
    this.fields = [
      ...corrupted ? [field("corrupted", context.live.model.tokenizer ? "Corrupted prompt" : "Corrupted token ids", {})] : [],
      field("answer", "Answer", {class: "short", placeholder: quoted(compared[0])}),
      field("distractor", "Distractor", {class: "short", placeholder: quoted(compared[1])}),
    ];
    this.line = element("div", {class: "choices"});
    this.problem = element("p", {class: "banner bad", role: "alert", hidden: true});
    const wide = this.fields.filter(({key}) => key === "corrupted");
    this.root = element("form", {class: "edits pair", onsubmit: event => {
      event.preventDefault();
      this.changed();
    }}, wide.map(({label}) => label), this.line,
    text !== null ? element("div", {class: "toolbar"}, element("button", {type: "submit"}, text)) : null, this.problem);
    this.draw();
  }

  /** The choices of the view, those that are asked for as others stand, and the tokens. */
  draw() {
    const tokens = this.fields.filter(({key}) => key !== "corrupted").map(({label}) => label);
    this.selects = new Map();
    const shown = this.controls.filter(({when}) => !when || when(key => this.value(key)));
    this.line.replaceChildren(...shown.map(control => {
      const made = choice(control.name, control.options, this.value(control.key), value => {
        this.chosen = {...this.chosen, [control.key]: value};
        this.draw();
        this.tell();
        this.selects.get(control.key)?.focus();
      });
      this.selects.set(control.key, made.querySelector("select"));
      return made;
    }), ...tokens);
    this.shown = shown;
  }

  /** What a choice stands at. */
  value(key) {
    return this.chosen?.[key] ?? this.controls.find(control => control.key === key)?.options[0][0];
  }

  /** Takes over what an address names, and what was typed in another view. */
  fill(address) {
    for (const {key, input} of this.fields) {
      input.value = address[key] ?? typed[key] ?? (key === "corrupted" ? this.context.live.promptText() : "");
    }
    this.chosen = Object.fromEntries(this.controls.filter(({key, options}) =>
      options.some(([value]) => value === address[key])).map(({key}) => [key, address[key]]));
    this.draw();
  }

  /** Returns whether a prompt or a token is named. */
  isFilled() {
    return this.fields.some(({input}) => input.value !== "");
  }

  /** What the address holds of the form. */
  parameters() {
    const fields = Object.fromEntries(this.fields.map(({key, input}) => [key, input.value === "" ? null : input.value]));
    const choices = Object.fromEntries(this.controls.map(({key}) => [key, null]));
    return {...choices, ...fields, ...Object.fromEntries(this.shown.map(({key}) => [key, this.value(key)]))};
  }

  /** The form as parts of a request. */
  request() {
    const made = {};
    for (const {key, input} of this.fields) {
      if (input.value !== "") {
        made[key] = key === "corrupted" ? this.context.live.promptOf(input.value) : tokenOf(input.value);
      }
    }
    for (const {key, flag} of this.shown) {
      if (!flag) {
        made[key] = this.value(key);
      } else if (this.value(key) === "1") {
        made[flag] = true;
      }
    }
    return made;
  }

  changed() {
    for (const {key, input} of this.fields) {
      typed[key] = input.value;
    }
    this.problem.hidden = true;
    this.told();
  }

  failed(problem) {
    this.problem.textContent = problem.message;
    this.problem.hidden = false;
  }
}
