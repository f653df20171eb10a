// The view of images for words in scenes: each image with the outlines of its words, worst first.

import { byId, count, drawFacts, el, fraction, label, many } from "./dom.js";
import { drawControls, drawGrid, picture } from "./images.js";
import { ALARM, MARKS, MISREAD, MISSED, RIGHT, called, drawTile, drawing } from "./outlines.js";
import { look } from "./spotlook.js";

const FILTERS = { all: "All", misread: "With misread", misses: "With missed", false_alarms: "With false alarms", hits: "All right" };
const OF_TEXT = { all: "All", misread: "Misread", misses: "Missed", false_alarms: "False alarms", hits: "Right" };
const ORDERS = [ // order, words, the number that it goes by
  ["worst", "Worst end-to-end", "end_to_end_hmean"], ["best", "Best end-to-end", "end_to_end_hmean"],
  ["worst_detection", "Worst detection", "detection_hmean"], ["best_detection", "Best detection", "detection_hmean"],
  ["misread", "Most misread", null], ["misses", "Most missed", null], ["false_alarms", "Most false alarms", null],
  ["loss", "Worst loss", "loss"], ["least_loss", "Least loss", "loss"],
  ["data", "Order of the data", null], ["data_back", "The data from its end", null],
];
const TALLY = [["right", RIGHT], ["misread", MISREAD], ["misses", MISSED], ["false_alarms", ALARM]];

export function showSpots(state, summary, page) {
  byId("cut").hidden = true;
  drawHead(state, summary, page);
  const filters = Object.entries(isSearch(state) ? OF_TEXT : FILTERS).filter(([show]) => show in page.counts);
  drawControls(state, page, Object.fromEntries(filters), ordersOf(summary));
  drawGrid(state, summary, page, { picture: framed, caption: (tile) => caption(tile, state, summary) });
  const tiles = new Map(page.tiles.map((tile) => [String(tile.row), tile]));
  for (const item of byId("grid").children) drawTile(item.querySelector(".outlines"), tiles.get(item.dataset.row), look.lines);
}

export const isSearch = (state) => state.class !== null || state.text !== null;

/** Where nothing is read, images go by detection. */
function ordersOf({ reads, numbers }) {
  const useful = ORDERS.filter(([order, , name]) => name === null ? reads || order !== "misread" : numbers.includes(name));
  return Object.fromEntries(useful.map(([order, words]) => [order, words]));
}

function drawHead(state, summary, page) {
  const { truth, found } = page;
  const cared = truth.right + truth.misread + truth.missed;
  byId("title").textContent = byId("chosen").textContent = state.class ?? (state.text === null ? "All images" : `“${state.text}”`);
  byId("subtitle").textContent = isSearch(state)
    ? `${many(cared, "time", "times")} in the truth: ${tally(truth, summary.reads)}${page.read_elsewhere ? ` · read where another word stands: ${count(page.read_elsewhere)}` : ""} · ${many(found["false alarm"], "false alarm", "false alarms")}`
    : `${many(summary.n, "image", "images")} · ${many(cared, "word", "words")}`;
  const share = (part) => cared ? part / cared : null;
  const names = summary.reads ? ["end_to_end_hmean", "detection_hmean", "word_accuracy"]
    : ["detection_hmean", "detection_precision", "detection_recall"];
  drawFacts(byId("headline"), !isSearch(state) ? names.map((name) => [name, summary.metrics[name]])
    : [["found", share(truth.right + truth.misread)], ...(summary.reads ? [["read right", share(truth.right)]] : [])]);
  byId("alone").hidden = false;
  byId("alone").textContent = isSearch(state)
    ? "Found and read right: shares of the words of the truth that are searched for. Case is ignored; what was read is searched, too."
    : "Above: of the whole split, whose words are added up. At an image: of that image alone.";
}

const tally = (truth, reads) => [
  `${count(truth.right)} ${reads ? "read right" : "found"}`, ...(reads ? [`${count(truth.misread)} misread`] : []),
  `${count(truth.missed)} missed`].join(", ");

function framed(tile, summary) {
  const made = picture(tile, summary);
  made.classList.add("masked", "lined");
  made.append(drawing(tile.size));
  return made;
}

function caption(tile, state, summary) {
  const line = (name, ...parts) => el("p", { class: name }, ...parts);
  const orders = ordersOf(summary);
  const order = state.order in orders ? state.order : Object.keys(orders)[0];
  const measure = ORDERS.find(([name]) => name === order)[2] ?? summary.numbers[0];
  const others = ["end_to_end_hmean", "detection_hmean", "loss"].filter((name) => name !== measure && summary.numbers.includes(name));
  const more = tile.told.more;
  return [
    line("first", el("strong", {}, fraction(tile[measure])), el("span", { class: "quiet" }, label(measure ?? "detection_hmean"))),
    line("second", others.map((name) => `${label(name)} ${fraction(tile[name])}`).join(" · ")),
    drawTally(tile.counted, summary.reads),
    el("ul", { class: "told-words" }, ...tile.told.first.map((one) => el("li", {}, ...inWords(one))),
      more > 0 ? el("li", { class: "quiet" }, `+${count(more)} more`) : null,
      tile.left_out > 0 ? el("li", { class: "quiet" }, `${many(tile.left_out, "outline", "outlines")} not drawn`) : null),
  ];
}

/** How many words of an image became what. */
export function drawTally(counted, reads) {
  const parts = TALLY.filter(([, outcome]) => reads || outcome !== MISREAD).map(([name, outcome]) => el("span",
    { class: counted[name] ? "mark" : "mark none", "data-outcome": outcome, title: `${count(counted[name])} ${called(outcome, reads)}` },
    MARKS[outcome], el("span", {}, ` ${count(counted[name])}`), el("span", { class: "unseen" }, ` ${called(outcome, reads)} `)));
  return el("p", { class: "tally" }, ...parts);
}

/** A mistake: what is true, and what was read instead. */
function inWords([outcome, truth, read]) {
  const mark = el("span", { class: "mark", "data-outcome": outcome }, MARKS[outcome]);
  const text = (words) => el("bdi", { class: words.length < 8 ? "short" : null }, words || "(nothing)");
  if (outcome === MISREAD) return [mark, text(truth), el("span", { class: "quiet" }, "read"), text(read)];
  return [mark, text(outcome === ALARM ? read ?? "" : truth)];
}
