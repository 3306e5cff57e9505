
"use strict";
(() => {
  const tables = [...document.querySelectorAll("table[data-board]")];
  const form = document.getElementById("filters");
  const field = (name) => document.getElementById(`filter-${name}`);
  const rowsOf = (table) => [...table.tBodies[0].rows];
  const verdicts = new Map(rowsOf(tables[0]).map((row) => [row.dataset.system, row]));
  const matrix = new Map(rowsOf(tables[1]).map((row) => [row.dataset.system, row]));

  const wordOf = (system, anomaly) => {
    const whole = verdicts.get(system).dataset.word;
    if (!anomaly) return whole;
    const cell = [...matrix.get(system).cells].find((each) => each.dataset.anomaly === anomaly);
    return cell ? cell.dataset.word : whole;
  };

  const fits = (system) => {
    const row = verdicts.get(system);
    const text = field("text").value.trim().toLowerCase();
    const verdict = field("verdict").value;
    const level = field("level").value;
    return (!text || row.textContent.toLowerCase().includes(text))
      && (!verdict || wordOf(system, field("anomaly").value) === verdict)
      && (!level || row.dataset.level === level);
  };

  const filter = () => {
    let count = 0;
    for (const [system, row] of verdicts) {
      const shown = fits(system);
      row.hidden = !shown;
      matrix.get(system).hidden = !shown;
      count += shown ? 1 : 0;
    }
    document.getElementById("shown").textContent = `${count} of ${verdicts.size} systems shown`;
  };

  const keyOf = (row, column) => {
    const cell = row.cells[Math.min(column, row.cells.length - 1)];
    return cell.dataset.sort ?? cell.textContent.trim();
  };

  const compare = (a, b) => a.localeCompare(b, "en", { numeric: true });

  const sort = (table, head) => {
    const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    const column = head.cellIndex;
    const order = rowsOf(table)
      .sort((a, b) => sign * compare(keyOf(a, column), keyOf(b, column)) || compare(keyOf(a, 0), keyOf(b, 0)))
      .map((row) => row.dataset.system);
    for (const each of document.querySelectorAll("th[aria-sort]")) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    for (const system of order) {
      tables[0].tBodies[0].append(verdicts.get(system));
      tables[1].tBodies[0].append(matrix.get(system));
    }
  };

  for (const table of tables) {
    for (const head of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.title = head.title ? `Sort by this: ${head.title}` : "Sort by this column";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, head));
      head.append(button);
    }
  }
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  form.hidden = false;
  filter();
})();
