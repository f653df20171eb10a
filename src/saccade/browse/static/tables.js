// The views over all classes: the per-class table and the confusions.

import { byId, count, drawFacts, el, fraction, getJson, go, label, link, metricsOf, readState } from "./dom.js";

const ofClass = (name, more = {}) =>
  ({ view: "images", class: name, page: 1, show: "all", order: null, labelled: null, ...more });

export function showClasses(state, summary) {
  drawFacts(byId("all-metrics"), metricsOf(summary));
  const columns = ["class", ...summary.columns];
  const sort = columns.includes(state.sort) ? state.sort : null;
  const heads = columns.map((name) => {
    const direction = name === sort ? (state.dir === "up" ? "ascending" : "descending") : null;
    const next = direction === "descending" || (direction === null && name === "class") ? "up" : "down";
    const press = () => go({ sort: name, dir: next }, { replace: true });
    return el("th", { scope: "col", "aria-sort": direction },
      el("button", { type: "button", "data-sort": name, onclick: press }, label(name)));
  });
  const rows = sorted(summary.table, columns.indexOf(sort), state.dir === "up" ? 1 : -1);
  byId("class-table").replaceChildren(
    el("thead", {}, el("tr", {}, ...heads)),
    el("tbody", {}, ...rows.map(([name, ...values]) => el("tr", {},
      el("th", { scope: "row" }, link(ofClass(name), {}, name)),
      ...values.map((value, k) => cell(summary.columns[k], value))))));
}

function cell(column, value) {
  if (column.startsWith("n_")) return el("td", {}, count(value));
  const made = el("td", { class: value === null ? null : "share" }, fraction(value));
  if (value !== null) made.style.setProperty("--share", value);
  return made;
}

/** Rows by one column; undefined numbers stay at the end either way, and equal ones in class order. */
function sorted(rows, column, sign) {
  if (column < 0) return rows;
  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
  return [...rows].sort(({ [column]: a }, { [column]: b }) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * compare(a, b);
  });
}

export async function showConfusions(summary) {
  const { matrix, pairs } = await getJson(`/api/${encodeURIComponent(summary.evaluation)}/confusion`);
  const names = summary.table.map(([name]) => name);
  byId("matrix").hidden = matrix === null;
  if (matrix !== null) drawMatrix(matrix, names);
  byId("pairs").replaceChildren(...pairs.map(({ labelled, answer, n, of }) =>
    el("li", {}, link(ofClass(answer, { labelled }), {}, `${labelled} taken for ${answer}`),
      el("span", { class: "quiet" }, ` ${count(n)} of ${count(of)}`))));
  if (!pairs.length) byId("pairs").replaceChildren(el("li", { class: "quiet" }, "There are none."));
}

function drawMatrix(matrix, names) {
  const cells = (row, labelled) => row.map((n, k) => {
    const text = n ? link(ofClass(names[k], { labelled }), { title: `${labelled} taken for ${names[k]}` }, count(n)) : "·";
    const made = el("td", { class: names[k] === labelled ? "right" : "wrong" }, text);
    const share = n / Math.max(1, row.reduce((sum, one) => sum + one));
    made.style.setProperty("--share", Math.sqrt(share)); // the root keeps rare mistakes visible
    return made;
  });
  byId("matrix").replaceChildren(
    el("caption", {}, "Rows: the label. Columns: the model's answer."),
    el("thead", {}, el("tr", {}, el("td", {}), ...names.map((name) => el("th", { scope: "col", title: name }, el("span", {}, name))))),
    el("tbody", {}, ...matrix.map((row, k) =>
      el("tr", {}, el("th", { scope: "row" }, names[k]), ...cells(row, names[k])))));
}
