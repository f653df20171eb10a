// Attention over a picture: the weights of one word as heat over the grid of regions, or as boxes.

import { setOpacity, markLook } from "./overlay.js";

const HEAT = [[86, 22, 140], [228, 60, 60], [255, 244, 120]]; // from little to most
const BOX = [255, 208, 40], EDGE = [20, 16, 8];
const FAINT = 0.04; // a box with less of the greatest weight is not drawn

/** How attention is drawn now; follows the page's address. */
export const heat = { smooth: true };

/** Take over what the address says. */
export function markHeat(state) {
  heat.smooth = state.heat !== "cells";
  setOpacity(state);
  markLook({ ...state, heat: heat.smooth ? "smooth" : "cells" });
}

/** Paint what one word looked at; the strongest region is painted the same way, however strong it is. */
export function paintAttention(canvas, weights, regions, boxes) {
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  const most = weights ? Math.max(...weights) : 0;
  if (!(most > 0)) return;
  const shares = weights.map((weight) => weight / most);
  if (boxes) paintBoxes(context, canvas, shares, boxes);
  else paintGrid(context, canvas, shares, regions);
}

/** The part of the picture that the network saw, in pixels of the canvas. */
export function seen({ resize, resize_crop: share }, { width, height }) {
  if (resize !== "crop") return { x: 0, y: 0, width, height };
  const side = Math.min(1, share) * Math.min(width, height);
  return { x: (width - side) / 2, y: (height - side) / 2, width: side, height: side };
}

function paintGrid(context, canvas, shares, regions) {
  const grid = new OffscreenCanvas(regions.width, regions.height);
  const pixels = new Uint8ClampedArray(shares.flatMap((share) => [...hue(share), 255 * Math.sqrt(share)]));
  grid.getContext("2d").putImageData(new ImageData(pixels, regions.width, regions.height), 0, 0);
  const { x, y, width, height } = seen(regions, canvas);
  context.fillStyle = "rgb(0 0 0 / 0.6)"; // over what the network did not see
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.clearRect(x, y, width, height);
  context.imageSmoothingEnabled = heat.smooth;
  context.imageSmoothingQuality = "high";
  context.drawImage(grid, x, y, width, height);
}

/** The colour of a share, from little to most. */
export function hue(share) {
  const place = share * (HEAT.length - 1);
  const k = Math.min(Math.floor(place), HEAT.length - 2);
  return HEAT[k].map((from, channel) => from + (HEAT[k + 1][channel] - from) * (place - k));
}

/** The strongest last, so that it lies on top; its width and opacity follow its weight. */
function paintBoxes(context, canvas, shares, boxes) {
  const unit = Math.max(1, Math.max(canvas.width, canvas.height) / 400);
  const order = [...shares.keys()].filter((k) => shares[k] >= FAINT).sort((a, b) => shares[a] - shares[b]);
  for (const k of order) {
    const [x0, y0, x1, y1] = boxes[k];
    const box = [x0 * canvas.width, y0 * canvas.height, (x1 - x0) * canvas.width, (y1 - y0) * canvas.height];
    context.fillStyle = `rgb(${BOX.join(" ")} / ${0.3 * shares[k]})`;
    context.fillRect(...box);
    for (const [colour, wider] of [[EDGE, 2], [BOX, 0]]) { // an edge is seen on a bright picture, too
      context.strokeStyle = `rgb(${colour.join(" ")} / ${shares[k]})`;
      context.lineWidth = (0.6 + 2.4 * shares[k] + wider * shares[k]) * unit;
      context.strokeRect(...box);
    }
  }
}
