// The view of how words are found and read all in all: the protocols, what became of words, letters and texts misread.

import { byId, count, el, fraction, getJson, label, link, many, ofClass, percent } from "./dom.js";
import { ALARM, MARKS, MISREAD, MISSED, RIGHT, called, sample } from "./outlines.js";

const WHAT = { detection: "words found", end_to_end: "words found and read", word_spotting: "dictionary words found and read" };
const PARTS = ["precision", "recall", "hmean"];
const NAMES = ["right", "misread", "missed", "false alarm"]; // of outcomes, in what the server counts

export async function showSpotOverview(summary) {
  const found = await getJson(`/api/${encodeURIComponent(summary.evaluation)}/overview`);
  drawProtocols(found);
  drawNumbers(found);
  drawFates(found);
  for (const part of document.querySelectorAll("[data-read]")) part.hidden = !found.reads;
  if (!found.reads) return;
  drawConfused(found);
  drawMisread(found);
}

const head = (names) => el("thead", {}, el("tr", {}, ...names.map((name) => el("th", { scope: "col" }, name))));

function drawProtocols({ protocols, pooling }) {
  const cell = (value) => {
    const made = el("td", { class: value === null || value === undefined ? null : "share" }, fraction(value));
    made.style.setProperty("--share", value ?? 0);
    return made;
  };
  byId("protocol-table").replaceChildren(head(["protocol", ...PARTS.map(label)]),
    el("tbody", {}, ...protocols.map(([name, ...values]) => el("tr", {},
      el("th", { scope: "row" }, label(name), el("small", {}, ` ${WHAT[name] ?? ""}`)), ...values.map(cell)))));
  const notes = PARTS.filter((part) => pooling[part]).map((part) => `${label(part)}: ${pooling[part]}`);
  byId("protocol-note").textContent = notes.length ? `${notes.join("; ")}.` : "";
}

function drawNumbers({ metrics, decoding }) {
  byId("spot-metrics").replaceChildren(head(["metric", "", "how it was pooled"]),
    el("tbody", {}, ...metrics.map(([name, value, pooling]) => el("tr", {},
      el("th", { scope: "row" }, label(name)), el("td", {}, fraction(value)), el("td", {}, pooling ?? "–")))));
  const set = Object.entries(decoding).filter(([, value]) => value !== null).map(([name, value]) => `task.${name}=${value}`);
  byId("decoding").textContent = set.length ? `Found with ${set.join(" ")}` : "";
}

/** Two bars: what became of the words of the truth, and of the detections. */
function drawFates({ truth, found, reads }) {
  const bars = [[["word of the truth", "words of the truth"], truth, [RIGHT, MISREAD, MISSED]],
    [["detection", "detections"], found, [RIGHT, MISREAD, ALARM]]];
  byId("fates").replaceChildren(...bars.flatMap(([[one, more], counts, outcomes]) => {
    const times = (outcome) => counts[NAMES[outcome]];
    const all = outcomes.reduce((sum, outcome) => sum + times(outcome), 0);
    const bar = el("span", { class: "fate", "aria-hidden": "true" }, ...outcomes.filter(times).map((outcome) => {
      const made = el("i", { "data-outcome": outcome });
      made.style.flexGrow = times(outcome);
      return made;
    }));
    const name = (outcome) => many(times(outcome), called(outcome, reads), outcome === ALARM ? "false alarms" : called(outcome, reads));
    const legend = outcomes.filter((outcome) => reads || outcome !== MISREAD).map((outcome) => el("span", {}, sample(outcome),
      ` ${MARKS[outcome]} ${name(outcome)}`, el("span", { class: "quiet" }, all ? ` ${percent(times(outcome) / all)}` : "")));
    const ignored = counts["not cared for"];
    return [el("dt", {}, many(all, one, more), el("small", {}, ignored ? ` and ${count(ignored)} not cared for` : "")),
      el("dd", {}, bar, el("span", { class: "fate-legend" }, ...legend))];
  }));
}

function drawConfused({ confused, n_confused: all, truth }) {
  byId("confused-note").textContent = all
    ? `In misread words that are at least half right, ${many(all, "letter differs", "letters differ")} from the truth. Case is ignored.`
    : truth.misread ? "No misread word is at least half right." : "No word was misread.";
  const letter = (text, none) => text ? el("kbd", {}, text === " " ? "␣" : text) : el("span", { class: "quiet" }, none);
  byId("confused").replaceChildren(...confused.map(([truly, read, n, of]) => el("li", {},
    el("span", {}, letter(truly, "nothing"), el("span", { class: "quiet" }, " read as "), letter(read, "nothing")),
    shareBar(of ? Math.min(1, n / of) : 0),
    el("span", { class: "quiet" }, count(n), of ? ` of ${count(of)}` : ""))));
}

function drawMisread({ misread }) {
  byId("misread-note").hidden = misread.length > 0;
  byId("misread-texts").replaceChildren(...misread.map(([text, n, of, readings]) => el("li", {},
    link(ofClass(text, { show: "misread" }), {}, el("bdi", {}, text)),
    el("span", { class: "readings" }, el("span", { class: "quiet" }, "read "), ...readings.flatMap(([read, times], k) =>
      [k ? ", " : "", el("bdi", {}, read || "(nothing)"), times > 1 ? el("small", {}, ` ${count(times)}×`) : ""])),
    el("span", { class: "quiet" }, `${count(n)} of ${count(of)}`))));
}

function shareBar(share) {
  const bar = el("span", { class: "bar", "aria-hidden": "true" });
  bar.style.setProperty("--share", share);
  return bar;
}
