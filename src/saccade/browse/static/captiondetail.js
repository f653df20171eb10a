// One image and its caption in the dialog: the words, what the network looked at for each, and all references.

import { byId, el, fraction, go, label, percent, readState } from "./dom.js";
import { loadPicture } from "./images.js";
import { heat, paintAttention } from "./attention.js";
import { marked, wordsIn } from "./captions.js";

const SIZE = 1280, SMALL = 200; // longer sides: of the picture asked for, and of those in the strip in pixels of theirs
let open = { id: null }; // the image in the dialog and its picture
let under = null; // the word under the pointer or with the focus

/** Show an image; the dialog keeps the one before until the picture of the next is there. */
export async function drawCaption(image, state, summary) {
  const id = `${summary.evaluation}/${image.row}/${state.class}`;
  if (open.id !== id) {
    const picture = await loadPicture(image, summary.evaluation, SIZE);
    open = { id, image, picture, regions: summary.regions };
    under = null;
    const held = byId("detail").contains(document.activeElement);
    drawPicture();
    drawTexts(state, summary);
    if (held && !byId("detail").contains(document.activeElement)) byId("detail").focus(); // else keys are heard no more
  }
  byId("heat-look").hidden = !image.weights;
  byId("heat").hidden = Boolean(image.boxes);
  if (open.smooth !== heat.smooth) drawStrip();
  drawLarge();
}

/** A canvas in the shape of the picture; where there is none, in that of the grid or of any photograph. */
function newCanvas(longer) {
  const { picture, regions, image } = open;
  const [width, height] = picture ? [picture.naturalWidth, picture.naturalHeight]
    : image.boxes ? [4, 3] : regions.resize === "crop" ? [1, 1] : [regions.width, regions.height];
  const scale = longer / Math.max(width, height);
  return el("canvas", { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)), "aria-hidden": "true" });
}

const stack = (...layers) => el("div", { class: open.picture ? "stack" : "stack bare" }, open.picture?.cloneNode() ?? null, ...layers);

function drawPicture() {
  const { image } = open;
  const looked = Boolean(image.weights), problem = image.problem;
  const pane = looked ? stack(newCanvas(SIZE)) : problem ? el("span", { class: "placeholder" }, problem) : stack();
  open.smooth = null; // the strip is not drawn yet
  const note = looked ? el("figcaption", { id: "gaze", "aria-live": "polite" })
    : image.attention_problem ? el("figcaption", {}, `The attention is not shown: ${image.attention_problem}.`) : null;
  byId("detail-image").replaceChildren(el("figure", {}, pane, note, looked && problem ? el("small", {}, problem) : null),
    ...(looked ? [el("div", { class: "strip", id: "strip", "aria-hidden": "true" })] : []));
}

/** A small picture for each word; their buttons are those of the caption again, for the pointer. */
function drawStrip() {
  const { image, regions } = open;
  open.smooth = heat.smooth;
  if (!image.weights) return;
  byId("strip").replaceChildren(...image.words.map((word, k) => {
    const canvas = newCanvas(SMALL);
    paintAttention(canvas, image.weights[k], regions, image.boxes);
    const button = el("button", { type: "button", "data-word": k, tabindex: -1 }, stack(canvas), el("span", {}, word));
    button.style.setProperty("--shape", canvas.width / canvas.height);
    return button;
  }));
}

function drawTexts(state, summary) {
  const { image } = open;
  const known = new Set(image.references.flatMap((text) => wordsIn(text).map(([word]) => word)));
  const isNew = (word) => image.references.length > 0 && wordsIn(word).some(([one]) => !known.has(one));
  const name = (word) => isNew(word) ? "new" : null;
  const parts = image.words.map((word, k) => image.weights
    ? el("button", { type: "button", class: name(word), "data-word": k, "aria-pressed": "false" }, word)
    : el("span", { class: name(word) }, word));
  const spaced = parts.flatMap((part, k) => k ? [" ", part] : [part]);
  const numbers = summary.numbers.map((number) => el("span", {}, `${label(number)} ${fraction(image[number])}`));
  byId("detail-facts").replaceChildren(
    el("span", { class: "words" }, ...(image.words.length ? spaced : [el("span", { class: "quiet" }, "nothing was said")])),
    image.words.some(isNew) ? el("small", { class: "legend" }, el("span", { class: "new" }, "underlined"), ": in no reference") : "",
    el("span", { class: "numbers" }, ...numbers), el("small", {}, "These numbers are of this image alone."));
  byId("detail-scores").setAttribute("aria-label", "References");
  byId("detail-scores").replaceChildren(...(image.references.length
    ? image.references.map((text) => el("li", {}, ...marked(text, state.class)))
    : [el("li", { class: "quiet" }, "There are no references.")]));
}

/** The word that the address names, as far as this caption has it. */
function pinned() {
  const word = Number(readState().word ?? -1);
  return Number.isInteger(word) && word >= 0 && word < open.image.words.length ? word : null;
}

/** Lay over the picture what the word looked at that is pointed at, or else the one chosen; without one, nothing. */
function drawLarge() {
  const { image, regions } = open;
  if (!image.weights) return;
  const chosen = pinned(), word = under ?? chosen;
  const canvas = byId("detail-image").querySelector("figure canvas");
  paintAttention(canvas, word === null ? null : image.weights[word], regions, image.boxes);
  byId("gaze").textContent = word === null ? "Choose a word to see what the network looked at while it said it." : gaze(word);
  for (const button of byId("detail").querySelectorAll("[data-word]")) {
    const k = Number(button.dataset.word);
    button.setAttribute("aria-pressed", String(k === chosen));
    button.classList.toggle("looked", k === word);
  }
  const small = chosen === null ? null : byId("strip").children[chosen];
  // Once the dialog is open: before, nothing in it has a place.
  if (under === null && small) requestAnimationFrame(() => small.scrollIntoView({ block: "nearest", inline: "nearest" }));
}

/** How narrow the gaze was, in words: the picture alone cannot tell, its strongest region is always bright. */
function gaze(word) {
  const { image } = open;
  const weights = image.weights[word];
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(all > 0)) return `“${image.words[word]}”: no region has any weight`;
  const what = image.boxes ? "box" : "cell";
  const share = Math.max(...weights) / all;
  return `“${image.words[word]}”: ${percent(share)} of the attention on the strongest ${what}, ${+(share * weights.length).toPrecision(2)} times an even share`;
}

function look(word) {
  if (under === word || !open.image?.weights) return;
  under = word;
  drawLarge();
}

/** Listen to the words in the dialog: pointing and focus look, a click or tap chooses, w and b go on and back. */
export function wireWords() {
  const dialog = byId("detail");
  const wordOf = (event) => {
    const button = event.target.closest?.("[data-word]");
    return button ? Number(button.dataset.word) : null;
  };
  const choose = (word) => { under = null; go({ word }, { replace: true }); };
  dialog.addEventListener("pointerover", (event) => event.pointerType === "mouse" && look(wordOf(event)));
  dialog.addEventListener("pointerleave", () => look(null));
  dialog.addEventListener("focusin", (event) => event.target.matches(":focus-visible") && look(wordOf(event)));
  dialog.addEventListener("focusout", () => look(null));
  dialog.addEventListener("click", (event) => {
    const word = wordOf(event);
    if (word !== null) choose(word === pinned() ? null : word);
  });
  dialog.addEventListener("keydown", (event) => {
    const by = { w: 1, b: -1 }[event.key];
    if (!by || !open.image?.weights || event.ctrlKey || event.metaKey || event.altKey) return;
    const places = open.image.words.length + 1; // one more: no word, the bare picture
    const next = ((under ?? pinned() ?? -1) + 1 + by + places) % places - 1;
    choose(next < 0 ? null : next);
  });
}
