// The filter of the table of claims.  The fragment of the address remembers it, so that it can be sent to others.
"use strict";

(() => {
  const form = document.querySelector("form.filter");
  const rows = [...document.querySelectorAll("table.claims tbody tr")];
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const fits = {
    words: (row, wanted) => wanted.toLowerCase().split(/\s+/).every((word) => words.get(row).includes(word)),
    kind: (row, wanted) => row.dataset.kind === wanted,
    question: (row, wanted) => row.dataset.question === wanted,
    slot: (row, wanted) => row.dataset.slot.split(" ").includes(wanted),
    outcome: (row, wanted) => row.dataset.outcome === wanted,
  };

  const filter = () => {
    const wanted = [...new FormData(form)].filter(([, value]) => value.trim());
    for (const row of rows) row.hidden = !wanted.every(([name, value]) => fits[name](row, value.trim()));
    const shown = rows.filter((row) => !row.hidden).length;
    form.querySelector("output").textContent = `${shown} of ${rows.length}`;
    history.replaceState(null, "", `#${new URLSearchParams(wanted)}`);
  };

  const recall = () => {
    const wanted = new URLSearchParams(location.hash.slice(1));
    for (const field of form.elements) if (field.name) field.value = wanted.get(field.name) ?? "";
    filter();
  };

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", filter);
  addEventListener("hashchange", recall);
  recall();
})();
