// The view of images: the cut through a class's ranking, the filters, the grid, the pages.

import { afterDrawing, byId, count, drawFacts, el, fraction, getJson, go, link, many, metricsOf, readState } from "./dom.js";

const FILTERS = {
  class: { all: "All", hits: "Hits", misses: "Misses", false_alarms: "False alarms", ignored: "Ignored" },
  multilabel: { all: "All", hits: "All right", misses: "With misses", false_alarms: "With false alarms" },
  classify: { all: "All", hits: "Right", misses: "Wrong" },
};
const ORDERS = { best: "Best score", worst: "Worst score", loss: "Worst loss", least_loss: "Least loss" };
export const MARKS = { hit: "✓ hit", miss: "✗ miss", "false alarm": "! false alarm", ignored: "◌ ignored", rejected: "" };
const TARGETS = { hit: "present", miss: "present", "false alarm": "absent", rejected: "absent", ignored: "ignored" };
const SVG = "http://www.w3.org/2000/svg";

/** What the grid shows now: `rows` are the images' numbers in the evaluation. */
export const shown = { rows: [], page: 1, pages: 1, source: "" };

/** Ask for the page of images of this state. */
export function getImages(state, evaluation) {
  const { order, show, page, t, labelled, caption, text } = state;
  return getJson(`/api/${encodeURIComponent(evaluation)}/images`, { class: state.class, order, show, page, t, labelled, caption, text });
}

export function showImages(state, summary, page) {
  drawHead(state, summary, page);
  drawCut(state, summary, page);
  drawControls(state, page, FILTERS[state.class === null ? summary.task : "class"],
    state.class === null ? { loss: ORDERS.loss, least_loss: ORDERS.least_loss } : ORDERS);
  drawGrid(state, summary, page, { picture, caption });
}

function drawHead(state, summary, page) {
  byId("title").textContent = byId("chosen").textContent = state.class ?? "All classes";
  const row = summary.table.find(([name]) => name === state.class);
  const parts = row
    ? [`${count(page.numbers.positives)} of ${many(page.numbers.ranked, "image", "images")} show it`]
    : [many(summary.n, "image", "images"), many(summary.table.length, "class", "classes")];
  if (page.counts.ignored) parts.push(`${count(page.counts.ignored)} ignored as difficult`);
  byId("subtitle").textContent = parts.join(" · ");
  const ofClass = (name) => row[summary.columns.indexOf(name) + 1];
  drawFacts(byId("headline"), row
    ? ["ap", "auroc"].filter((name) => summary.columns.includes(name)).map((name) => [name, ofClass(name)])
    : metricsOf(summary).slice(0, summary.positive ? 4 : 3));
}

function drawCut(state, summary, page) {
  byId("cut").hidden = !page.numbers;
  if (!page.numbers) return;
  const { numbers, threshold } = page;
  if (document.activeElement !== byId("threshold")) byId("threshold").value = threshold;
  if (document.activeElement !== byId("threshold-number")) byId("threshold-number").value = +threshold.toFixed(4);
  byId("threshold-reset").hidden = state.t === null;
  for (const name of ["tail_accuracy", "precision", "recall"]) {
    byId("numbers").querySelector(`[data-number=${name}]`).textContent = fraction(numbers[name]);
  }
  byId("numbers").querySelector("[data-number=above]").replaceChildren(
    count(numbers.above), el("small", {}, ` of ${count(numbers.ranked)}`));
  byId("explain").textContent = summary.task === "classify"
    ? "The cut goes by this score alone; hit, miss and false alarm go by the model's answer, " + summary.rule + "."
    : `Tailacc is the share of images above the cut that the decision at ${summary.threshold} gets right.`;
  drawHistogram(page.histogram, threshold);
}

function drawHistogram([absent, present], threshold) {
  const bars = [];
  const width = 100 / absent.length;
  for (const [counts, side, base, sign] of [[present, "present", 32, -1], [absent, "absent", 32, 1]]) {
    const most = Math.max(1, ...counts);
    counts.forEach((n, k) => {
      const height = 30 * Math.sqrt(n / most); // the root keeps single images visible beside thousands
      const y = sign < 0 ? base - height : base;
      const above = (k + 0.5) * width > threshold * 100 ? "above" : "below";
      if (n) bars.push(svg("rect", { x: k * width + 0.15, y, width: width - 0.3, height, class: `${side} ${above}` }));
    });
  }
  const line = svg("line", { x1: threshold * 100, x2: threshold * 100, y1: 0, y2: 64, class: "at-threshold" });
  const title = svg("title", {});
  title.textContent = "How many images have which score: those that show the class above the line, the others below it";
  byId("histogram").replaceChildren(title, ...bars, line);
}

export function svg(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** The filters, as {value: words}, the orders, of which the first is the one without a word in the address, and the pages. */
export function drawControls(state, page, filters, orders) {
  const useful = Object.entries(filters).filter(([show]) => show !== "ignored" || page.counts.ignored || state.show === show);
  byId("show").replaceChildren(...useful.map(([show, text]) =>
    link({ show, page: 1 }, { role: "button", "aria-pressed": String(state.show === show), "data-show": show },
      text, el("small", {}, ` ${count(page.counts[show])}`))));
  const order = state.order ?? Object.keys(orders)[0];
  byId("order").replaceChildren(...Object.entries(orders).map(([name, text]) =>
    el("option", { value: name, selected: name === order }, text)));
  byId("to-cut").hidden = !page.numbers;
  byId("to-cut").onclick = () => go({ order: null, show: "all", labelled: null, page: page.cut_page });
  const only = state.labelled !== null ? `Only ${state.labelled} taken for ${state.class} `
    : state.caption !== null ? `Only images of which this is said: “${state.caption}” `
    : state.text !== null ? `Only images with “${state.text}” in a word, be it true or read ` : null;
  byId("cell").hidden = only === null;
  byId("cell").replaceChildren(only ?? "", link({ labelled: null, caption: null, text: null, page: 1 }, {}, "show all"));
  for (const pager of document.querySelectorAll(".pager")) {
    const turn = (by, text, name) => el("button", {
      type: "button", class: "plain", "aria-label": name, onclick: () => turnPage(by) && scrollTo(0, 0),
      disabled: page.page + by < 1 || page.page + by > page.pages,
    }, text);
    pager.replaceChildren(turn(-1, "‹", "Previous page"),
      el("span", {}, `Page ${count(page.page)} of ${count(page.pages)}`), turn(1, "›", "Next page"));
    pager.hidden = page.pages < 2;
  }
}

/** Go some pages on; says whether there is such a page. */
export function turnPage(by) {
  const there = shown.page + by >= 1 && shown.page + by <= shown.pages;
  if (there) go({ page: shown.page + by });
  return there;
}

/** The tiles; `picture` and `caption` make the two parts of one. */
export function drawGrid(state, summary, page, { picture, caption }) {
  const rows = page.tiles.map((tile) => tile.row);
  const source = `${summary.evaluation}/${state.class}`;
  const grid = byId("grid");
  const same = source === shown.source && rows.join() === shown.rows.join();
  Object.assign(shown, { rows, page: page.page, pages: page.pages, source });
  if (same) grid.querySelectorAll(".cutline").forEach((line) => line.remove()); // the images stay, without a flicker
  const old = same ? [...grid.children] : [];
  const tiles = page.tiles.map((tile, k) => {
    const item = old[k] ?? el("li", { class: "tile", "data-row": tile.row }, picture(tile, summary), el("div", { class: "caption" }));
    item.dataset.outcome = tile.outcome ?? "";
    item.lastChild.replaceChildren(...caption(tile, state));
    return item;
  });
  if (!same) grid.replaceChildren(...tiles);
  drawCutline(tiles, state, page);
  byId("no-images").hidden = rows.length > 0;
  byId("no-images").textContent = page.counts.all ? "No image is like this; choose another filter." : "There are no images.";
}

export function picture(tile, summary) {
  const source = `/image/${encodeURIComponent(summary.evaluation)}/${tile.row}`;
  const image = tile.problem
    ? el("span", { class: "placeholder" }, tile.problem)
    : el("img", { alt: tile.image, loading: "lazy", decoding: "async", onerror: unreadable });
  // Asked for now, the server would be at work on them while the page is being drawn.
  if (!tile.problem) afterDrawing(() => { image.src = source; });
  return link({ image: tile.row }, { class: "frame", title: tile.image }, image);
}

/** The picture of an image, decoded; null where it cannot be shown, and then `image.problem` says why. */
export async function loadPicture(image, evaluation, size) {
  if (image.problem) return null;
  const made = el("img", { src: `/image/${encodeURIComponent(evaluation)}/${image.row}?size=${size}`, alt: image.image });
  return made.decode().then(() => made, () => { image.problem = "not a readable image"; return null; });
}

/** Stands in for an image that did not arrive. */
export function unreadable(event) {
  event.target.replaceWith(el("span", { class: "placeholder" }, "not a readable image"));
}

function caption(tile, state) {
  const badge = (text) => text ? el("span", { class: "badge" }, text) : null;
  const line = (name, ...parts) => el("p", { class: name }, ...parts);
  if (state.class !== null) {
    const place = tile.position ? `#${count(tile.position)}` : "–";
    const byLoss = state.order === "loss" || state.order === "least_loss";
    const target = tile.answer === undefined ? TARGETS[tile.outcome] : tile.labelled;
    return [
      line("first", el("strong", {}, fraction(tile.score)), badge(MARKS[tile.outcome]), el("span", { class: "place" }, place)),
      line("second", target, byLoss ? ` · loss ${fraction(tile.loss)}` : ""),
    ];
  }
  if (tile.answer !== undefined) {
    const right = tile.answer === tile.labelled;
    return [
      line("first", el("strong", {}, `loss ${fraction(tile.loss)}`), badge(right ? "✓ right" : "✗ wrong")),
      line("second", right ? tile.labelled : `${tile.labelled}, taken for ${tile.answer}`),
    ];
  }
  const named = (names, n) => names.join(", ") + (n > names.length ? ` +${n - names.length}` : "");
  return [
    line("first", el("strong", {}, `loss ${fraction(tile.loss)}`)),
    tile.missed > 0 && line("second", el("span", { class: "missed" }, "✗ "), named(tile.missed_names, tile.missed)),
    tile.false_alarms > 0
      && line("second", el("span", { class: "alarmed" }, "! "), named(tile.false_alarm_names, tile.false_alarms)),
    !tile.missed && !tile.false_alarms && line("second", el("span", { class: "right" }, "✓ "), "all right"),
  ].filter(Boolean);
}

function drawCutline(tiles, state, page) {
  if (!page.numbers || state.order === "loss" || state.order === "least_loss") return;
  const above = page.tiles.map((tile) => tile.score !== null && Math.fround(tile.score) > Math.fround(page.threshold));
  const place = above.findIndex((value, k) => k > 0 && value !== above[k - 1]);
  if (place < 1) return;
  const text = `cut at ${+page.threshold.toFixed(4)} · ${count(page.numbers.above)} above it`;
  tiles[place].before(el("li", { class: "cutline" }, el("span", {}, text)));
}
