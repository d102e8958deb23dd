/**
 * A box that says the number behind a colour, beside what is pointed at or has the focus. Escape closes it, and the
 * pointer may enter it.
 */

import {element, newId} from "./dom.js";

const box = element("div", {class: "tip", role: "tooltip", id: newId("tip"), hidden: true});
let shownFor = null;

function hide() {
  box.hidden = true;
  shownFor?.removeAttribute("aria-describedby");
  shownFor = null;
}

function show(target, content) {
  if (content === null || content === undefined) {
    hide();
    return;
  }
  if (!box.isConnected) {
    document.body.append(box);
  }
  shownFor?.removeAttribute("aria-describedby");
  shownFor = target;
  target.setAttribute("aria-describedby", box.id);
  box.replaceChildren(...[content].flat());
  box.hidden = false;
  const [at, size] = [target.getBoundingClientRect(), box.getBoundingClientRect()];
  const left = Math.min(Math.max(4, at.left), innerWidth - size.width - 4);
  const below = at.bottom + size.height + 8 < innerHeight || at.top < size.height + 8;
  box.style.left = `${Math.max(4, left)}px`;
  box.style.top = `${below ? at.bottom + 6 : at.top - size.height - 6}px`;
}

addEventListener("keydown", event => {
  if (event.key === "Escape" && !box.hidden) {
    hide();
  }
});
addEventListener("scroll", hide, {capture: true, passive: true});

/**
 * Shows a box for elements inside `root` that match a selector. `describe` gives the text or the elements for one of
 * them, or null for none.
 */
export function tips(root, selector, describe) {
  const over = event => {
    const target = event.target.closest?.(selector);
    if (target && root.contains(target)) {
      if (target !== shownFor) {
        show(target, describe(target));
      }
    } else if (shownFor && root.contains(shownFor) && !box.contains(event.target)) {
      hide();
    }
  };
  root.addEventListener("pointerover", over);
  root.addEventListener("focusin", over);
  root.addEventListener("pointerleave", event => {
    if (!box.contains(event.relatedTarget)) {
      hide();
    }
  });
  root.addEventListener("focusout", hide);
}

/** Closes the box, as when its view is left. */
export const closeTip = hide;
