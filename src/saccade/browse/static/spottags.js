// Texts at the outlines of words: as large on every screen, however much the picture is enlarged, and where there is room.

import { svg } from "./images.js";
import { RIGHT, lineWidth } from "./outlines.js";

const HIGH = 13, WIDE = 0.6; // of a letter: height in pixels of the screen, and width as a share of it
const LONGEST = 40; // letters

/** Place the text of each outline above or below it, those of mistakes first. One that finds no room beside other words and
 *  texts waits until its word is pointed at. `quads` are those of all words, drawn or not. */
export function drawTags(made, quads) {
  const picture = made.viewBox.baseVal;
  const box = made.getBoundingClientRect();
  const scale = Math.min(box.width / picture.width, box.height / picture.height); // pixels of the screen a pixel of the file
  made.querySelectorAll("text").forEach((one) => one.remove());
  if (!(scale > 0)) return; // the dialog is not open yet
  const high = HIGH / scale;
  const groups = [...made.children].map((group) => ({ group, quad: JSON.parse(group.dataset.at), isRight: group.dataset.outcome === String(RIGHT) }));
  made.style.setProperty("--letter", `${high}px`);
  made.style.setProperty("--base", lineWidth(groups.map(({ quad }) => quad), scale, 2));
  const spans = quads.map(spanned);
  const taken = [];
  for (const k of [...groups.keys()].sort((a, b) => groups[a].isRight - groups[b].isRight)) {
    const { group, quad } = groups[k];
    if (group.dataset.tag === "") continue;
    const letters = [...group.dataset.tag];
    const text = letters.length > LONGEST ? `${letters.slice(0, LONGEST).join("")}…` : group.dataset.tag;
    const places = around(quad, WIDE * high * Math.min(letters.length, LONGEST + 1), high, picture);
    const place = places.find((one) => !taken.some((other) => meet(one, other))
      && !spans.some((other, j) => j !== Number(group.dataset.entry) && meet(one, other, 0.3 * high)));
    if (place) taken.push(place);
    const [left, , , bottom] = place ?? places[0];
    const tag = svg("text", { x: left, y: bottom - 0.25 * high, class: place ? "" : "crowded" });
    tag.textContent = text;
    group.append(tag);
  }
}

/** Where a text of this width may stand, as left, right, top and bottom, within the picture: above what the outline has there, or below. */
function around(quad, width, high, picture) {
  const x = Math.max(0, Math.min(spanned(quad)[0], picture.width - width));
  const tall = 1.3 * high;
  const heights = [0, 2, 4, 6].flatMap((k) => within([quad[k], quad[k + 1]], [quad[(k + 2) % 8], quad[(k + 3) % 8]], x, x + width));
  const ys = [Math.min(...heights) - tall, Math.max(...heights)].map((y) => Math.max(0, Math.min(y, picture.height - tall)));
  return ys.map((y) => [x, x + width, y, y + tall]);
}

/** Between which y an edge runs from x = left to x = right; none where it is elsewhere. */
function within([x0, y0], [x1, y1], left, right) {
  const [from, to] = [Math.max(left, Math.min(x0, x1)), Math.min(right, Math.max(x0, x1))];
  if (from > to) return [];
  return x0 === x1 ? [y0, y1] : [from, to].map((x) => y0 + (y1 - y0) * (x - x0) / (x1 - x0));
}

/** Whether two places overlap by more than `slack`. */
const meet = ([left, right, top, bottom], [l, r, t, b], slack = 0) =>
  left + slack < r && l + slack < right && top + slack < b && t + slack < bottom;

function spanned(quad) {
  const [xs, ys] = [0, 1].map((axis) => quad.filter((_, k) => k % 2 === axis));
  return [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
}
