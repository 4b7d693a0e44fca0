/* SPDX-License-Identifier: GPL-3.0-or-later */
"use strict";
/* A number with what follows it: "79.1 memory", "32K", "0.307 [0.278, 0.335]"; else the text. */
function key(row, column) {
  const cell = row.cells[column];
  const text = (cell.querySelector("summary") || cell).textContent.trim();
  const match = /^(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)([KMGT]?)(?= |$)/.exec(text);
  return {text, number: match ? match[1] * 1024 ** " KMGT".indexOf(match[2] || " ") : NaN};
}
function compare(a, b) {
  const numbers = Number.isFinite(a.number) && Number.isFinite(b.number);
  return numbers ? a.number - b.number : a.text.localeCompare(b.text);
}
function sortable(table) {
  const body = table.tBodies[0], heads = Array.from(table.tHead.rows[0].cells);
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      const keyed = Array.from(body.rows, row => ({row, key: key(row, column)}));
      keyed.sort((a, b) => {
        if (!a.key.text || !b.key.text) /* what was not measured comes last */
          return !a.key.text - !b.key.text;
        return down ? compare(b.key, a.key) : compare(a.key, b.key);
      });
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      body.append(...keyed.map(item => item.row));
    });
  });
}
function filterable(table) {
  const rows = Array.from(table.tBodies[0].rows), line = document.createElement("p");
  const label = document.createElement("label"), input = document.createElement("input");
  const count = document.createElement("output");
  if (rows.length < 4)
    return;
  line.className = "filter";
  label.append("Only rows with ", input);
  input.type = "search";
  input.setAttribute("aria-label", "Only rows with these words: " + table.caption.textContent);
  line.append(label, count);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/);
    rows.forEach(row => {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every(word => text.includes(word));
    });
    count.textContent = rows.filter(row => !row.hidden).length + " of " + rows.length + " rows";
  });
  table.parentElement.before(line);
}
document.querySelectorAll("table.sort").forEach(table => {
  sortable(table);
  filterable(table);
});
/* Paper cannot be opened. */
let opened = [];
addEventListener("beforeprint", () => {
  opened = Array.from(document.querySelectorAll("details:not([open])"));
  opened.forEach(item => { item.open = true; });
});
addEventListener("afterprint", () => opened.forEach(item => { item.open = false; }));
