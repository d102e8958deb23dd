/** Studies of a live page: a form of a pair of prompts, which runs as a job, and its result below. */

import {element} from "./dom.js";
import {JobBar} from "./job.js";
import {PairForm} from "./pair.js";

/**
 * Draws the form of a study, and its result when there is one.
 *
 * @param first the view without a result, which has the form
 * @param view its name in a request
 * @param controls of the form, the first of which an address names where the study was asked for
 * @param text of the form's button
 * @param hint what to do first
 * @param note what to do with a view that was drawn; null for nothing
 * @param forgotten parameters of an address that belong to one result
 * @param draw draws a view into an element, in a context, for its request; gives what `render` returns. It is also given
 *   a function that tells of a problem
 */
export function renderStudy(root, first, context, {view, controls, text, hint, note = () => null, forgotten, draw}) {
  const results = element("div", {class: "results"}, element("p", {class: "note"}, hint));
  let shown = first;
  let control = null;
  const failed = problem => form.failed(problem);
  const form = new PairForm(context, {compared: first.data.form.compared, corrupted: true, controls, told: () => ask(), text});
  const job = new JobBar(context, {
    done: (made, request) => {
      shown = made;
      const body = element("div");
      const advice = note(made);
      results.replaceChildren(...[element("h3", {}, made.title), advice ? element("p", {class: "note"}, advice) : null, body]
        .filter(Boolean));
      control = draw(body, made, {...context, get address() {
        return context.address;
      }}, request, failed);
      context.announce(`${made.title} is there`);
    },
    failed,
  });
  const run = () => job.run({view, ...form.request()});

  function ask() {
    // The prompt too, so that one comes back to the result from a view of another prompt.
    context.navigate({...form.parameters(), prompt: context.live.promptText(),
      ...Object.fromEntries(forgotten.map(name => [name, null]))});
    run();
  }

  function open(address) {
    if (address.prompt && !context.live.isPrompt(address.prompt)) {
      context.live.setPrompt(address.prompt);
      return;
    }
    form.fill(address);
    if (address[controls[0].key]) {
      run();
    }
  }

  root.replaceChildren(form.root, job.root, results);
  open(context.address);
  return {update: open, csv: () => control?.csv() ?? [], command: () => shown.command, java: () => shown.java};
}
