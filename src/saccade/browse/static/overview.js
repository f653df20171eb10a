// The view of what a captioning model says all in all: its numbers, how long, how varied, and what never.

import { byId, count, el, fraction, getJson, label, link, many, ofClass, percent } from "./dom.js";
import { svg } from "./images.js";

export async function showOverview(summary) {
  const found = await getJson(`/api/${encodeURIComponent(summary.evaluation)}/overview`);
  drawMetrics(found.metrics);
  drawVariety(found);
  drawLengths(found);
  drawFrequent(found);
  drawNever(found);
}

function drawMetrics(metrics) {
  byId("metric-table").replaceChildren(
    el("thead", {}, el("tr", {}, ...["metric", "", "how it was pooled"].map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, ...metrics.map(([name, value, pooling]) => el("tr", {},
      el("th", { scope: "row" }, label(name)), el("td", {}, fraction(value)), el("td", {}, pooling ?? "–")))));
}

function drawVariety(found) {
  const facts = [
    ["different captions", count(found.n_captions), ` of ${count(found.n)}`],
    ["words said", count(found.n_said), ""],
    ["words in references", count(found.n_referred), ""],
    ...(found.n_empty ? [["empty captions", count(found.n_empty), ""]] : []),
  ];
  byId("variety").replaceChildren(...facts.map(([name, value, more]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, value, el("small", {}, more)))));
}

/** Shares of the captions above the line, of the references below it, by their number of words. */
function drawLengths({ lengths, median_length: median }) {
  const longest = Math.max(...Object.values(lengths).map((bins) => bins.findLastIndex((n) => n > 0)), 1);
  const end = lengths.captions.length - 1;
  const width = 100 / (longest + 1);
  const bars = [["captions", "present", -1], ["references", "absent", 1]].flatMap(([side, name, sign]) => {
    const all = lengths[side].reduce((sum, n) => sum + n, 0);
    const most = Math.max(...Object.values(lengths).map((bins) => Math.max(...bins) / Math.max(1, bins.reduce((sum, n) => sum + n, 0))));
    return lengths[side].slice(0, longest + 1).map((n, k) => {
      const height = all ? 30 * n / all / most : 0;
      const bar = svg("rect", { x: (k + 0.1) * width, y: sign < 0 ? 32 - height : 32, width: 0.8 * width, height, class: name });
      const title = svg("title", {});
      title.textContent = `${k}${k === end ? " and more" : ""} words: ${many(n, side.slice(0, -1), side)}, ${percent(all ? n / all : 0)}`;
      bar.append(title);
      return bar;
    });
  });
  const said = (side) => `${side}: median ${median[side] ?? "–"} words`;
  byId("lengths").setAttribute("aria-label", `Number of words. ${said("captions")}; ${said("references")}`);
  byId("lengths").replaceChildren(...bars);
  const ticks = [...new Set([0, 1, 2, 3, 4].map((k) => Math.round(k * longest / 4)))];
  byId("lengths-axis").replaceChildren(...ticks.map((k) => {
    const tick = el("span", {}, k === end ? `${k}+` : String(k));
    tick.style.setProperty("--at", (k + 0.5) / (longest + 1));
    return tick;
  }));
  byId("lengths-note").replaceChildren(el("span", {}, el("i", { class: "dot present" }), ` ${said("captions")} (above)`),
    el("span", {}, el("i", { class: "dot absent" }), ` ${said("references")} (below)`));
}

function drawFrequent({ frequent, n }) {
  byId("frequent-note").hidden = frequent.length > 0;
  byId("frequent").replaceChildren(...frequent.map(([caption, times]) => {
    const bar = el("span", { class: "bar", "aria-hidden": "true" });
    bar.style.setProperty("--share", times / n);
    return el("li", {}, link(ofClass(null, { caption }), {}, caption || "(nothing was said)"), bar,
      el("span", { class: "quiet" }, `${count(times)} · ${percent(times / n)}`));
  }));
}

function drawNever({ never, n_never: all, n_referred: words }) {
  byId("never-note").textContent = all
    ? `${count(all)} of the ${many(words, "word", "words")} of the references stand in no caption. `
      + (all > never.length ? `The ${count(never.length)} most frequent, with` : "With") + " the number of images whose references have them:"
    : "Every word of the references is said somewhere.";
  byId("never").replaceChildren(...never.map(([word, images]) =>
    el("li", {}, link(ofClass(word, { show: "misses" }), {}, word, el("small", {}, ` ${count(images)}`)))));
}
