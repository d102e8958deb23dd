/** Grids for the keyboard: one cell has the focus, arrows move it. A table with the roles of an ARIA grid. */

import {element} from "./dom.js";

/**
 * Makes elements in rows one stop of the Tab key, among which arrows, Home, End and Page move; with Control, Home and
 * End go to the first and last of all.
 *
 * @param root which holds them
 * @param rows gives the elements, an array of arrays, missing ones null
 */
export function roving(root, rows) {
  const all = () => rows().flat().filter(Boolean);
  const first = all()[0];
  all().forEach(cell => cell.tabIndex = cell === first ? 0 : -1);
  const stop = cell => {
    all().forEach(other => other.tabIndex = other === cell ? 0 : -1);
  };
  root.addEventListener("focusin", event => {
    const cell = all().find(one => one === event.target);
    if (cell) {
      stop(cell);
    }
  });
  root.addEventListener("keydown", event => {
    if (event.altKey || event.metaKey) {
      return;
    }
    const grid = rows();
    const row = grid.findIndex(cells => cells.includes(event.target));
    if (row < 0) {
      return;
    }
    const column = grid[row].indexOf(event.target);
    const cell = target(grid, row, column, event);
    if (cell) {
      event.preventDefault();
      cell.focus();
      cell.scrollIntoView({block: "nearest", inline: "nearest"});
    }
  });
}

function target(grid, row, column, event) {
  const step = (down, right) => {
    let [r, c] = [row + down, column + right];
    while (r >= 0 && r < grid.length && c >= 0 && c < grid[r].length) {
      if (grid[r][c]) {
        return grid[r][c];
      }
      [r, c] = [r + down, c + right];
    }
    return null;
  };
  const present = cells => cells.filter(Boolean);
  switch (event.key) {
    case "ArrowUp": return step(-1, 0);
    case "ArrowDown": return step(1, 0);
    case "ArrowLeft": return step(0, -1);
    case "ArrowRight": return step(0, 1);
    case "Home": return event.ctrlKey ? present(grid.flat())[0] : present(grid[row])[0];
    case "End": return event.ctrlKey ? present(grid.flat()).at(-1) : present(grid[row]).at(-1);
    case "PageUp": return present(grid.map(cells => cells[column]))[0];
    case "PageDown": return present(grid.map(cells => cells[column])).at(-1);
    default: return null;
  }
}

/**
 * A table whose cells are reached by arrows.
 *
 * @param label what the grid shows, for those who cannot see it
 * @param columns headings, elements or text
 * @param rows headings, elements or text
 * @param cell fills a `td` for a row and a column; may leave it empty
 * @param chosen told the row and the column when a cell is clicked or Enter or Space pressed; optional
 */
export function dataGrid({label, corner = "", columns, rows, cell, chosen}) {
  const cells = [];
  const body = element("tbody", {});
  rows.forEach((heading, r) => {
    const line = columns.map((_, c) => {
      const data = element("td", {role: "gridcell", "data-row": r, "data-column": c});
      cell(data, r, c);
      return data;
    });
    cells.push(line);
    body.append(element("tr", {role: "row"}, element("th", {role: "rowheader", scope: "row"}, heading), line));
  });
  const table = element("table", {role: "grid", class: "grid", "aria-label": label},
    element("thead", {}, element("tr", {role: "row"}, element("td", {class: "corner"}, corner),
      columns.map(heading => element("th", {role: "columnheader", scope: "col"}, heading)))),
    body);
  roving(table, () => cells);
  if (chosen) {
    const choose = event => {
      const data = event.target.closest("td[data-row]");
      if (data && (event.type === "click" || event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        chosen(Number(data.dataset.row), Number(data.dataset.column), event);
      }
    };
    table.addEventListener("click", choose);
    table.addEventListener("keydown", choose);
  }
  return table;
}
