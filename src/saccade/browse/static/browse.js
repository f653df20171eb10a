// The page: reads its address, asks the server, hands the answer to the views, and listens to the keyboard.

import { address, afterDrawing, byId, el, fraction, getJson, go, link, ofClass, readState, sketch } from "./dom.js";
import { showDetail, wireDetail } from "./detail.js";
import { wireWords } from "./captiondetail.js";
import { getImages, turnPage } from "./images.js";
import { KINDS } from "./kinds.js";
import { wireLook, wireSwitches } from "./overlay.js";
import { wireWordList } from "./spotdetail.js";
import { wireWordLook } from "./spotlook.js";
import { showClasses, showConfusions } from "./tables.js";

const VIEWS = ["images", "overview", "classes", "confusions"];
const IN_SIGHT = 60; // classes that the list shows without scrolling, on a high screen
let summary = null;
let kind = null; // of the task: what differs from the others
let busy = false;
let again = false;

/** Show the state of the address. Calls during a running one make one more run at its end, with the newest state. */
async function show() {
  document.body.dataset.ready = "false";
  again = busy;
  if (busy) return;
  busy = true;
  try {
    await showState(readState());
    byId("problem").hidden = true;
  } catch (error) {
    for (const name of VIEWS) byId(`view-${name}`).hidden = true;
    byId("problem").hidden = false;
    byId("problem").replaceChildren(`This cannot be shown: ${error.message}. `, el("a", { href: "/" }, "Start afresh"));
  } finally {
    busy = false;
    document.body.dataset.ready = String(!again);
  }
  if (again) show();
}

async function showState(state) {
  const evaluation = state.evaluation ?? document.body.dataset.first;
  let view = VIEWS.includes(state.view) ? state.view : "images";
  let page = view === "images" ? getImages(state, evaluation) : null;
  page?.catch(() => {}); // if the summary fails first, that is what is said
  if (summary?.evaluation !== evaluation) {
    summary = await getJson(`/api/${encodeURIComponent(evaluation)}/summary`);
    await page?.catch(() => {}); // drawn together, they are laid out once
    kind = KINDS[summary.task];
    drawNames();
    drawClassList();
    byId("evaluation").value = evaluation;
    byId("origin").textContent = [
      summary.checkpoint,
      summary.epoch === null ? null : `epoch ${summary.epoch}`,
      summary.folds === null ? null : summary.out_of_fold ? "out of fold" : `average of ${summary.folds} folds`,
      summary.optimistic ? "optimistic: this split chose the epoch" : null,
    ].filter(Boolean).join(" · ");
    byId("missing").hidden = summary.missing_data === null;
    byId("missing").textContent = `The images are not where they were when the split was scored`
      + (summary.missing_data ? ` (${summary.missing_data})` : "")
      + ". Start again with data.root=PATH, where they are now; until then the page shows the numbers without them.";
  }
  if (!kind.views.includes(view)) [view, page] = ["images", getImages(state, evaluation)];
  for (const name of VIEWS) byId(`view-${name}`).hidden = name !== view;
  drawTabs(state, view);
  markClass(state);
  document.title = `${state.class ?? kind.all} · ${document.body.dataset.run} · saccade`;
  kind.prepare?.(state, summary);
  if (view === "overview") await kind.overview(summary);
  if (view === "classes") showClasses(state, summary, kind);
  if (view === "confusions") await showConfusions(summary);
  if (view === "images") kind.show(state, summary, await page);
  await showDetail(state, summary, kind);
}

/** Call everything by the names of the task, and show its controls alone. */
function drawNames() {
  for (const part of document.querySelectorAll("[data-task]")) part.hidden = part.dataset.task !== summary.task;
  for (const part of document.querySelectorAll("[data-noun]")) part.textContent = capital(kind[part.dataset.noun]);
  byId("find").placeholder = `Find a ${kind.noun}`;
  byId("find").setAttribute("aria-label", `Find a ${kind.noun}`);
  byId("class-list").setAttribute("aria-label", capital(kind.nouns));
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);

function drawTabs(state, view) {
  for (const tab of document.querySelectorAll(".tabs a")) {
    tab.href = address({ view: tab.dataset.view, image: null });
    tab.hidden = !kind.views.includes(tab.dataset.view);
    if (tab.dataset.view === view) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
}

function drawClassList() {
  const column = summary.columns.indexOf(kind.beside) + 1;
  const number = new Map(summary.table.map(([name], id) => [name, id]));
  const item = (name, text, value) => el("li", {},
    link(ofClass(name),
      { "data-class": name ?? "", title: text, href: name === null ? "/" : `/?class=${encodeURIComponent(name)}` }, el("span", {}, text), el("small", {}, value)),
    (name !== null && kind.swatch?.(number.get(name), name, summary)) || null);
  const items = (rows) => rows.map((row) => item(row[0], row[0], column ? fraction(row[column]) : ""));
  const list = byId("class-list");
  list.replaceChildren(item(null, kind.all, ""), ...items(summary.table.slice(0, IN_SIGHT)));
  filterClasses();
  const drawn = summary;
  afterDrawing(() => {
    if (summary !== drawn) return; // another split was chosen meanwhile
    list.append(...items(summary.table.slice(IN_SIGHT)), ...(kind.last?.(summary) ?? []));
    kind.prepare?.(readState(), summary);
    filterClasses();
    markClass(readState());
  });
}

function markClass(state) {
  const list = byId("class-list");
  list.querySelector("[aria-current]")?.removeAttribute("aria-current");
  const name = state.class ?? (state.text === null ? "" : null); // a search is none of the list
  const chosen = [...list.querySelectorAll("a")].find((one) => one.dataset.class === name);
  chosen?.setAttribute("aria-current", "true");
  if (state.class !== null) chosen?.scrollIntoView({ block: "nearest" });
}

function filterClasses() {
  if (!kind) return;
  const wanted = byId("find").value.trim().toLowerCase();
  let found = 0;
  for (const one of byId("class-list").children) {
    one.hidden = !one.firstChild.title.toLowerCase().includes(wanted);
    found += one.hidden ? 0 : 1;
  }
  const isListed = summary.table.some(([name]) => name.toLowerCase() === wanted);
  const typed = wanted !== "" && kind.search && (kind.search.isBeside || !isListed);
  byId("none-found").hidden = found > 0 && !typed;
  byId("none-found").replaceChildren(...(typed
    ? [kind.search.isBeside ? "All " : "Not in this list: ", link(kind.search.to(wanted), { id: "any-word" }, kind.search.says(wanted))]
    : [`No ${kind.noun} has this in its name.`]));
}

function openSide(open) {
  document.body.classList.toggle("choosing", open);
  byId("open-side").setAttribute("aria-expanded", String(open));
  if (open) byId("find").focus();
}

function moveThreshold({ target }) {
  if (target.value !== "" && target.validity.valid) sketch({ t: target.value });
}

function pressed(event) {
  const field = event.target.closest("input, select, textarea, dialog");
  if (event.ctrlKey || event.metaKey || event.altKey || byId("detail").open) return;
  if (event.key === "Escape") openSide(false);
  if (field) return;
  if (event.key === "/") {
    event.preventDefault();
    openSide(true);
    byId("find").select();
  }
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (by && !byId("view-images").hidden && turnPage(by)) scrollTo(0, 0);
}

/** In the list of classes: down and up move, Enter in the search box takes what is called so, or the first that is left. */
function pressedInSide(event) {
  const visible = [...byId("class-list").querySelectorAll("li:not([hidden]) a")];
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by) {
    event.preventDefault();
    const place = visible.indexOf(document.activeElement) + by;
    (visible[place] ?? byId("find")).focus();
  } else if (event.key === "Enter" && event.target === byId("find")) {
    const exact = visible.find((one) => one.dataset.class.toLowerCase() === event.target.value.trim().toLowerCase());
    (exact ?? byId("any-word") ?? visible[0])?.click();
  }
}

function wire() {
  for (const tab of document.querySelectorAll(".tabs a")) {
    tab.addEventListener("click", (event) => {
      event.preventDefault();
      go({ view: tab.dataset.view, image: null });
    });
  }
  byId("evaluation").addEventListener("change", (event) =>
    go({ evaluation: event.target.value, page: 1, image: null, labelled: null, off: null, caption: null, text: null, word: null }));
  byId("order").addEventListener("change", (event) => go({ order: event.target.value, page: 1 }));
  for (const field of [byId("threshold"), byId("threshold-number")]) {
    field.addEventListener("input", moveThreshold);
    field.addEventListener("change", () => go({}, { replace: true }));
  }
  byId("threshold-reset").addEventListener("click", () => go({ t: null }, { replace: true }));
  byId("find").addEventListener("input", filterClasses);
  byId("side").addEventListener("keydown", pressedInSide);
  byId("side").addEventListener("click", (event) => {
    if (!event.target.closest("a")) return; // such as a switch beside it
    openSide(false);
    scrollTo(0, 0);
  });
  byId("open-side").addEventListener("click", () => openSide(true));
  byId("close-side").addEventListener("click", () => openSide(false));
  addEventListener("keydown", pressed);
  addEventListener("statechange", show);
  addEventListener("popstate", show);
  wireDetail();
  wireLook();
  wireWords();
  wireWordLook();
  wireWordList();
  for (const list of [byId("class-list"), byId("detail-scores")]) wireSwitches(list, () => summary);
}

wire();
show();
