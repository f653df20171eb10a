// How words are drawn over pictures: which outlines, their texts, and the map of scores; all of it in the address.

import { byId, go } from "./dom.js";
import { hue } from "./attention.js";
import { markLook, setOpacity } from "./overlay.js";
import { legend } from "./outlines.js";

const LINES = { i: "none", t: "truth", p: "prediction", a: "both" }; // by key
const LARGEST = 1280; // pixels of a painted map on its longer side
const SWITCHES = { s: "map", x: "tags" }; // by key

/** How words are drawn now. */
export const look = { lines: "both", map: false, tags: true };

/** Take over what the address says. */
export function markWords(state, summary) {
  look.lines = Object.values(LINES).includes(state.lines) ? state.lines : "both";
  look.map = state.map === "on";
  look.tags = state.tags !== "off";
  setOpacity(state);
  markLook(state);
  for (const button of document.querySelectorAll("button[data-lines]")) {
    button.setAttribute("aria-pressed", String(button.dataset.lines === look.lines));
  }
  for (const button of document.querySelectorAll("button[data-switch]")) {
    button.setAttribute("aria-pressed", String(look[button.dataset.switch]));
  }
  byId("word-opacity").hidden = !look.map;
  byId("line-legend").replaceChildren(...legend(summary.reads, false));
  byId("detail-lines").replaceChildren(...legend(summary.reads, look.lines === "both"));
}

const turn = (name) => go({ [name]: look[name] ? "off" : "on" }, { replace: true });

/** Listen to the buttons and keys that say what is drawn. */
export function wireWordLook() {
  for (const button of document.querySelectorAll("button[data-lines]")) {
    button.addEventListener("click", () => go({ lines: button.dataset.lines }, { replace: true }));
  }
  for (const button of document.querySelectorAll("button[data-switch]")) {
    button.addEventListener("click", () => turn(button.dataset.switch));
  }
  addEventListener("keydown", (event) => {
    if (byId("word-look").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input[type=search], select")) return;
    if (event.key in LINES) go({ lines: LINES[event.key] }, { replace: true });
    else if (event.key in SWITCHES && byId("detail").open) turn(SWITCHES[event.key]);
  });
}

/** The map of scores of an image as {width, height, scores}: 0 to 255 at each place. */
export async function getScores(evaluation, row) {
  const answer = await fetch(`/scores/${encodeURIComponent(evaluation)}/${row}`);
  if (!answer.ok) throw new Error((await answer.json()).detail);
  const body = await answer.arrayBuffer();
  const [width, height] = new Uint16Array(body, 0, 2);
  return { width, height, scores: new Uint8Array(body, 4) };
}

/** Paint a map of scores over a picture of this size: the surer, the brighter and the less of the picture is seen. */
export function paintScores(canvas, map, size) {
  const table = Array.from({ length: 256 }, (_, score) => [...hue(score / 255), Math.min(255, 2 * score)]);
  const pixels = new Uint8ClampedArray(4 * map.scores.length);
  map.scores.forEach((score, k) => pixels.set(table[score], 4 * k));
  const grid = new OffscreenCanvas(map.width, map.height);
  grid.getContext("2d").putImageData(new ImageData(pixels, map.width, map.height), 0, 0);
  const scale = LARGEST / Math.max(...size);
  const [width, height] = size.map((side) => Math.max(1, Math.round(side * scale)));
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  // a cell stands for the point at its upper left corner, which is to be its middle
  context.drawImage(grid, -width / map.width / 2, -height / map.height / 2, width, height);
}
