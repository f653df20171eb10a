// One image of a segmentation in the dialog: image, target, prediction and errors, side by side or blended.

import { byId, el, fraction, link, ofClass } from "./dom.js";
import { loadPicture } from "./images.js";
import { OVERS, VOID, errorDots, fitted, getMap, look, markLook, markSwitches, paint } from "./overlay.js";
import { swatch, verdict } from "./segments.js";

const SIZE = 1280;
const NAMES = { image: "Image", target: "Target", prediction: "Prediction", errors: "Errors" };
let open = { row: null }; // the image in the dialog, its picture and its masks

/** Show an image; the dialog keeps the one before until all of the next is there. */
export async function drawMasks(image, state, summary) {
  const id = `${summary.evaluation}/${image.row}/${state.class}`;
  if (open.id !== id) {
    const loaded = await load(image, summary.evaluation);
    open = { id, row: image.row, ...loaded };
    drawNumbers(image, state, summary);
  }
  drawPanes(image, state, summary);
  markSwitches(byId("detail-scores"));
  markLook(state);
}

/** Picture and masks; null for what is not there. */
async function load(image, evaluation) {
  const map = async (kind) => {
    if (image.mask_problems[kind]) return null;
    return getMap(evaluation, image.row, kind, SIZE).catch((error) => { image.mask_problems[kind] = error.message; return null; });
  };
  const [shown, target, prediction] = await Promise.all([loadPicture(image, evaluation, SIZE), map("target"), map("prediction")]);
  return { picture: shown, maps: { target, prediction }, problems: { ...image.mask_problems, image: image.problem } };
}

function drawPanes(image, state, summary) {
  const overs = state.layout === "blend" ? [look.over] : Object.keys(OVERS);
  const panes = byId("detail-image");
  panes.dataset.panes = overs.length;
  panes.replaceChildren(...overs.map((over) => pane(over, image, summary)));
}

function pane(over, image, summary) {
  const problem = OVERS[over].map((kind) => open.problems[kind]).find(Boolean) ?? (over === "image" ? open.problems.image : null);
  const grid = open.picture ? { width: open.picture.naturalWidth, height: open.picture.naturalHeight }
    : open.maps.prediction ?? open.maps.target;
  const caption = el("figcaption", {}, NAMES[over]);
  if (over === "errors") caption.append(...errorDots(summary));
  if (problem || !grid) return el("figure", {}, caption, el("span", { class: "placeholder" }, problem ?? "nothing to show"));
  const canvas = el("canvas", { "data-over": over, width: grid.width, height: grid.height, role: "img",
    "aria-label": `${NAMES[over]} of ${image.image}` });
  paint(canvas, open.maps);
  const stack = el("div", { class: open.picture ? "stack" : "stack bare", onpointermove: (event) => tell(event, canvas, summary),
    onpointerleave: () => { byId("under").textContent = ""; } }, open.picture?.cloneNode() ?? null, canvas);
  return el("figure", {}, caption, stack);
}

/** Say which classes lie under the pointer. */
function tell(event, canvas, summary) {
  const box = canvas.getBoundingClientRect();
  const scale = Math.min(box.width / canvas.width, box.height / canvas.height); // as `object-fit: contain` does
  const x = Math.floor((event.clientX - box.x - (box.width - canvas.width * scale) / 2) / scale);
  const y = Math.floor((event.clientY - box.y - (box.height - canvas.height * scale) / 2) / scale);
  const inside = x >= 0 && y >= 0 && x < canvas.width && y < canvas.height;
  const name = (map) => {
    const id = fitted(map, canvas)[y * canvas.width + x];
    return id === VOID ? "void" : summary.table[id]?.[0] ?? id;
  };
  byId("under").textContent = inside ? Object.entries(open.maps).filter(([, map]) => map)
    .map(([kind, map]) => `${kind}: ${name(map)}`).join(" · ") : "";
}

function drawNumbers(image, state, summary) {
  const part = (name, value) => el("span", {}, `${name} ${fraction(value)}`);
  byId("detail-facts").replaceChildren(part("mean IoU", image.mean_iou), " · ", part("pixel accuracy", image.pixel_accuracy),
    " · ", part("loss", image.loss), el("br", {}), el("small", {}, "These numbers are of this image alone."));
  byId("detail-scores").setAttribute("aria-label", "IoU of all classes in this image");
  const lines = image.classes.map(({ id, iou }) => line(id, iou, state, summary));
  if (summary.void) lines.push(el("li", {}, swatch(VOID, "void", summary.void), el("span", { class: "quiet" }, "void")));
  const list = byId("detail-scores");
  const held = list.contains(document.activeElement);
  list.replaceChildren(...lines);
  if (held) byId("detail").focus(); // else the keys that lead on would be heard no more
}

function line(id, iou, state, summary) {
  const name = summary.table[id][0];
  const bar = el("span", { class: "bar", "aria-hidden": "true" });
  bar.style.setProperty("--share", iou ?? 0);
  const { textContent, className } = verdict(iou, id, open.maps.target);
  const to = link(ofClass(name), {}, name);
  return el("li", { class: name === state.class ? "chosen" : null }, swatch(id, name, summary.colours[id]), to,
    iou === null ? el("span", { class: "quiet" }, "not in it") : bar, el("span", { class: "score" }, fraction(iou)),
    el("span", { class: className }, textContent));
}
