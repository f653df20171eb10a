// Masks over images: label maps from the server, the classes that are switched on, and their colours on a canvas.

import { byId, el, go } from "./dom.js";

export const VOID = 255;
/** The colours of errors: blue, vermilion, grey and, for one class, purple where it was invented. What is right, most
 *  of an image, is laid on thinly. */
const RIGHT = [0, 114, 178], WRONG = [213, 94, 0], UNKNOWN = [160, 160, 160], INVENTED = [204, 121, 167];
export const OVERS = { image: [], target: ["target"], prediction: ["prediction"], errors: ["target", "prediction"] };

/** How masks are drawn now; follows the page's address. */
export const look = { over: "prediction", table: null, on: null, chosen: null };

/** The mask of an image as {width, height, counts, ids}: pixels of each id in the whole mask, and the id of each here. */
export async function getMap(evaluation, row, kind, size) {
  const answer = await fetch(`/mask/${encodeURIComponent(evaluation)}/${row}/${kind}?size=${size}`);
  if (!answer.ok) throw new Error((await answer.json()).detail);
  const body = await answer.arrayBuffer();
  const [width, height] = new Uint16Array(body, 0, 2);
  return { width, height, counts: new Uint32Array(body, 4, 256), ids: new Uint8Array(body, 4 + 1024) };
}

/** Take over what the address says. */
export function setLook(state, summary) {
  const hidden = hiddenIds(state, summary);
  setOpacity(state);
  look.over = state.over in OVERS ? state.over : "prediction";
  look.chosen = state.class === null ? null : summary.table.findIndex(([name]) => name === state.class);
  look.on = Array.from({ length: 256 }, (_, id) => !hidden.has(id));
  look.table = Uint32Array.from({ length: 256 }, (_, id) => {
    const colour = id === VOID ? summary.void : summary.colours[id];
    return colour && look.on[id] ? rgba(colour, 255) : 0;
  });
}

/** How strongly whatever lies over an image covers it. */
export function setOpacity(state) {
  const opacity = Number(state.opacity);
  document.documentElement.style.setProperty("--opacity", opacity >= 0 && opacity <= 100 ? opacity / 100 : 0.6);
}

/** The ids that are switched off. A background covers most of an image and is off until one wants to see it. */
function hiddenIds(state, summary) {
  if (state.off === "none") return new Set();
  if (state.off !== null) return new Set(state.off.split(",").filter(Boolean).map(Number));
  const background = summary.table.findIndex(([name]) => name.toLowerCase() === "background");
  return new Set(background < 0 || state.class === summary.table[background][0] ? [] : [background]);
}

/** All ids that can be switched. */
export const switchable = (summary) => [...summary.colours.keys(), ...(summary.void ? [VOID] : [])];

/** Switch to the ids that are `off`. */
export const switchOff = (off) => go({ off: off.length ? off.join() : "none" }, { replace: true });

/** Listen to the switches of classes in a list. With Shift, one class alone is left. */
export function wireSwitches(list, summary) {
  list.addEventListener("click", (event) => {
    if (!event.target.matches("input.swatch")) return;
    const id = Number(event.target.value);
    const all = switchable(summary());
    switchOff(event.shiftKey ? all.filter((one) => one !== id)
      : all.filter((one) => one === id ? look.on[one] : !look.on[one]));
  });
}

/** Show in a list which classes are on. */
export function markSwitches(list) {
  for (const box of list.querySelectorAll("input.swatch")) {
    box.checked = look.on[Number(box.value)];
    box.parentElement.classList.toggle("off", !box.checked);
  }
}

/** Paint the masks that `look` asks for; a pixel of a class that is off lets the image through. */
export function paint(canvas, { target, prediction }) {
  const size = canvas.width * canvas.height;
  const pixels = new Uint32Array(size);
  const t = target && fitted(target, canvas), p = prediction && fitted(prediction, canvas);
  const over = canvas.dataset.over ?? look.over;
  if (over === "errors") {
    if (t && p) paintErrors(pixels, t, p);
  } else {
    const ids = { target: t, prediction: p }[over];
    if (ids) for (let k = 0; k < size; k++) pixels[k] = look.table[ids[k]];
  }
  canvas.getContext("2d").putImageData(
    new ImageData(new Uint8ClampedArray(pixels.buffer), canvas.width, canvas.height), 0, 0);
}

function paintErrors(pixels, target, prediction) {
  const [right, wrong, unknown, invented] = [RIGHT, WRONG, UNKNOWN, INVENTED].map((colour) => rgba(colour, colour === RIGHT ? 110 : 255));
  const { on, chosen } = look;
  for (let k = 0; k < pixels.length; k++) {
    const t = target[k], p = prediction[k];
    if (t === VOID) pixels[k] = on[VOID] ? unknown : 0;
    else if (chosen !== null) pixels[k] = t === chosen ? (p === t ? right : wrong) : p === chosen ? invented : 0;
    else if (on[t] || on[p]) pixels[k] = t === p ? right : wrong;
  }
}

/** What the colours of errors mean. */
export function errorDots(summary) {
  const meanings = [[RIGHT, "right"], [WRONG, look.chosen === null ? "wrong" : "missed"]];
  if (look.chosen !== null) meanings.push([INVENTED, "invented"]);
  if (summary.void) meanings.push([UNKNOWN, "void"]);
  return meanings.map(([colour, words]) => {
    const dot = el("i", { class: "dot" });
    dot.style.background = css(colour);
    return el("span", { class: "quiet" }, dot, ` ${words}`);
  });
}

/** The ids of a map on the grid of a canvas: those nearest to the centres of its pixels. */
export function fitted({ width, height, ids }, canvas) {
  if (width === canvas.width && height === canvas.height) return ids;
  const made = new Uint8Array(canvas.width * canvas.height);
  const columns = Array.from({ length: canvas.width }, (_, x) => Math.floor((x + 0.5) * width / canvas.width));
  for (let y = 0, k = 0; y < canvas.height; y++) {
    const start = Math.floor((y + 0.5) * height / canvas.height) * width;
    for (const x of columns) made[k++] = ids[start + x];
  }
  return made;
}

export const css = (colour) => `rgb(${colour.join()})`;
const rgba = ([red, green, blue], alpha) => (alpha << 24 | blue << 16 | green << 8 | red) >>> 0;

const CHOICES = ["over", "layout", "heat"]; // keys of the address that buttons set

/** The buttons and sliders that say how masks are drawn, over the grid and over one image. */
export function wireLook() {
  for (const key of CHOICES) {
    for (const button of document.querySelectorAll(`button[data-${key}]`)) {
      button.addEventListener("click", () => go({ [key]: button.dataset[key] }, { replace: true }));
    }
  }
  for (const slider of document.querySelectorAll("input.opacity")) {
    slider.addEventListener("input", () => {
      document.documentElement.style.setProperty("--opacity", slider.value / 100);
    });
    slider.addEventListener("change", () => go({ opacity: slider.value }, { replace: true }));
  }
  addEventListener("keydown", pressed);
}

/** A letter chooses what lies over the image, so that one can compare without looking away. */
function pressed(event) {
  const over = { i: "image", t: "target", p: "prediction", e: "errors" }[event.key];
  if (!over || byId("look").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!event.target.matches("input[type=search], input[type=number], select")) go({ over }, { replace: true });
}

/** Show on the buttons and sliders what is chosen. */
export function markLook(state) {
  const chosen = { ...state, over: look.over };
  for (const key of CHOICES) {
    for (const button of document.querySelectorAll(`button[data-${key}]`)) {
      button.setAttribute("aria-pressed", String(button.dataset[key] === chosen[key]));
    }
  }
  for (const slider of document.querySelectorAll("input.opacity")) {
    if (document.activeElement !== slider) slider.value = state.opacity;
  }
}
