/* Filters and sorts the rows of a grid. Without it all rows are shown, and the controls are hidden.
   The selection is stored in the URL fragment, so that it can be shared and works with the history;
   the fragment may also be the anchor of one bucket, as in links from other pages. The search text
   may be a client's name, so it is not in the URL but in the history entry's state. */
(() => {
  const form = document.querySelector("form[data-filters]");
  const table = document.querySelector("table[data-rows]");
  if (!form || !table) return;
  const shown = document.querySelector("[data-shown]");
  /* A bucket begins with the block that has its id and continues in blocks without an id. */
  const blocks = [...table.tBodies];
  const parts = blocks.filter((block) => block.id);
  let last;
  const partOf = new Map(blocks.map((block) => [block, last = block.id ? block : last]));
  const heads = [...table.tHead.rows[0].cells];
  const kinds = heads.map((head) => head.dataset.kind);
  const dayColumn = kinds.indexOf("day");
  const number = new Intl.NumberFormat("pt-BR");
  const {compare} = new Intl.Collator("pt-BR", {numeric: true, sensitivity: "base"});
  const tidy = (text) => text.replace(/\s+/g, " ").trim();
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const machine = (text) => text.replace(/^.*?(\d\d)\/(\d\d)\/(\d{4}) ?([\d:]*).*$/, "$3-$2-$1 $4").trim();

  /* The rows in the order of the page, with their cell texts cached as they are read. */
  const rows = blocks.flatMap((block) => Array.from(block.querySelectorAll("tr:not(.bucket)"),
    (row) => ({row, block, part: partOf.get(block), cells: [], ids: {}, keys: []})));
  const cellOf = (entry, column) => entry.cells[column] ??= tidy(entry.row.children[column].textContent);
  const idOf = (entry, column) => column in entry.ids ? entry.ids[column]
    : entry.ids[column] = entry.row.children[column].getAttribute("data-id");
  const keyOf = (entry, column) => entry.keys[column] ??= kinds[column]
    ? machine(cellOf(entry, column)) : cellOf(entry, column);
  const textOf = (entry) => entry.text ??=
    plain(heads.map((head, column) => cellOf(entry, column)).join(" "));

  /* The selection in the URL; null if the fragment is an anchor outside the rows. */
  const asked = () => {
    const hash = location.hash.slice(1);
    if (hash.includes("=")) return new URLSearchParams(hash);
    if (parts.some((part) => part.id === hash)) return new URLSearchParams({parte: hash});
    return hash === "" || hash === "linhas" ? new URLSearchParams() : null;
  };

  const days = (choice) => {
    const {today, yesterday} = form.dataset;
    const from = choice.get("de") || "", to = choice.get("ate") || "9999-12-31";
    return {hoje: [today, today], ontem: [yesterday, yesterday], intervalo: [from, to]}[choice.get("contato")];
  };

  const conditions = (choice) => {
    const found = [];
    const range = days(choice);
    if (range) found.push((entry) => keyOf(entry, dayColumn) >= range[0] && keyOf(entry, dayColumn) <= range[1]);
    for (const select of form.querySelectorAll("select[data-column]")) {
      const column = Number(select.dataset.column);
      if (!select.value) continue;
      const wanted = "none" in select.selectedOptions[0].dataset ? null : select.value;
      found.push((entry) => idOf(entry, column) === wanted);
    }
    const part = choice.get("parte");
    if (part) found.push((entry) => entry.part.id === part);
    const words = plain(choice.get("procurar") || "").split(" ").filter(Boolean);
    if (words.length) found.push((entry) => words.every((word) => textOf(entry).includes(word)));
    return found;
  };

  const show = (choice) => {
    const wanted = conditions(choice);
    const left = new Map(blocks.map((block) => [block, 0]));
    const some = new Set();
    let count = 0;
    for (const entry of rows) {
      const hidden = !wanted.every((holds) => holds(entry));
      if (entry.hidden !== hidden) entry.row.hidden = entry.hidden = hidden;
      if (hidden) continue;
      count += 1;
      some.add(entry.part);
      left.set(entry.block, left.get(entry.block) + 1);
    }
    for (const [block, lines] of left) {
      block.hidden = !(block.id ? some.has(block) : lines);
      /* The estimated height while it is outside the viewport. */
      block.style.containIntrinsicBlockSize = `${2.9 * lines + (block.id ? 2 : 0)}rem`;
    }
    shown.textContent = shown.dataset.shown.replace("{shown}", number.format(count))
      .replace("{all}", number.format(rows.length));
  };

  /* Sorts within each bucket. */
  let sorted = "";
  const sort = (order) => {
    if (order === sorted) return;
    sorted = order;
    const column = Math.abs(Number(order)) - 1, sign = Math.sign(Number(order));
    heads.forEach((head, place) => {
      if (place === column) head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
    const entries = [...rows], dealing = [];
    if (heads[column]) {
      const less = kinds[column] ? (one, other) => (one > other) - (one < other) : compare;
      entries.sort((one, other) => sign * less(keyOf(one, column), keyOf(other, column)));
    }
    for (const part of parts) {
      const own = entries.filter((entry) => entry.part === part);
      for (const block of blocks.filter((one) => partOf.get(one) === part)) {
        const dealt = own.splice(0, block.rows.length - (block.id ? 1 : 0));
        for (const entry of dealt) entry.block = block;
        dealing.push([block, dealt.map((entry) => entry.row)]);
      }
    }
    for (const [block, dealt] of dealing) block.append(...dealt);
  };

  const apply = () => {
    const choice = asked();
    if (!choice) return;
    choice.set("procurar", history.state?.sought || "");
    for (const control of form.elements) {
      const value = control.name ? choice.get(control.name) || "" : control.value;
      if (control.value !== value) control.value = value;
    }
    const campaign = form.elements.campanha?.value ?? "";
    for (const group of form.querySelectorAll("select[data-within] optgroup")) {
      const other = campaign !== "" && group.dataset.id !== campaign;
      if (group.hidden !== other) group.hidden = group.disabled = other;
    }
    for (const label of form.querySelectorAll("[data-range]")) {
      label.hidden = form.elements.contato?.value !== "intervalo";
    }
    sort(choice.get("ordem") || "");
    show(choice);
  };

  const go = (hash, sought, replaces) => {
    const stays = hash === location.hash;
    if (!stays && replaces) location.replace(hash);
    else if (!stays) location.hash = hash;
    history.replaceState({sought}, "");
    if (stays) apply();
  };

  const write = (replaces) => {
    const choice = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    const sought = choice.get("procurar") || "";
    choice.delete("procurar");
    if (sorted) choice.set("ordem", sorted);
    go(`#${choice.size ? choice : "tudo="}`, sought, replaces);
  };

  heads.forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const order = String(place + 1);
      sort(sorted === order ? `-${order}` : sorted === `-${order}` ? "" : order);
      write(false);
    });
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => { sort(""); go("#tudo=", "", false); });
  form.addEventListener("input", (event) => {
    if (event.target.name === "campanha") form.elements.evento.value = "";
    write(event.target.type === "search");
  });
  addEventListener("hashchange", apply);
  /* Read cell texts while idle, so that the first search is fast. */
  let ahead = 0;
  const read = (idle) => {
    while (ahead < rows.length && idle.timeRemaining() > 1) textOf(rows[ahead++]);
    if (ahead < rows.length) requestIdleCallback(read);
  };
  if (window.requestIdleCallback) requestIdleCallback(read);
  form.hidden = false;
  table.classList.add("live");
  apply();
})();
