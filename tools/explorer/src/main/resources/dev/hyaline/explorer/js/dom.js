/** Elements of a page. Text is always text: nothing here reads markup. */

/**
 * A new element. Attributes are set by name; one that is false or null is left out, one that is true is empty;
 * `onclick` and the like are listeners. Children are elements or text.
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) {
      made.addEventListener(key.slice(2), value);
    } else if (value !== false && value !== null && value !== undefined) {
      made.setAttribute(key, value === true ? "" : value);
    }
  }
  made.append(...children.flat().filter(child => child !== null && child !== undefined));
  return made;
}

/** A button. */
export function button(text, onclick, attributes = {}) {
  return element("button", {type: "button", onclick, ...attributes}, text);
}

/** A labelled choice among some values; `changed` is told the value chosen. Options are [value, text] pairs. */
export function choice(label, options, chosen, changed) {
  const select = element("select", {onchange: () => changed(select.value)},
    options.map(([value, text]) => element("option", {value, selected: value === chosen}, text)));
  return element("label", {class: "choice"}, element("span", {}, label), select);
}

/** A labelled tick box; `changed` is told whether it is ticked. */
export function tick(label, ticked, changed) {
  const box = element("input", {type: "checkbox", checked: ticked, onchange: () => changed(box.checked)});
  return element("label", {class: "choice"}, box, element("span", {}, label));
}

let ids = 0;

/** An id that no other element of the page has. */
export function newId(name) {
  return `${name}-${++ids}`;
}
