// The dialog with one image and all its scores.

import { byId, count, el, fraction, getJson, go, link, many, ofClass, readState } from "./dom.js";
import { MARKS, shown, turnPage, unreadable } from "./images.js";

let wanted = null; // where to open after a page was turned from here: its first image or its last

/** Show the image that the address names, drawn by the task's `kind`, or none. */
export async function showDetail(state, summary, kind) {
  const dialog = byId("detail");
  if (wanted !== null && shown.rows.length) {
    const row = wanted === "first" ? shown.rows[0] : shown.rows.at(-1);
    wanted = null;
    go({ image: row, word: null }, { replace: true });
    return;
  }
  if (state.image === null) {
    dialog.close();
    return;
  }
  const image = await getJson(`/api/${encodeURIComponent(summary.evaluation)}/images/${encodeURIComponent(state.image)}`, { t: state.t });
  draw(image);
  dialog.className = kind.dialog;
  await kind.detail(image, state, summary);
  if (!dialog.open) dialog.showModal();
}

function draw(image) {
  byId("detail-name").textContent = image.image;
  const place = shown.rows.indexOf(image.row);
  byId("detail-place").textContent = place < 0 ? "" : `${place + 1} of ${shown.rows.length} on page ${count(shown.page)}`;
  byId("detail-previous").disabled = place < 1 && (place < 0 || shown.page === 1);
  byId("detail-next").disabled = place < 0 || (place === shown.rows.length - 1 && shown.page === shown.pages);
}

/** All scores of an image beside it. */
export function drawScores(image, state, summary) {
  const base = encodeURIComponent(summary.evaluation);
  byId("detail-image").replaceChildren(image.problem
    ? el("span", { class: "placeholder" }, image.problem)
    : el("img", { src: `/image/${base}/${image.row}?size=1280`, alt: image.image, onload: sized, onerror: unreadable }));
  const facts = [`loss ${fraction(image.loss)}`];
  if (image.answer === null) {
    const number = (outcome) => image.classes.filter((one) => one.outcome === outcome).length;
    facts.push(many(number("hit"), "hit", "hits"), many(number("miss"), "miss", "misses"),
      many(number("false alarm"), "false alarm", "false alarms"));
    if (number("ignored")) facts.push(`${number("ignored")} ignored`);
  } else {
    facts.push(image.answer === image.labelled ? `${image.labelled}, rightly` : `${image.labelled}, taken for ${image.answer}`);
  }
  byId("detail-facts").textContent = facts.join(" · ");
  byId("detail-scores").replaceChildren(...image.classes.map((one) => scoreLine(one, state)));
}

/** A small image is enlarged, but not until it is a blur. */
function sized({ target }) {
  target.style.maxWidth = `${target.naturalWidth * 3}px`;
  target.style.maxHeight = `${target.naturalHeight * 3}px`;
}

function scoreLine({ name, score, outcome }, state) {
  const bar = el("span", { class: "bar", "aria-hidden": "true" });
  bar.style.setProperty("--share", score ?? 0);
  const open = link(ofClass(name), {}, name);
  return el("li", { "data-outcome": outcome, class: name === state.class ? "chosen" : null },
    open, bar, el("span", { class: "score" }, fraction(score)), el("span", { class: "badge" }, MARKS[outcome]));
}

/** Go to the next image (1) or the one before (-1), over the end of the page where there is one. */
function step(by) {
  const place = shown.rows.indexOf(Number(readState().image));
  const row = place < 0 ? undefined : shown.rows[place + by];
  if (row !== undefined) {
    go({ image: row, word: null }, { replace: true });
  } else if (place >= 0) {
    wanted = by > 0 ? "first" : "last";
    if (!turnPage(by)) wanted = null;
  }
}

export function wireDetail() {
  const dialog = byId("detail");
  const leave = () => go({ image: null, word: null });
  byId("detail-close").addEventListener("click", leave);
  byId("detail-next").addEventListener("click", () => step(1));
  byId("detail-previous").addEventListener("click", () => step(-1));
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); leave(); });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) leave(); });
  dialog.addEventListener("keydown", (event) => {
    const by = { j: 1, ArrowRight: 1, ArrowDown: 1, k: -1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input[type=range]") && event.key.startsWith("Arrow")) return;
    event.preventDefault();
    step(by);
  });
}
