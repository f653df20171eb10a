// The views over all classes: the per-class table and the confusions.

import { byId, count, drawFacts, el, fraction, getJson, go, label, link, metricsOf, ofClass } from "./dom.js";

const NOTES = {
  segment: (summary) => "All of these are made of all pixels of the split together."
    + (summary.rule ? ` mIoU is the ${summary.rule}.` : "") + " The numbers at an image are of that image alone and go into none of them.",
  caption: (summary) => `The ${count(summary.table.length)} words that the references of most images have, of ${count(summary.n_words)}. `
    + "An image counts once for a word. Recall: of those whose references have the word, the share whose caption says it. "
    + "Precision: of those whose caption says it, the share with it in a reference.",
  spot: (summary) => (summary.table.length < summary.n_words
    ? `The ${count(summary.table.length)} words that are there most often, of ${count(summary.n_words)}. ` : "")
    + "Case is ignored. Recall: of the times that the truth has the word, the share "
    + (summary.reads ? "that was found and read right. False alarms: it was read where nothing is." : "that was found."),
};

export function showClasses(state, summary, kind) {
  drawFacts(byId("all-metrics"), metricsOf(summary));
  const note = NOTES[summary.task]?.(summary);
  byId("classes-note").hidden = !note;
  byId("classes-note").textContent = note ?? "";
  const columns = [kind.noun, ...summary.columns];
  const sort = columns.includes(state.sort) ? state.sort : null;
  const heads = columns.map((name) => {
    const direction = name === sort ? (state.dir === "up" ? "ascending" : "descending") : null;
    const next = direction === "descending" || (direction === null && name === kind.noun) ? "up" : "down";
    const press = () => go({ sort: name, dir: next }, { replace: true });
    return el("th", { scope: "col", "aria-sort": direction },
      el("button", { type: "button", "data-sort": name, onclick: press }, label(name)));
  });
  const rows = sorted(summary.table, columns.indexOf(sort), state.dir === "up" ? 1 : -1);
  byId("class-table").replaceChildren(
    el("thead", {}, el("tr", {}, ...heads)),
    el("tbody", {}, ...rows.map(([name, ...values]) => el("tr", {},
      el("th", { scope: "row" }, colourOf(name, summary), link(ofClass(name), {}, name)),
      ...values.map((value, k) => cell(summary.columns[k], value))))));
}

/** A mark in the colour that masks give the class, if there are masks. */
function colourOf(name, summary) {
  if (!summary.colours) return null;
  const mark = el("i", { class: "dot" });
  mark.style.background = `rgb(${summary.colours[summary.table.findIndex(([one]) => one === name)].join()})`;
  return mark;
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
  const isSegment = summary.task === "segment";
  const ofMistake = (labelled, answer) => isSegment ? ofClass(labelled) : ofClass(answer, { labelled });
  byId("confusions-note").textContent = isSegment
    ? "Each cell is the share of the pixels of the class on the left that the model takes for the class above. Choose one to see the images of the class on the left."
    : "Each cell counts the images of the class on the left that the model takes for the class above. Choose a cell to see them.";
  if (matrix !== null) drawMatrix(matrix, names, isSegment ? ofRow : count, ofMistake);
  byId("pairs").replaceChildren(...pairs.map(({ labelled, answer, n, of }) =>
    el("li", {}, link(ofMistake(labelled, answer), {}, `${labelled} taken for ${answer}`),
      el("span", { class: "quiet" }, ` ${count(n)} of ${count(of)}${isSegment ? " pixels" : ""}`))));
  if (!pairs.length) byId("pairs").replaceChildren(el("li", { class: "quiet" }, "There are none."));
}

const ofRow = (n, share) => share < 0.0005 ? "<0.1" : (share * 100).toFixed(1);

function drawMatrix(matrix, names, write, ofMistake) {
  const cells = (row, labelled) => row.map((n, k) => {
    const share = n / Math.max(1, row.reduce((sum, one) => sum + one));
    const title = `${labelled} taken for ${names[k]}: ${count(n)}`;
    const text = n ? link(ofMistake(labelled, names[k]), { title }, write(n, share)) : "·";
    const made = el("td", { class: names[k] === labelled ? "right" : "wrong" }, text);
    made.style.setProperty("--share", Math.sqrt(share)); // the root keeps rare mistakes visible
    return made;
  });
  byId("matrix").replaceChildren(
    el("caption", {}, write === ofRow ? "Rows: the target. Columns: the prediction. In percent of the row." : "Rows: the label. Columns: the model's answer."),
    el("thead", {}, el("tr", {}, el("td", {}), ...names.map((name) => el("th", { scope: "col", title: name }, el("span", {}, name))))),
    el("tbody", {}, ...matrix.map((row, k) =>
      el("tr", {}, el("th", { scope: "row" }, names[k]), ...cells(row, names[k])))));
}
