// What the page shows for each task: one entry a task, everything that differs between them.

import { markHeat } from "./attention.js";
import { drawCaption } from "./captiondetail.js";
import { showCaptions } from "./captions.js";
import { drawScores } from "./detail.js";
import { showImages } from "./images.js";
import { drawMasks } from "./maskdetail.js";
import { markLook, markSwitches, setLook } from "./overlay.js";
import { showOverview } from "./overview.js";
import { showSegments, swatch, voidItem } from "./segments.js";
import { drawWords } from "./spotdetail.js";
import { markWords } from "./spotlook.js";
import { showSpotOverview } from "./spotoverview.js";
import { showSpots } from "./spots.js";
import { byId, ofClass } from "./dom.js";

/**
 * views: the tabs. noun: what the list at the side and the table are of. beside: the column that the list shows.
 * search: where the search box leads to that finds what is not in the list, and in words; isBeside: also what is in it.
 * show, overview, detail: draw the grid, the view of everything, and one image; dialog: its classes.
 * prepare: called before each drawing. swatch, last: what stands beside each item of the list, and at its end.
 */
const ranked = {
  views: ["images", "classes"], noun: "class", nouns: "classes", all: "All classes", beside: "ap",
  show: showImages, detail: drawScores, dialog: "",
};

export const KINDS = {
  multilabel: ranked,
  classify: { ...ranked, views: ["images", "classes", "confusions"] },
  segment: {
    ...ranked, views: ["images", "classes", "confusions"], beside: "iou",
    show: showSegments, detail: drawMasks, dialog: "wide masks",
    prepare: (state, summary) => {
      setLook(state, summary);
      markLook(state);
      markSwitches(byId("class-list"));
    },
    swatch: (id, name, summary) => swatch(id, name, summary.colours[id]),
    last: voidItem,
  },
  caption: {
    views: ["images", "overview", "classes"], noun: "word", nouns: "words", all: "All images", beside: "recall",
    search: { to: (text) => ofClass(text), says: (text) => `images with “${text}”` },
    show: showCaptions, overview: showOverview, detail: drawCaption, dialog: "wide told", prepare: markHeat,
  },
  spot: {
    views: ["images", "overview", "classes"], noun: "word", nouns: "words", all: "All images", beside: "recall",
    search: { to: (text) => ofClass(null, { text }), says: (text) => `words with “${text}” in them`, isBeside: true },
    show: showSpots, overview: showSpotOverview, detail: drawWords, dialog: "wide spotted", prepare: markWords,
  },
};
