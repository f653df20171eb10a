// What all parts of the page use: elements, requests, numbers as text, and the page's address as its one state.

const LABELS = {
  ap: "AP", ap_11point: "AP 11-point", map: "mAP", map_11point: "mAP 11-point", auroc: "AUROC", f1: "F1",
  micro_f1: "micro F1", macro_f1: "macro F1", n_positive: "positives", n_negative: "negatives",
  n_ignored: "ignored", n_predicted: "predicted", tail_accuracy: "Tailacc",
  iou: "IoU", miou: "mIoU", fwiou: "fwIoU", n_pixels: "pixels",
  bleu1: "BLEU-1", bleu2: "BLEU-2", bleu3: "BLEU-3", bleu4: "BLEU-4", meteor: "METEOR", rouge_l: "ROUGE-L", cider: "CIDEr-D",
  n_referred: "in references", n_said: "in captions", n_both: "in both",
  hmean: "H-mean", end_to_end: "end-to-end", end_to_end_hmean: "end-to-end H-mean", detection_hmean: "detection H-mean",
  word_spotting_hmean: "word spotting H-mean", end_to_end_precision: "end-to-end precision", end_to_end_recall: "end-to-end recall", cer: "CER",
  n_truth: "in truth", n_right: "right", n_misread: "misread", n_missed: "missed", n_alarms: "false alarms",
};

export const byId = (id) => document.getElementById(id);
export const label = (name) => LABELS[name] ?? name.replaceAll("_", " ");

/** Metrics of an evaluation as (name, value); those of the class in question are called by its name. */
export const metricsOf = (summary) => Object.entries(summary.metrics).map(([name, value]) =>
  [name.startsWith("positive_") ? `${label(name.slice("positive_".length))} of ${summary.positive}` : name, value]);

/** An element. Attributes that are null or false are left out, `on...` are listeners; children may be text. */
export function el(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Do what can wait until the page has been drawn. */
export const afterDrawing = (action) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(action)));

/** A fraction of 1, or a loss, with three decimals; a dash where it is undefined. */
export const fraction = (value) => (value ?? null) === null ? "–" : (Math.round(value * 1000) / 1000 || 0).toFixed(3);
export const count = (value) => (value ?? null) === null ? "–" : value.toLocaleString("en");
export const percent = (share) => share > 0 && share < 0.0095 ? `${(share * 100).toFixed(1)} %` : `${Math.round(share * 100)} %`;
export const many = (n, one, more) => `${count(n)} ${n === 1 ? one : more}`;

/** Fill a list of named numbers. */
export function drawFacts(list, facts) {
  list.replaceChildren(...facts.map(([name, value]) =>
    el("div", {}, el("dt", {}, label(name)), el("dd", {}, fraction(value)))));
}

/** What the server answers; parameters that are null are left out. */
export async function getJson(path, parameters = {}) {
  const kept = Object.entries(parameters).filter(([, value]) => value !== null);
  const answer = await fetch(kept.length ? `${path}?${new URLSearchParams(kept)}` : path);
  const body = await answer.json();
  if (!answer.ok) throw new Error(typeof body.detail === "string" ? body.detail : "this address makes no sense");
  return body;
}

const DEFAULTS = {
  evaluation: null, view: "images", class: null, order: null, show: "all", page: "1", t: null, labelled: null,
  image: null, sort: null, dir: "down", over: "prediction", opacity: "60", off: null, layout: "side",
  caption: null, word: null, heat: "smooth", text: null, lines: "both", map: "off", tags: "on",
};

let sketched = {}; // changes that are shown but not yet in the address: browsers slow down frequent changes of it

/** The state of the page as its address says; texts or null. */
export function readState() {
  const query = new URLSearchParams(location.search);
  const written = Object.fromEntries(Object.entries(DEFAULTS).map(([key, value]) => [key, query.get(key) ?? value]));
  return { ...written, ...sketched };
}

/** Show some changes without writing them down, as while a slider moves; the next `go` writes them. */
export function sketch(changes) {
  sketched = { ...sketched, ...changes };
  dispatchEvent(new Event("statechange"));
}

addEventListener("popstate", () => { sketched = {}; });

/** The address of the present state with some changes. */
export function address(changes) {
  const state = Object.entries({ ...readState(), ...changes });
  const query = new URLSearchParams(state.filter(([key, value]) => value !== null && String(value) !== DEFAULTS[key]));
  return query.size ? `/?${query}` : "/";
}

/** Change the state and show it; `replace` leaves no entry in the browser's history. */
export function go(changes, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", address(changes));
  sketched = {};
  dispatchEvent(new Event("statechange"));
}

/** The changes that lead to the images of a class or word, or with null of all. */
export const ofClass = (name, more = {}) =>
  ({ view: "images", class: name, page: 1, show: "all", order: null, labelled: null, caption: null, text: null, image: null, word: null, ...more });

/** A link that changes the state in place, and opens elsewhere like any other link.
 *  Where there are thousands, a simple `href` given with the attributes saves the time of working them all out. */
export function link(changes, attributes, ...children) {
  const follow = (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(changes);
  };
  // The address is written late: the state may have changed since the link was made.
  const write = (event) => event.currentTarget.setAttribute("href", address(changes));
  return el("a", { href: attributes.href ?? address(changes), onclick: follow, onpointerdown: write, ...attributes }, ...children);
}
