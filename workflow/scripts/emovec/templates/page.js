"use strict";

/* Light or dark: what the reader chose, else what the system prefers. */
const root = document.documentElement;
const theme = document.getElementById("theme");

function paint(dark) {
  root.style.colorScheme = dark ? "dark" : "light";
  theme.textContent = dark ? "Light" : "Dark";
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

/* Looking around: choices pick rows, rows are drawn, listed or laid side by side. */
function rowsOf(content) {
  const columns = Object.entries(content.data).map(([name, c]) => [
    name,
    c.values ?? c.at.map((place) => (place < 0 ? null : c.of[place])),
  ]);
  return Array.from({ length: content.rows }, (_, i) =>
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

function fillCards(box, columns, rows) {
  box.replaceChildren(
    ...rows.map((row) => {
      const card = element("article", undefined, {
        className: row.direction === null ? "alone" : "",
      });
      const numbers = columns
        .filter((c) => row[c.name] !== null)
        .map((c) => `${c.label} ${shown(row[c.name], c.digits)}`);
      card.append(
        element("h4", row.said),
        element("p", row.text || "(nothing)"),
        element("small", numbers.join(" · ")),
      );
      return card;
    }),
  );
}

function open(section) {
  const content = JSON.parse(section.querySelector("script").textContent);
  const rows = rowsOf(content);
  const form = section.querySelector("form");
  const [table, cards, chart] = ["table", ".cards", ".chart"].map((q) => section.querySelector(q));
  const count = section.querySelector(".count");
  const order = { column: "", down: false };
  let view = null;

  function sortBy(column) {
    order.down = order.column === column && !order.down;
    order.column = column;
    draw();
    const place = content.columns.findIndex((c) => c.name === column);
    table.querySelectorAll("th button")[place].focus();
  }

  function draw() {
    const chosen = choose(form, content.choices, rows);
    count.textContent = `${chosen.length} of ${rows.length} rows`;
    if (table) fillTable(table, content.columns, chosen, order, sortBy);
    if (cards) fillCards(cards, content.columns, chosen);
    view?.data("rows", chosen).resize().runAsync();
    return chosen;
  }

  form.addEventListener("change", draw);
  form.addEventListener("submit", (event) => event.preventDefault());
  const first = draw();
  if (chart) {
    content.chart.datasets = { rows: first };
    vegaEmbed(chart, content.chart, { actions: false, renderer: "svg" }).then((made) => {
      view = made.view;
      draw();
    });
  }
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
