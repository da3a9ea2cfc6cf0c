"use strict";

/* Sentences are in `words`, in the language of the page; {n} and the like are places in them. */
const say = (sentence, places) =>
  sentence.replace(/{(\w+)}/g, (_, name) => places[name]);

/* Light or dark: what the reader chose, else what the system prefers. */
const root = document.documentElement;
const theme = document.getElementById("theme");

function paint(dark) {
  root.style.colorScheme = dark ? "dark" : "light";
  theme.textContent = dark ? words.light : words.dark;
  theme.setAttribute("aria-pressed", dark);
}

function remembered(value) {
  try {
    if (value !== undefined) localStorage.setItem("theme", value);
    return localStorage.getItem("theme");
  } catch {
    return null; // a page opened from disk may have no storage
  }
}

const preferred = matchMedia("(prefers-color-scheme: dark)");
paint((remembered() ?? (preferred.matches ? "dark" : "light")) === "dark");
preferred.addEventListener("change", (event) => remembered() ?? paint(event.matches));
theme.addEventListener("click", () => {
  const dark = root.style.colorScheme !== "dark";
  paint(dark);
  remembered(dark ? "dark" : "light");
});

/* Looking around: choices pick rows, rows are drawn, listed, laid side by side or coloured. */
function rowsOf(content) {
  const columns = Object.entries(content.data).map(([name, c]) => [
    name,
    c.values ?? c.at.map((place) => (place < 0 ? null : c.of[place])),
  ]);
  return Floats.from({ length: content.rows }, (_, i) =>
    Object.fromEntries(columns.map(([name, values]) => [name, values[i]])),
  );
}

/* An empty cell fits every choice, and an empty choice every cell. */
const fits = (row, column, value) => value === "" || row[column] === null || row[column] === value;

function element(name, text, properties) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  return Object.assign(made, properties);
}

function shown(value, digits) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "number") return value;
  return (digits === null ? String(value) : value.toFixed(digits)).replace("-", "−");
}

function choose(form, choices, rows) {
  // each list offers what the choices before it leave, so that no choice is empty
  let left = rows;
  for (const { column, all } of choices) {
    const list = form.elements[column];
    const before = list.value;
    const values = [...new Set(left.map((row) => row[column]))].filter((value) => value !== null);
    list.replaceChildren(...(all ? [new Option(all, "")] : []));
    list.append(...values.map((value) => new Option(value, value)));
    if (values.includes(before)) list.value = before;
    list.disabled = values.length === 0;
    left = left.filter((row) => fits(row, column, list.value));
  }
  return left;
}

function compare(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  return typeof a === "number" ? a - b : a.localeCompare(b);
}

function fillTable(table, columns, rows, order, sortBy) {
  const head = element("tr");
  for (const { name, label } of columns) {
    const cell = element("th", undefined, { scope: "col" });
    if (name === order.column) cell.ariaSort = order.down ? "descending" : "ascending";
    cell.append(element("button", label, { type: "button", onclick: () => sortBy(name) }));
    head.append(cell);
  }
  const sign = order.down ? -1 : 1;
  const sorted = order.column
    ? [...rows].sort((a, b) => sign * compare(a[order.column], b[order.column]))
    : rows;
  const body = element("tbody");
  for (const row of sorted) {
    const line = element("tr");
    line.append(...columns.map((c) => element("td", shown(row[c.name], c.digits))));
    body.append(line);
  }
  const top = element("thead");
  top.append(head);
  table.replaceChildren(top, body);
}

/* The views of chosen rows, by name: each makes, for its box, a function that shows rows. */
const views = {
  table: () => () => {},

  chart(box, content) {
    let made;
    return (rows) => {
      if (made) return made.then(({ view }) => view.data("rows", rows).resize().runAsync());
      const config = { font: getComputedStyle(document.body).fontFamily };
      content.chart.datasets = { rows };
      made = vegaEmbed(box, content.chart, { actions: false, renderer: "svg", config });
      return made;
    };
  },

  cards(box, content) {
    return (rows) => box.replaceChildren(...rows.map((row) => card(row, content.columns)));
  },

  tokens(box) {
    return (rows) => box.replaceChildren(scale(), ...rows.map(sentence));
  },
};

function card(row, columns) {
  const made = element("article", undefined, { className: row.direction === null ? "alone" : "" });
  const numbers = columns
    .filter((c) => row[c.name] !== null)
    .map((c) => `${c.label} ${shown(row[c.name], c.digits)}`);
  made.append(
    element("h4", row.said),
    element("p", row.text || words.nothing),
    element("small", numbers.join(" · ")),
  );
  return made;
}

/* Colours end at this many standard deviations. */
const REACH = 3;

function coloured(name, text, value) {
  const made = element(name, text);
  if (value === null) made.className = "undefined";
  else {
    made.className = value < 0 ? "less" : "more";
    made.style.setProperty("--share", Math.min(Math.abs(value) / REACH, 1));
  }
  return made;
}

function scale() {
  const made = element("p", undefined, { className: "scale" });
  for (let value = -REACH; value <= REACH; value++) {
    made.append(coloured("span", ` ${value > 0 ? "+" : ""}${shown(value, 0)} `, value));
  }
  made.append(" ", words.scale);
  return made;
}

function sentence(row) {
  const made = element("p");
  made.append(element("b", row.class));
  row.tokens.forEach((text, i) => {
    const value = row.values[i];
    const token = coloured("span", visible(text), value);
    token.title = value === null ? words.undefined : shown(value, 2);
    made.append(token);
    if (text.endsWith("\n")) made.append(element("br"));
  });
  return made;
}

/* Line ends and other characters without a shape get one; spaces keep their width. */
const visible = (text) => text.replace(/\r?\n/g, "↵").replace(/\t/g, "⇥");

/* One row for each token of the sentences. */
const tokensOf = (rows) =>
  rows.flatMap((row) =>
    row.tokens.map((text, i) => ({
      class: row.class,
      place: i + 1,
      token: visible(text).replaceAll(" ", "␣"),
      value: row.values[i],
    })),
  );

const counted = { table: words.rows, chart: words.rows, cards: words.texts, tokens: words.sentences };

function open(section) {
  const content = JSON.parse(section.querySelector("script").textContent);
  const rows = rowsOf(content);
  const [form, count, table, details] = ["form", ".count", "table", "details"].map((q) =>
    section.querySelector(q),
  );
  const show = views[content.view](section.querySelector(`.${content.view}`), content);
  const order = { column: "", down: false };

  function sortBy(column) {
    order.down = order.column === column && !order.down;
    order.column = column;
    draw();
    const place = content.columns.findIndex((c) => c.name === column);
    table.querySelectorAll("th button")[place].focus();
  }

  function draw() {
    const chosen = choose(form, content.choices, rows);
    count.textContent = say(counted[content.view], { n: chosen.length, of: rows.length });
    show(chosen);
    // a table that is folded up is filled when it is opened
    if (table && (!details || details.open)) {
      const listed = content.view === "tokens" ? tokensOf(chosen) : chosen;
      fillTable(table, content.columns, listed, order, sortBy);
    }
  }

  form.addEventListener("change", draw);
  form.addEventListener("submit", (event) => event.preventDefault());
  details?.addEventListener("toggle", draw);
  draw();
}

/* A panel is opened when it comes near, so that a long page is there at once. */
const near = new IntersectionObserver(
  (seen) => {
    for (const { target, isIntersecting } of seen) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      open(target);
    }
  },
  { rootMargin: "800px" },
);
document.querySelectorAll(".panel").forEach((section) => near.observe(section));
