// The view of images for captions: each image with what was said of it and what people said, worst first.

import { byId, count, drawFacts, el, fraction, label, many } from "./dom.js";
import { drawControls, drawGrid, picture } from "./images.js";

const FILTERS = { all: "All", misses: "CIDEr-D 0" };
const OF_WORD = {
  all: "All", misses: "References only", false_alarms: "Caption only", hits: "Both", referred: "References", said: "Caption",
};
const ORDERS = [
  ["worst", "Worst CIDEr-D", "cider"], ["best", "Best CIDEr-D", "cider"],
  ["worst_meteor", "Worst METEOR", "meteor"], ["best_meteor", "Best METEOR", "meteor"],
  ["worst_bleu4", "Worst BLEU-4", "bleu4"], ["best_bleu4", "Best BLEU-4", "bleu4"],
  ["loss", "Worst loss", "loss"], ["least_loss", "Least loss", "loss"],
  ["data", "Order of the data", null], ["data_back", "The data from its end", null],
];
const MARKS = { hit: "✓ said", miss: "✗ not said", "false alarm": "! in no reference" };
const WORD = /[\p{L}\p{M}\p{N}]+/gu; // as saccade.browse.wordlist cuts texts

export function showCaptions(state, summary, page) {
  byId("cut").hidden = true;
  drawHead(state, summary, page);
  drawControls(state, page, state.class === null ? FILTERS : OF_WORD,
    Object.fromEntries(ORDERS.filter(([, , name]) => name === null || summary.numbers.includes(name))));
  drawGrid(state, summary, page, { picture, caption: (tile) => caption(tile, state, summary) });
}

function drawHead(state, summary, page) {
  const { counts } = page;
  byId("title").textContent = byId("chosen").textContent = state.class ?? "All images";
  byId("subtitle").textContent = state.class === null ? many(summary.n, "image", "images")
    : `in the references of ${many(counts.referred, "image", "images")}, said of ${count(counts.said)}`;
  const share = (part, all) => all ? part / all : null;
  drawFacts(byId("headline"), state.class === null
    ? ["cider", "meteor", "bleu4"].filter((name) => name in summary.metrics).map((name) => [name, summary.metrics[name]])
    : [["recall", share(counts.hits, counts.referred)], ["precision", share(counts.hits, counts.said)]]);
  byId("alone").hidden = false;
  byId("alone").textContent = state.class === null
    ? "Above: of the whole split. At an image: of that image alone; METEOR and BLEU-4 of a split are not averages of these."
    : "Recall: of the images whose references have it, the share whose caption says it. Precision: of those whose caption says it, the share with it in a reference.";
}

function caption(tile, state, summary) {
  const line = (name, ...parts) => el("p", { class: name }, ...parts);
  const named = (name) => `${label(name)} ${fraction(tile[name])}`;
  const measure = ORDERS.find(([order]) => order === state.order)?.[2] ?? "cider";
  const others = ["cider", "meteor", "bleu4"].filter((name) => name !== measure && summary.numbers.includes(name));
  const badge = MARKS[tile.outcome];
  const more = tile.n_references - tile.references.length;
  return [
    line("told", ...(tile.caption ? marked(tile.caption, state.class) : [el("span", { class: "quiet" }, "nothing was said")])),
    line("first", el("strong", {}, fraction(tile[measure])), el("span", { class: "quiet" }, label(measure)),
      badge ? el("span", { class: "badge" }, badge) : null),
    line("second", others.map(named).join(" · ")),
    el("ul", { class: "references", "aria-label": "References" },
      ...tile.references.map((text) => el("li", {}, ...marked(text, state.class))),
      more > 0 ? el("li", {}, `+${count(more)} more`) : null),
  ];
}

/** The words of a text, small letters, as [word, place]. */
export const wordsIn = (text) => [...text.matchAll(WORD)].map((found) => [found[0].toLowerCase(), found.index, found[0].length]);

/** A text in which the words wanted, next to each other, are marked. */
export function marked(text, wanted) {
  if (wanted === null) return [text];
  const words = wordsIn(text), looked = wordsIn(wanted).map(([word]) => word);
  const parts = [];
  let end = 0;
  for (let k = 0; k + looked.length <= words.length; k++) {
    if (words[k][1] < end || !looked.every((word, j) => words[k + j][0] === word)) continue;
    const [, last, length] = words[k + looked.length - 1];
    parts.push(text.slice(end, words[k][1]), el("mark", {}, text.slice(words[k][1], last + length)));
    end = last + length;
  }
  return [...parts, text.slice(end)];
}
