// Outlines of words over a picture. What became of a word is told by the kind of line as well as by its colour.

import { el } from "./dom.js";
import { svg } from "./images.js";

/** Outcomes as the server numbers them. */
export const RIGHT = 0, MISREAD = 1, MISSED = 2, ALARM = 3, UNCARED = 4;
export const MARKS = ["✓", "≠", "✗", "!", "◌"];
const LINES = ["right", "misread", "missed", "alarm", "uncared"]; // by outcome; names in the style sheet
const ABOVE = [UNCARED, RIGHT, ALARM, MISREAD, MISSED]; // the last lies on top
const TRUTH = 0, FOUND = 1;
const TILE = 230; // pixels of the screen that a tile's picture has on its longer side, more or less

/** What an outcome is called; where nothing is read, a word is found and not right. */
export const called = (outcome, reads) =>
  [reads ? "right" : "found", "misread", "missed", "false alarm", "not cared for"][outcome];

/** Whether the outline of a word or of a detection is drawn: of both, a detection stands for the word it matches. */
export function isDrawn(side, outcome, lines) {
  if (lines === "both") return side === FOUND || outcome === MISSED || outcome === UNCARED;
  return lines === (side === TRUTH ? "truth" : "prediction");
}

/** An empty drawing over a picture of so many pixels, placed as `object-fit: contain` places that. */
export function drawing([width, height]) {
  return svg("svg", { class: "outlines", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
}

const closed = ([x, y, ...more]) => `M${x} ${y}L${more.join(" ")}Z`;

/** The strokes of outlines, `line` an outcome or "true": a dark one that is seen on a bright picture, the line itself, and what
 *  parts a double line in two. */
export const strokes = (quads, line) => layered(quads.map(closed).join(""), LINES[line] ?? line);

const layered = (d, name) => ["edge", "line", ...(name === "misread" ? ["parting"] : [])].map((layer) =>
  svg("path", { d, class: layer, "data-line": name }));

/** How wide lines are, in pixels of the screen: by the median height of the words, which they must leave to be seen. */
export function lineWidth(quads, scale, most) {
  const heights = quads.map(([x0, y0, x1, y1, x2, y2, x3, y3]) =>
    Math.min(Math.hypot(x1 - x0, y1 - y0) + Math.hypot(x3 - x2, y3 - y2), Math.hypot(x3 - x0, y3 - y0) + Math.hypot(x2 - x1, y2 - y1)) / 2);
  const middle = heights.sort((a, b) => a - b)[Math.floor(heights.length / 2)] ?? 0;
  return Math.max(0.6, Math.min(most, middle * scale / 9));
}

/** Fill a drawing with the outlines of a tile, those searched for in front of the others. */
export function drawTile(made, { outlines, searched }, lines) {
  const shown = outlines.filter(([side, outcome]) => isDrawn(side, outcome, lines));
  const layers = [0, 1].flatMap((chosen) => ABOVE.map((outcome) => {
    const quads = shown.filter((one) => one[2] === chosen && one[1] === outcome).map((one) => one.slice(3));
    if (!quads.length) return null;
    const layer = svg("g", { class: searched && !chosen ? "faint" : "" });
    layer.append(...strokes(quads, outcome));
    return layer;
  }));
  made.replaceChildren(...layers.filter(Boolean));
  const [, , width, height] = made.getAttribute("viewBox").split(" ");
  made.style.setProperty("--base", lineWidth(shown.map((one) => one.slice(3)), TILE / Math.max(width, height), 1.6));
}

/** A short piece of a line, for legends and lists. */
export function sample(line) {
  const made = svg("svg", { class: "outlines sample", viewBox: "0 0 30 10", "aria-hidden": "true" });
  made.append(...layered("M2 5H28", LINES[line] ?? line));
  return made;
}

/** What the lines mean; `withTrue`: also that of the true place of a word that was found. */
export const legend = (reads, withTrue) => [RIGHT, ...(reads ? [MISREAD] : []), MISSED, ALARM, UNCARED]
  .map((one) => [one, called(one, reads)]).concat(withTrue ? [["true", "true place"]] : [])
  .map(([line, words]) => el("span", { class: "quiet" }, sample(line), ` ${words}`));
