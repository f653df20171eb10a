// Texts at the outlines of words, as large on every screen, whatever the picture is enlarged by.

import { svg } from "./images.js";

const HIGH = 13, WIDE = 0.58; // of a letter: height in pixels of the screen, and width as a share of it
const LONGEST = 40; // letters

/** Place the text of each outline above it, within the picture. */
export function drawTags(made) {
  const { width, height } = made.viewBox.baseVal;
  const box = made.getBoundingClientRect();
  const scale = Math.min(box.width / width, box.height / height); // pixels of the screen a pixel of the file
  made.querySelectorAll("text").forEach((one) => one.remove());
  if (!(scale > 0)) return; // the dialog is not open yet
  const high = HIGH / scale;
  made.style.setProperty("--letter", `${high}px`);
  for (const group of made.children) {
    const letters = [...group.dataset.tag];
    if (!letters.length) continue;
    const text = letters.length > LONGEST ? `${letters.slice(0, LONGEST).join("")}…` : group.dataset.tag;
    const [left, right, top, bottom] = spanned(JSON.parse(group.dataset.at));
    const isLate = left + WIDE * high * [...text].length > width && right > width / 2; // would leave on the right
    const above = top - 0.3 * high;
    const tag = svg("text", { x: isLate ? Math.min(right, width) : Math.max(left, 0), y: above > high ? above : Math.min(bottom + high, height - 0.3 * high),
      "text-anchor": isLate ? "end" : "start" });
    tag.textContent = text;
    group.append(tag);
  }
}

function spanned(quad) {
  const [xs, ys] = [0, 1].map((axis) => quad.filter((_, k) => k % 2 === axis));
  return [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
}
