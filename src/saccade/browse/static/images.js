// The view of images: the cut through the ranking, the filters, the grid, the pages.

import { byId, count, el, fraction, getJson, go, link, many, readState } from "./dom.js";

const FILTERS = {
  class: { all: "All", hits: "Hits", misses: "Misses", false_alarms: "False alarms" },
  multilabel: { all: "All", hits: "All right", misses: "With misses", false_alarms: "With false alarms" },
  classify: { all: "All", hits: "Right", misses: "Wrong" },
};
const ORDERS = { best: "best score first", worst: "worst score first", loss: "worst loss first", least_loss: "least loss first" };
const MARKS = { hit: "✓ hit", miss: "✗ miss", "false alarm": "! false alarm", ignored: "◌ ignored", rejected: "" };
const TARGETS = { hit: "present", miss: "present", "false alarm": "absent", rejected: "absent", ignored: "ignored" };

let shown = { key: "", rows: [], pages: 1, page: 1 };

export const imagesOnPage = () => shown;

/** What to ask the server for in this state. */
export function query(state) {
  return {
    class: state.class, order: state.order, show: state.show, page: state.page, t: state.t, labelled: state.labelled,
  };
}

export async function showImages(state, summary) {
  const page = await getJson(`/api/${encodeURIComponent(summary.evaluation)}/images`, query(state));
  document.body.classList.toggle("one-class", state.class !== null);
  drawTitle(state, summary, page);
  drawControls(state, summary, page);
  byId("cut").hidden = state.class === null;
  if (state.class !== null) drawCut(state, summary, page);
  drawGrid(state, summary, page);
  shown = { key: shown.key, rows: page.tiles.map((tile) => tile.row), page: page.page, pages: page.pages };
}

function drawTitle(state, summary, page) {
  byId("title").textContent = byId("chosen").textContent = state.class ?? "All classes";
  const row = summary.table.find(([name]) => name === state.class);
  const parts = row === undefined
    ? [`${count(summary.n)} images, ${many(summary.table.length, "class", "classes")}`]
    : [`${count(page.numbers.positives)} of ${count(page.numbers.ranked)} images show it`];
  if (page.ignored) parts.push(`${count(page.ignored)} ignored as difficult`);
  byId("subtitle").textContent = parts.join(" · ");
  const facts = row === undefined
    ? Object.entries(summary.metrics).slice(0, 4)
    : summary.columns.map((name, k) => [name, row[k + 1]]).filter(([name]) => name === "ap" || name === "auroc");
  drawFacts(byId("headline"), facts);
}

export function drawFacts(list, facts) {
  const LABELLED = facts.map(([name, value]) =>
    el("div", {}, el("dt", {}, labelOf(name)), el("dd", {}, fraction(value))));
  list.replaceChildren(...LABELLED);
}
