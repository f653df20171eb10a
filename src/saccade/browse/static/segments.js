// The view of images for masks: each image under what is predicted in it, worst first.

import { afterDrawing, byId, count, drawFacts, el, fraction, link, many } from "./dom.js";
import { drawControls, drawGrid, unreadable } from "./images.js";
import { OVERS, VOID, css, errorDots, getMap, look, markSwitches, paint, switchOff, switchable } from "./overlay.js";

const FILTERS = { all: "All", misses: "With a class all wrong" };
const OF_CLASS = { all: "All", misses: "Missed or invented" };
const SIZE = 360; // of what a tile asks for
const overlays = new WeakMap(); // by canvas

export function showSegments(state, summary, page) {
  byId("cut").hidden = true;
  drawHead(state, summary, page);
  drawSwitches(state, summary);
  byId("legend").replaceChildren(...(look.over === "errors" ? errorDots(summary) : []));
  const [filters, name] = state.class === null ? [FILTERS, "mean IoU"] : [OF_CLASS, "IoU"];
  drawControls(state, page, filters,
    { worst: `Worst ${name}`, best: `Best ${name}`, loss: "Worst loss", least_loss: "Least loss" });
  drawGrid(state, summary, page, { picture, caption });
  for (const canvas of byId("grid").querySelectorAll("canvas")) draw(overlays.get(canvas));
}

function drawHead(state, summary, page) {
  byId("title").textContent = byId("chosen").textContent = state.class ?? "All classes";
  const row = summary.table.find(([name]) => name === state.class);
  byId("subtitle").textContent = row
    ? `occurs in ${count(page.counts.all)} of ${many(summary.n, "image", "images")}, in target or prediction`
    : `${many(summary.n, "image", "images")} · ${many(summary.table.length, "class", "classes")}`;
  drawFacts(byId("headline"), row
    ? ["iou", "accuracy", "precision"].map((name) => [name, row[summary.columns.indexOf(name) + 1]])
    : ["miou", "pixel_accuracy", "mean_dice"].map((name) => [name, summary.metrics[name]]));
  byId("alone").hidden = false;
  byId("alone").textContent = row
    ? "Above: over all pixels of the split. At an image: the IoU in that image alone."
    : "Above: over all pixels of the split. At an image: its own mean over the classes in it, which ranks it; mIoU is not an average of these.";
}

/** A switch for a class, in its colour. */
export function swatch(id, name, colour) {
  const box = el("input", { type: "checkbox", class: "swatch", value: id,
    "aria-label": `${name} in the overlays`, title: `${name} in the overlays; with Shift: it alone` });
  box.style.setProperty("--colour", css(colour));
  return box;
}

function drawSwitches(state, summary) {
  const all = switchable(summary);
  const button = (text, off) => el("button", { type: "button", onclick: () => switchOff(off) }, text);
  const chosen = summary.table.findIndex(([name]) => name === state.class);
  byId("switches").hidden = false;
  byId("switches").replaceChildren("Overlays: ", button("all", []), button("none", all),
    ...(chosen < 0 ? [] : [button(`only ${state.class}`, all.filter((id) => id !== chosen))]));
  markSwitches(byId("class-list"));
}

function picture(tile, summary) {
  const image = tile.problem
    ? el("span", { class: "placeholder" }, tile.problem)
    : el("img", { alt: tile.image, loading: "lazy", decoding: "async", onerror: unreadable });
  const canvas = el("canvas", { "aria-hidden": "true" });
  const overlay = { canvas, tile, image, evaluation: summary.evaluation, maps: {}, ready: Boolean(tile.problem) };
  overlays.set(canvas, overlay);
  image.addEventListener("load", () => { overlay.ready = true; draw(overlay); });
  const source = `/image/${encodeURIComponent(summary.evaluation)}/${tile.row}?size=${SIZE}`;
  if (!tile.problem) afterDrawing(() => { image.src = source; });
  return link({ image: tile.row }, { class: "frame masked", title: tile.image }, image, canvas);
}

/** Ask for the masks that the overlay of a tile needs, and paint it; one that has not come into sight waits. */
async function draw(overlay) {
  if (!overlay.ready) return;
  const { canvas, tile, image } = overlay;
  const wanted = new Set(OVERS[look.over]);
  if (tile.iou === 0) wanted.add("target"); // says whether the class was missed or invented
  await Promise.all([...wanted].filter((kind) => !tile.mask_problems[kind] && !(kind in overlay.maps)).map(async (kind) => {
    overlay.maps[kind] = await getMap(overlay.evaluation, tile.row, kind, SIZE).catch(() => null);
  }));
  const grid = image.naturalWidth ? { width: image.naturalWidth, height: image.naturalHeight }
    : overlay.maps.prediction ?? overlay.maps.target;
  if (!grid) return;
  Object.assign(canvas, { width: grid.width, height: grid.height });
  paint(canvas, overlay.maps);
  canvas.parentElement.classList.toggle("bare", !image.naturalWidth && look.over !== "image");
  const badge = canvas.closest(".tile")?.querySelector(".badge");
  if (badge) Object.assign(badge, verdict(0, look.chosen, overlay.maps.target));
}

/** What an IoU of 0 is, in words: the class is in the target and was missed, or is not and was invented. */
export function verdict(iou, id, target) {
  if (iou !== 0) return { textContent: "", className: "badge" };
  if (!target) return { textContent: "all wrong", className: "badge" };
  return target.counts[id] > 0 ? { textContent: "✗ missed", className: "badge missed" }
    : { textContent: "! invented", className: "badge alarmed" };
}

function caption(tile, state) {
  const line = (name, ...parts) => el("p", { class: name }, ...parts);
  const byLoss = state.order === "loss" || state.order === "least_loss";
  const more = `pixel accuracy ${fraction(tile.pixel_accuracy)}`;
  const loss = byLoss ? ` · loss ${fraction(tile.loss)}` : "";
  if (state.class === null) {
    return [line("first", el("strong", {}, fraction(tile.mean_iou)), el("span", { class: "quiet" }, "mean IoU")),
      line("second", more, loss)];
  }
  return [
    line("first", el("strong", {}, fraction(tile.iou)), el("span", { class: "quiet" }, "IoU"),
      tile.iou === 0 ? el("span", { class: "badge" }) : null),
    line("second", `mean IoU ${fraction(tile.mean_iou)}`, loss),
    line("second", more),
  ];
}

/** Rows of the switches that the list of classes has at its end: void is no class, but can be seen. */
export const voidItem = (summary) => summary.void
  ? [el("li", { class: "switch" }, el("span", { class: "quiet void", title: "void" }, "void, not scored"), swatch(VOID, "void", summary.void))]
  : [];
