"use strict";
// Draws the matrix. All text is put on the page as text, never as HTML.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { states, columns, groups, cells, nodes, texts } = data;
  const CHUNK = 60; // rows that are drawn at once: more than fit on a screen

  // long names may break where their parts meet, never inside a word; short ones break at blanks
  const breakable = (text) => text.split(/(?<= )/).flatMap((word) => (word.length < 20 ? [word]
    : word.split(/(?<=[=/+])(?=[^=/+])|(?<=[.:])(?=[A-Za-z])/)
      .flatMap((part, number) => (number ? [document.createElement("wbr"), part] : [part]))));
  const plural = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

  const element = (tag, attributes = {}, ...inside) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...inside);
    return made;
  };

  // every row, once: its name, its cells by column, and whether they differ
  const rows = groups.flatMap(([group, members, always]) =>
    members.map(([name, numbers]) => ({
      group: texts[group], name: texts[name], lower: texts[name].toLowerCase(), numbers, always,
    })));

  const shown = { columns: columns.map(() => true), words: [], host: "", differing: false, state: "" };
  const states_of = (row) => row.numbers.map((number) => cells[number][0]);
  // facts that all columns share stand above the table, the others at each column
  const facts = columns.map(([, pairs]) => new Map(pairs.map(([k, v]) => [texts[k], texts[v]])));
  const common = [...(facts[0] || [])].filter(([k, v]) => facts.every((one) => one.get(k) === v));
  const own = (n) => [...facts[n]].filter(([k]) => !common.some(([name]) => name === k));
  // a column may stand for many hosts, which can be looked for by their names
  const hosts = columns.map(([, , names]) => names || []);
  const lower_hosts = hosts.map((names) => names.join("\n").toLowerCase());
  const matching = (n) => (shown.host ? hosts[n].filter((name) => name.toLowerCase().includes(shown.host)) : hosts[n]);
  let visible = [];
  let members = new Map();
  let drawn = 0;
  let waiting = 0;
  let current = null;

  // --- the page around the table
  const search = element("input", {
    type: "search", id: "search", placeholder: "Filter, such as video qxl",
    "aria-label": "Filter rows by words", autocomplete: "off",
  });
  const host = element("input", {
    type: "search", id: "host", placeholder: "Host, such as node-17",
    "aria-label": "Show only the columns of hosts with this name", autocomplete: "off",
  });
  const differing = element("input", { type: "checkbox", id: "differing" });
  const used = new Set(rows.flatMap(states_of));
  const legend = element("ul", { class: "legend", "aria-label": "Legend" },
    ...states.flatMap(([name, mark, tone], number) => (used.has(number) && mark
      ? [element("li", {}, element("span", { class: tone }, mark), ` ${name}`)] : [])));
  const state = element("select", { id: "state", "aria-label": "Only rows with this state" },
    element("option", { value: "" }, "any state"),
    ...states.map(([name, mark], number) =>
      element("option", { value: number }, `some ${mark} ${name}`)));
  const chooser = element("div", {}, ...columns.map(([name], number) =>
    element("label", {}, element("input", { type: "checkbox", checked: "", value: number }),
      ` ${texts[name]}`)));
  const theme = element("button", { type: "button", id: "theme" }, "Dark / light");
  const count = element("span", { class: "quiet", role: "status", id: "count" });
  const head = element("thead");
  const body = element("tbody");
  const table = element("table", { role: "grid", "aria-label": data.title }, head, body);
  const frame = element("div", { class: "frame", id: "frame" }, table);
  const aside = element("aside", { id: "detail", "aria-label": "Reason", tabindex: "-1", hidden: "" });
  document.getElementById("page").append(
    element("header", {},
      element("h1", {}, data.title),
      element("p", { class: "facts" }, ...common.flatMap(([k, v], number) =>
        [number ? " · " : "", `${k} `, element("b", {}, ...breakable(v))])),
      element("details", { class: "about" }, element("summary", {}, "How to read this page"),
        element("p", {}, data.about)),
      legend,
      element("div", { class: "tools", role: "search" }, search,
        ...(hosts.some((names) => names.length) ? [host] : []),
        element("label", {}, differing, " only differences"), state,
        element("details", { class: "columns" },
          element("summary", {}, "Columns"), chooser),
        theme, count)),
    frame, aside);

  // --- which rows
  const chosenColumns = () => columns.map((_, number) => number)
    .filter((n) => shown.columns[n] && (!shown.host || !hosts[n].length || lower_hosts[n].includes(shown.host)));
  const same = (one, other) => cells[one][0] === cells[other][0] && cells[one][1] === cells[other][1];
  const differs = (row, chosen) => chosen.some((n) => !same(row.numbers[n], row.numbers[chosen[0]]));

  const select = () => {
    const chosen = chosenColumns();
    visible = rows.filter((row) => {
      row.differs = differs(row, chosen);
      return shown.words.every((word) => row.lower.includes(word))
        && (!shown.differing || row.differs || row.always)
        && (shown.state === "" || chosen.some((n) => cells[row.numbers[n]][0] === shown.state));
    });
    const different = rows.filter((row) => row.differs).length;
    count.textContent = `${visible.length} of ${plural(rows.length, "row")} shown`
      + (chosen.length > 1 ? `; ${different} differ` : "")
      + (shown.host ? `; ${plural(chosen.reduce((sum, n) => sum + (hosts[n].length ? matching(n).length : 0), 0), "host")} found` : "");
    members = new Map();
    for (const row of rows) {
      const counts = members.get(row.group) || { all: 0, differ: 0 };
      counts.all += 1;
      counts.differ += row.differs ? 1 : 0;
      members.set(row.group, counts);
    }
    head.replaceChildren(element("tr", {}, element("th", { scope: "col" }, "Feature"),
      ...chosen.map((n) => element("th", {
        scope: "col", title: columns[n][1].map(([k, v]) => `${texts[k]}: ${texts[v]}`).join("\n"),
      }, ...breakable(texts[columns[n][0]]), ...own(n).filter(([, v]) => v !== texts[columns[n][0]])
        .map(([k, v]) => element("small", {}, `${k} `, ...breakable(v)))))));
    body.replaceChildren();
    if (!visible.length) body.append(nothing(chosen.length + 1));
    drawn = 0;
    current = null;
    draw();
    later();
  };

  const nothing = (width) => {
    const all = element("button", { type: "button" }, "Show all rows");
    all.addEventListener("click", reset);
    const why = shown.differing && !shown.words.length && shown.state === ""
      ? "The columns do not differ. "
      : `No row matches the filters${shown.differing ? ", of those that differ" : ""}. `;
    return element("tr", { class: "nothing" }, element("th", { colspan: width }, why, all));
  };

  const reset = () => {
    search.value = "";
    state.value = "";
    differing.checked = false;
    host.value = "";
    Object.assign(shown, { words: [], host: "", differing: false, state: "" });
    select();
    search.focus();
  };

  // --- drawing, some rows at a time
  const drawCell = (row, n) => {
    const [number, text] = cells[row.numbers[n]];
    const [name, mark, tone] = states[number];
    const content = texts[text];
    const drawnCell = element("td", {
      class: tone, tabindex: "-1", "aria-label": `${name} ${content}`.trim(),
    }, ...(mark ? [element("span", { class: "mark", "aria-hidden": "true" }, mark), " "] : []),
    ...breakable(content || (mark ? name : "")));
    drawnCell.domcaps = { row, column: n };
    return drawnCell;
  };

  const summary = ({ all, differ }, width) =>
    (width > 1 ? `${differ} of ${plural(all, "row")} differ` : plural(all, "row"));

  const draw = () => {
    const chosen = chosenColumns();
    const end = Math.min(drawn + CHUNK, visible.length);
    const made = document.createDocumentFragment();
    for (; drawn < end; drawn += 1) {
      const row = visible[drawn];
      if (drawn === 0 || visible[drawn - 1].group !== row.group) {
        made.append(element("tr", { class: "group" },
          element("th", { scope: "rowgroup", colspan: chosen.length + 1 },
            element("span", {}, row.group, " ", element("span", { class: "quiet" },
              summary(members.get(row.group), chosen.length))))));
      }
      made.append(element("tr", row.differs ? { class: "differs" } : {},
        element("th", { scope: "row" }, ...breakable(row.name)), ...chosen.map((n) => drawCell(row, n))));
    }
    body.append(made);
    if (!current) rove(body.querySelector("td"));
    if (drawn === visible.length && !performance.getEntriesByName("complete").length) {
      performance.mark("complete");
    }
  };

  const later = () => {
    if (waiting || drawn >= visible.length) return;
    const idle = window.requestIdleCallback || ((call) => setTimeout(call, 20));
    // a browser on a busy machine is never idle: draw the next rows then all the same
    waiting = idle(() => { waiting = 0; draw(); later(); }, { timeout: 100 });
  };

  frame.addEventListener("scroll", () => {
    const near = frame.scrollTop + 2 * frame.clientHeight > table.clientHeight;
    if (near && drawn < visible.length) draw();
  }, { passive: true });

  // --- the reason of a cell
  const tree = (number, open) => {
    const [stateNumber, text, source, below] = nodes[number];
    const [name, mark, tone] = states[stateNumber];
    const line = [element("span", { class: tone, "aria-label": name }, mark), ` ${texts[text]} `];
    if (texts[source]) line.push(element("code", {}, texts[source]));
    if (!below.length) return element("div", { class: "leaf" }, ...line);
    const made = element("details", {}, element("summary", {}, ...line));
    // what is below is drawn when it is first opened
    made.addEventListener("toggle", () => {
      if (made.open && made.children.length === 1) made.append(...below.map((n) => tree(n, false)));
    });
    if (open) {
      made.append(...below.map((n) => tree(n, true)));
      made.open = true;
    }
    return made;
  };

  const NAMED = 60; // names of hosts that are listed
  const listed = (n) => {
    const found = matching(n);
    if (!found.length) return [];
    const more = found.length > NAMED ? ` and ${found.length - NAMED} more` : "";
    return [element("h3", {}, plural(found.length, "host")),
      element("p", { class: "hosts" }, `${found.slice(0, NAMED).join(", ")}${more}`)];
  };

  const show = ({ row, column }) => {
    const [stateNumber, text, blocks] = cells[row.numbers[column]];
    const [name, mark, tone] = states[stateNumber];
    const close = element("button", { type: "button", class: "close" }, "Close (Esc)");
    close.addEventListener("click", hide);
    aside.replaceChildren(close,
      element("h2", {}, row.name),
      element("p", {}, element("span", { class: tone }, `${mark} ${name}`),
        texts[text] ? ` ${texts[text]}` : ""),
      element("p", {}, element("b", {}, texts[columns[column][0]])),
      element("ul", { class: "quiet" }, ...columns[column][1].map(([k, v]) =>
        element("li", {}, `${texts[k]}: ${texts[v]}`))),
      ...blocks.flatMap(([heading, lines, root]) => [
        element("h3", {}, texts[heading]),
        ...(lines.length
          ? [element("ul", {}, ...lines.map((line) => element("li", {}, texts[line])))] : []),
        ...(root < 0 ? [] : [tree(root, true)]),
      ]),
      ...listed(column));
    aside.hidden = false;
    for (const old of body.querySelectorAll("[aria-selected]")) old.removeAttribute("aria-selected");
    if (current) current.setAttribute("aria-selected", "true");
  };

  const hide = () => {
    aside.hidden = true;
    if (current) {
      current.removeAttribute("aria-selected");
      current.focus();
    }
  };

  // --- keys: one cell can be reached with Tab, arrows go on from there
  const rove = (cell) => {
    if (!cell) return;
    if (current) current.tabIndex = -1;
    current = cell;
    current.tabIndex = 0;
  };

  const beside = (cell, down) => {
    const place = cell.cellIndex;
    let row = cell.parentElement;
    do {
      if (down > 0 && !row.nextElementSibling) draw();
      row = down > 0 ? row.nextElementSibling : row.previousElementSibling;
    } while (row && row.classList.contains("group"));
    return row && row.cells[place];
  };

  const moves = {
    ArrowRight: (cell) => cell.nextElementSibling,
    ArrowLeft: (cell) => cell.cellIndex > 1 && cell.previousElementSibling,
    ArrowDown: (cell) => beside(cell, 1),
    ArrowUp: (cell) => beside(cell, -1),
    Home: (cell) => cell.parentElement.cells[1],
    End: (cell) => cell.parentElement.lastElementChild,
  };

  body.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td");
    if (!cell || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      show(cell.domcaps);
      aside.focus();
    } else if (moves[event.key]) {
      event.preventDefault();
      const next = moves[event.key](cell);
      if (!next) return;
      rove(next);
      next.focus();
      if (!aside.hidden) show(next.domcaps);
    }
  });

  body.addEventListener("click", (event) => {
    const cell = event.target.closest("td");
    if (!cell) return;
    rove(cell);
    show(cell.domcaps);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !aside.hidden) hide();
    if (event.key === "/" && !/^(INPUT|SELECT)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      search.focus();
    }
  });

  // --- filters
  search.addEventListener("input", () => {
    shown.words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    select();
  });
  host.addEventListener("input", () => { shown.host = host.value.trim().toLowerCase(); select(); });
  differing.addEventListener("change", () => { shown.differing = differing.checked; select(); });
  state.addEventListener("change", () => {
    shown.state = state.value === "" ? "" : Number(state.value);
    select();
  });
  chooser.addEventListener("change", (event) => {
    shown.columns[Number(event.target.value)] = event.target.checked;
    select();
  });
  theme.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  // a page opens on what differs; where nothing does, or there is nothing to compare, on everything
  shown.differing = rows.some((row) => differs(row, chosenColumns()));
  differing.checked = shown.differing;
  differing.disabled = columns.length < 2;
  select();
  performance.mark("ready");
})();
