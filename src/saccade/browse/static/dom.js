// Small things all parts of the page use: elements, requests, numbers as text, and the address as the one state.

const LABELS = {
  ap: "AP", ap_11point: "AP, 11-point", map: "mAP", map_11point: "mAP, 11-point", auroc: "AUROC", f1: "F1",
  micro_f1: "micro F1", macro_f1: "macro F1", n_positive: "images", n_negative: "negatives", n_ignored: "ignored",
  n_predicted: "predicted", tail_accuracy: "Tailacc", tail_acc: "Tailacc",
};

export const byId = (id) => document.getElementById(id);
export const label = (name) => LABELS[name] ?? name.replaceAll("_", " ");
export const isCount = (name) => name.startsWith("n_");

/** An element; `attributes` whose value is null or false are left out, and children may be text. */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== false));
  return made;
}

/** A fraction of 1 with three decimals, or a dash where it is undefined. */
export const fraction = (value) => (value === null || value === undefined ? "–" : value.toFixed(3));
export const count = (value) => (value === null || value === undefined ? "–" : value.toLocaleString("en"));
export const many = (n, one, more) => `${count(n)} ${n === 1 ? one : more}`;

export async function getJson(path, parameters = {}) {
  const kept = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  const answer = await fetch(`${path}?${new URLSearchParams(kept)}`);
  const body = await answer.json();
  if (!answer.ok) throw new Error(typeof body.detail === "string" ? body.detail : "this address does not make sense");
  return body;
}

const DEFAULTS = {
  evaluation: null, view: "images", class: null, order: null, show: "all", page: "1", t: null, labelled: null,
  image: null, sort: null, dir: "desc",
};

/** The state of the page, read from its address; all values are strings or null. */
export function readState() {
  const query = new URLSearchParams(location.search);
  return Object.fromEntries(Object.keys(DEFAULTS).map((key) => [key, query.get(key) ?? DEFAULTS[key]]));
}

/** The address of the present state with some changes. */
export function address(changes) {
  const state = { ...readState(), ...changes };
  const kept = Object.entries(state).filter(([key, value]) => value !== null && String(value) !== DEFAULTS[key]);
  return `/?${new URLSearchParams(kept)}`;
}

/** Change the state; `replace` leaves no entry in the browser's history. */
export function go(changes, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", address(changes));
  dispatchEvent(new Event("statechange"));
}

/** A link that changes the state in place, and opens elsewhere like any other link. */
export function link(changes, attributes, ...children) {
  const follow = (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(changes);
  };
  return el("a", { href: address(changes), onclick: follow, ...attributes }, ...children);
}
