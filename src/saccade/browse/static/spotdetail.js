// One image and its words in the dialog: outlines and texts over the picture, and each word cut out, beside it.

import { byId, el, fraction, go, label, readState } from "./dom.js";
import { loadPicture, svg } from "./images.js";
import { ALARM, MARKS, MISREAD, MISSED, RIGHT, UNCARED, called, drawing, isDrawn, sample, strokes } from "./outlines.js";
import { drawTally, isSearch } from "./spots.js";
import { getScores, look, paintScores } from "./spotlook.js";
import { drawTags } from "./spottags.js";

const SIZE = 1280;
let open = { id: null }; // the image in the dialog, its picture and its drawing
let under = null; // the entry under the pointer or with the focus

/** Show an image; the dialog keeps the one before until the picture of the next is there. */
export async function drawWords(image, state, summary) {
  const id = `${summary.evaluation}/${image.row}/${state.class}/${state.text}`;
  if (open.id !== id) {
    const shown = await loadPicture(image, summary.evaluation, SIZE);
    open = { id, image, summary, picture: shown, chosen: image.entries.map((entry) => isChosen(entry, state)) };
    under = null;
    const held = byId("detail").contains(document.activeElement);
    drawPicture();
    drawList(state);
    if (held && !byId("detail").contains(document.activeElement)) byId("detail").focus(); // else keys are heard no more
  }
  drawLines();
  await drawMap();
  point();
}

/** Whether an entry is among those searched for, as the server has it. */
function isChosen({ truth, found }, state) {
  if (!isSearch(state)) return false;
  const holds = (text) => (state.class === null || text === state.class.toLowerCase())
    && (state.text === null || text.includes(state.text.toLowerCase()));
  return [truth, found].some((one) => one && holds(one.text.toLowerCase()));
}

function drawPicture() {
  const { image, picture } = open;
  open.lines = drawing(image.size);
  open.canvas = el("canvas", { "aria-hidden": "true", hidden: true });
  open.map = null;
  const stack = el("div", { class: picture ? "stack" : "stack bare" }, picture?.cloneNode() ?? null, open.canvas, open.lines);
  byId("detail-image").replaceChildren(el("figure", {}, stack, el("figcaption", { id: "pointed", "aria-live": "polite" }),
    image.problem ? el("small", {}, image.problem) : null));
  open.resized?.disconnect();
  open.resized = new ResizeObserver(drawTexts);
  open.resized.observe(open.lines);
}

/** The outlines of each entry, and what they say; those that the switch leaves out are not there. */
function drawLines() {
  const groups = open.image.entries.map((entry, k) => group(entry, k)).filter(Boolean);
  groups.sort((a, b) => Number(b.dataset.outcome === String(RIGHT)) - Number(a.dataset.outcome === String(RIGHT)));
  open.lines.replaceChildren(...groups);
  open.lines.classList.toggle("untagged", !look.tags);
  drawTexts();
}

const drawTexts = () => drawTags(open.lines, open.image.entries.map(({ truth, found }) => (found ?? truth).quad));

function group(entry, k) {
  const { outcome, truth, found } = entry;
  const paths = [];
  if (truth && found && look.lines === "both") paths.push(...strokes([truth.quad], "true"));
  if (truth && isDrawn(0, outcome, look.lines) && !(found && look.lines === "both")) paths.push(...strokes([truth.quad], outcome));
  if (found && isDrawn(1, outcome, look.lines)) paths.push(...strokes([found.quad], outcome));
  if (!paths.length) return null;
  const made = svg("g", {});
  Object.assign(made.dataset, { entry: k, outcome, tag: tagOf(entry), at: JSON.stringify(((look.lines !== "truth" && found) || truth).quad) });
  made.classList.toggle("faint", open.chosen.includes(true) && !open.chosen[k]);
  made.append(...paths);
  return made;
}

/** What stands at an outline: what was read of a detection, what is true of a word. */
function tagOf({ outcome, truth, found }) {
  if (outcome === UNCARED) return "";
  if (look.lines === "truth" || outcome === MISSED || !open.summary.reads) return truth?.text ?? "";
  return found.text;
}

async function drawMap() {
  const { image, canvas, summary } = open;
  if (look.map && !open.map) {
    open.map = await getScores(summary.evaluation, image.row).catch((error) => ({ missing: error.message }));
    if (open.canvas !== canvas) return; // another image was opened meanwhile
    if (!open.map.missing) paintScores(canvas, open.map, image.size);
  }
  canvas.hidden = !look.map || Boolean(open.map.missing);
}

function drawList(state) {
  const { image, summary } = open;
  const numbers = summary.numbers.map((name) => el("span", {}, `${label(name)} ${fraction(image[name])}`));
  byId("detail-facts").replaceChildren(drawTally(image.counted, summary.reads),
    el("span", { class: "numbers" }, ...numbers), el("small", {}, "These numbers are of this image alone."));
  byId("detail-scores").setAttribute("aria-label", "Words");
  byId("detail-scores").replaceChildren(...(image.entries.length
    ? image.entries.map((entry, k) => el("li", { class: open.chosen[k] ? "chosen" : null }, button(entry, k)))
    : [el("li", { class: "quiet none" }, "There is nothing to find, and nothing was found.")]));
}

function button(entry, k) {
  const { outcome, truth, found } = entry;
  const { reads } = open.summary;
  const facts = [["IoU", truth && found], ["best IoU", !(truth && found) && outcome !== UNCARED && entry.iou > 0]].filter(([, there]) => there)
    .map(([name]) => `${name} ${fraction(entry.iou)}`);
  if (found && found.score !== null) facts.push(`score ${fraction(found.score)}`);
  return el("button", { type: "button", class: "entry", "data-entry": k, "data-outcome": outcome, "aria-pressed": "false" },
    el("span", { class: "cut-out" }, cutOut(entry)),
    el("span", { class: "verdict" }, sample(outcome), el("span", { class: "mark", "data-outcome": outcome }, `${MARKS[outcome]} ${called(outcome, reads)}`),
      el("small", {}, facts.join(" · "))),
    el("span", { class: "texts" }, ...texts(entry, reads)));
}

/** The word as it was found, or where it was missed. */
function cutOut({ truth, found }) {
  const { image, summary } = open;
  if (image.problem) return null;
  const [side, { number, crop: [width, height] }] = found ? ["found", found] : ["truth", truth];
  return el("img", { src: `/crop/${encodeURIComponent(summary.evaluation)}/${image.row}/${side}/${number}`, width, height,
    alt: "", loading: "lazy", decoding: "async", onerror: ({ target }) => target.remove() });
}

/** What is true and what was read, letter by letter where they differ. */
function texts({ outcome, truth, found, letters }, reads) {
  const line = (name, ...parts) => el("span", { class: "text" }, el("small", {}, name), el("bdi", {}, ...parts));
  const said = (text) => text || "(nothing)";
  const row = (side) => letters ? letters.filter((pair) => pair[side] !== "" || pair[1 - side] !== "")
    .map((pair) => differ(pair) ? el("b", {}, pair[side] || "·") : pair[side]) : [said((side ? found : truth).text)];
  const written = (side) => row(side).reduce((all, one) => typeof one === "string" && typeof all.at(-1) === "string"
    ? [...all.slice(0, -1), all.at(-1) + one] : [...all, one], []);
  if (outcome === MISREAD) return [line("read", ...written(1)), line("true", ...written(0))];
  if (!reads) return truth ? [line("true", said(truth.text))] : [];
  if (truth && found) return truth.text === found.text ? [line("read", said(found.text))] : [line("read", said(found.text)), line("true", said(truth.text))];
  return [line(found ? "read" : "true", said((found ?? truth).text))];
}

const differ = ([truth, read]) => truth.toLowerCase() !== read.toLowerCase();

/** The entry that the address names, as far as the image has it. */
function pinned() {
  const place = Number(readState().word ?? -1);
  return Number.isInteger(place) && place >= 0 && place < open.image.entries.length ? place : null;
}

/** Bring forward the entry that is pointed at, or else the one chosen: its outline and its place in the list. */
function point() {
  const chosen = pinned(), active = under ?? chosen;
  open.lines.classList.toggle("pointing", active !== null);
  for (const one of open.lines.children) one.classList.toggle("looked", Number(one.dataset.entry) === active);
  for (const one of byId("detail-scores").querySelectorAll("[data-entry]")) {
    one.setAttribute("aria-pressed", String(Number(one.dataset.entry) === chosen));
    one.classList.toggle("looked", Number(one.dataset.entry) === active);
  }
  const noMap = look.map && open.map?.missing ? [`The score map is not shown: ${open.map.missing}.`] : [];
  byId("pointed").replaceChildren(...(active === null ? noMap : said(open.image.entries[active])));
  const item = byId("detail-scores").querySelector(`[data-entry="${active}"]`);
  if (item && !item.matches(":hover")) requestAnimationFrame(() => item.scrollIntoView({ block: "nearest" }));
}

function said({ outcome, truth, found, iou }) {
  const { reads } = open.summary;
  const quoted = (one) => [" “", el("bdi", {}, one.text), "”"];
  const parts = [`${MARKS[outcome]} ${called(outcome, reads)}:`];
  if (truth) parts.push(...quoted(truth));
  if (found && reads && outcome !== RIGHT) parts.push(outcome === ALARM || !truth ? "" : " read", ...quoted(found));
  return [...parts, truth && found ? `, IoU ${fraction(iou)}` : iou > 0 ? `, overlaps by an IoU of ${fraction(iou)} at most` : ", overlaps nothing"];
}

function turnTo(entry) {
  if (under === entry || !open.lines) return;
  under = entry;
  point();
}

/** Listen to outlines and list: pointing and focus bring forward, a click or tap chooses, w and b go on and back. */
export function wireWordList() {
  const dialog = byId("detail");
  const isOpen = () => dialog.classList.contains("spotted");
  const entryOf = (event) => {
    const item = event.target.closest?.("[data-entry]");
    return item ? Number(item.dataset.entry) : null;
  };
  const choose = (word) => { under = null; go({ word }, { replace: true }); };
  dialog.addEventListener("pointerover", (event) => isOpen() && event.pointerType === "mouse" && turnTo(entryOf(event)));
  dialog.addEventListener("pointerleave", () => isOpen() && turnTo(null));
  dialog.addEventListener("focusin", (event) => isOpen() && event.target.matches(":focus-visible") && turnTo(entryOf(event)));
  dialog.addEventListener("focusout", () => isOpen() && turnTo(null));
  dialog.addEventListener("click", (event) => {
    const entry = isOpen() ? entryOf(event) : null;
    if (entry !== null) choose(entry === pinned() ? null : entry);
  });
  dialog.addEventListener("keydown", (event) => {
    const by = { w: 1, b: -1 }[event.key];
    if (!by || !isOpen() || !open.image.entries.length || event.ctrlKey || event.metaKey || event.altKey) return;
    const places = open.image.entries.length + 1; // one more: none
    const next = ((under ?? pinned() ?? -1) + 1 + by + places) % places - 1;
    choose(next < 0 ? null : next);
  });
}
