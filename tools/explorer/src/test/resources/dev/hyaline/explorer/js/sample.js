/** A view for tests of the frame: a grid of its numbers. */

import {diverging, legend} from "./colour.js";
import {element} from "./dom.js";
import {dataGrid} from "./grid.js";
import {figure} from "./number.js";
import {tips} from "./tip.js";
import {tokenText} from "./token.js";

export const label = "Sample";
export const help = "Numbers of a test. They are what the test gave.";

export function render(root, view, context) {
  const {floats, doubles, wholes, shorts, bytes, words, nested} = view.data;
  const arrays = {floats, doubles, wholes, shorts, bytes, inner: nested.inner[0].numbers};
  const names = Object.keys(arrays);
  const scale = diverging(2);
  const chosen = element("output", {id: "chosen"}, context.address.at ?? "none");
  const grid = dataGrid({
    label: "Sample numbers",
    columns: ["0", "1", "2"],
    rows: names,
    cell(cell, row, column) {
      const value = arrays[names[row]][column];
      cell.textContent = figure(value);
      scale.paint(cell, value);
    },
    chosen(row, column) {
      chosen.textContent = `${names[row]}.${column}`;
      context.navigate({at: chosen.textContent});
      context.announce(`chosen ${chosen.textContent}`);
    },
  });
  tips(grid, "td[data-row]", cell => `exactly ${cell.dataset.value}`);
  root.append(grid, legend(scale, "value"), chosen,
    element("p", {id: "words"}, words.join("|")),
    element("p", {id: "tokens"}, view.prompt.tokens.map(tokenText).join("|")));
  return {
    csv: () => [["name", "0", "1", "2"], ...names.map(name => [name, ...arrays[name]])],
    command: context.address.at === undefined ? undefined : () => `${view.command} --at ${context.address.at}`,
  };
}
