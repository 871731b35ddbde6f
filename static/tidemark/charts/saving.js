// What a chart shows, as a file or a table: the visible days and lines and nothing else. Loaded when it is asked for.
import { say } from "../app.js";
import { make, said, wordsOf } from "./legend.js";
import { DASHES, SHAPES, nth } from "./shapes.js";
import { dayName, toDate } from "./words.js";

const UNSAFE = /^['\p{Z}\p{C}]*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\t\r\n]/u; // what a spreadsheet would take for a formula, as perf/spreadsheets.py says
const NOTES = { simulated: "Simulated figures are hollow points", imported: "Imported figures are dotted points", suspect: "✕ suspect, not counted", rounded: "Shaded: the range that the platform's rounding allows", before: "Dotted lines: the period before" };

/** Saves what the card of `element` shows as "png" or "csv", or shows it as "table". */
export async function save(kind, element, state, colour) {
  if (!state.chart) {
    say("There is nothing to save: the chart shows no figures.", "warning");
    return;
  }
  const name = [titleOf(element, state), ...ends(state)].join(" ").replace(/[^\p{L}\p{N}.-]+/gu, "-").toLowerCase();
  if (kind === "table") table(element, state);
  else if (kind === "csv") download(new Blob(["\ufeff", csv(state)], { type: "text/csv;charset=utf-8" }), `${name}.csv`);
  else download(await picture(element, state, colour), `${name}.png`);
}

/** Whose figures these are, and which: CDCgov · History: Followers. */
function titleOf({ dataset: { label, title } }, { view }) {
  return `${label === title ? "" : `${label} · `}${title}: ${view.label}`;
}

function visible({ chart, lines }) {
  const [first, last] = chart.series[0].idxs;
  return [first, last, lines.filter((_, at) => chart.series[at + 1].show)];
}

/** The first and the last day shown, as 2026-11-22. */
function ends(state) {
  const [first, last] = visible(state);
  return [first, last].map((at) => toDate(state.chart.data[0][at]));
}

/** Head and rows of what is shown: a day and a value per line, null where a day has none. */
export function rows(state) {
  const [first, last, lines] = visible(state);
  const head = ["Date", ...lines.map(({ label }) => label)];
  const days = state.chart.data[0].slice(first, last + 1);
  return [head, ...days.map((day, at) => [toDate(day), ...lines.map(({ values }) => values[first + at])])];
}

/** What is shown as CSV: ISO dates, plain numbers, an empty cell for a missing figure; no cell is a formula. */
export function csv(state) {
  return rows(state).map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}
function cell(value) {
  if (typeof value === "number") return String(value);
  const text = UNSAFE.test(value ?? "") ? `'${value}` : value ?? "";
  return /[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function download(blob, name) {
  const address = URL.createObjectURL(blob);
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function table(element, state) {
  const [head, ...days] = rows(state);
  const [first, , lines] = visible(state);
  const body = days.map(([date], at) => make("tr", {}, make("th", { scope: "row", className: "nowrap" }, date), ...lines.map((line) => make("td", { className: "n" }, said(line, first + at, state.view)))));
  const headings = head.map((name, at) => make("th", { scope: "col", className: at ? "n" : "" }, name));
  const close = make("button", { type: "button", className: "small" }, "Close");
  const heading = make("h2", { id: "chart-table-title" }, titleOf(element, state));
  const box = make("dialog", { className: "chart-table" });
  box.setAttribute("aria-labelledby", heading.id);
  box.append(make("div", { className: "card-head" }, heading, close), make("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "Figures" }, make("table", { className: "table" }, make("thead", {}, make("tr", {}, ...headings)), make("tbody", {}, ...body.reverse()))));
  close.addEventListener("click", () => box.close());
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
}

const [MARGIN, LINE] = [16, 20]; // px
/** A PNG of the chart with its title, period, legend and what the points mean, on the page's paper. */
async function picture(element, state, colour) {
  const [source, ratio] = [state.chart.ctx.canvas, devicePixelRatio];
  const [, , drawn] = visible(state);
  const lines = drawn.filter(({ before }) => !before);
  const notes = [...wordsOf(drawn).map((kind) => NOTES[kind]), ...numbered(element, ends(state))];
  const width = source.width / ratio + 2 * MARGIN;
  const height = source.height / ratio + 2 * MARGIN + (4 + lines.length + notes.length) * LINE;
  const canvas = make("canvas", { width: Math.round(width * ratio), height: Math.round(height * ratio) });
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.fillStyle = colour("paper");
  pen.fillRect(0, 0, width, height);
  pen.drawImage(source, MARGIN, MARGIN + 2 * LINE + 8, source.width / ratio, source.height / ratio);
  const family = getComputedStyle(element).fontFamily;
  const write = (text, x, y, tone = "quiet", font = "13px") => {
    pen.font = `${font} ${family}`;
    pen.fillStyle = colour(tone);
    pen.fillText(text, x, y, width - x - MARGIN);
  };
  write(titleOf(element, state), MARGIN, MARGIN + 14, "ink", "600 16px");
  const [from, to] = ends(state).map((date) => dayName(Date.parse(date) / 1000));
  write(`${from} – ${to}${state.log ? " · log scale" : ""}`, MARGIN, MARGIN + 14 + LINE);
  let y = MARGIN + 3 * LINE + 4 + source.height / ratio;
  for (const flag of element.querySelectorAll(".chart-flags button")) write(flag.textContent, MARGIN + parseFloat(flag.style.left) - 4, y, "ink", "600 11px");
  y += LINE;
  for (const line of lines) {
    sample(pen, line, y - 4, colour);
    write(line.label, MARGIN + 40, y, "ink");
    y += LINE;
  }
  for (const note of notes) {
    write(note, MARGIN, y);
    y += LINE;
  }
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png"));
}

/** What happened between the two days, under the numbers of its flags. */
function numbered(element, [first, last]) {
  const notes = [...element.querySelectorAll(".chart-notes li")].map((note, at) => [note, `${at + 1}. ${note.firstChild.textContent}`]);
  return notes.filter(([{ dataset }]) => dataset.to >= first && dataset.from <= last).map(([, words]) => words);
}

function sample(pen, { place }, y, colour) {
  pen.save();
  pen.translate(MARGIN + 16, y);
  pen.strokeStyle = pen.fillStyle = colour(`series-${(place % 8) + 1}`);
  pen.lineWidth = 2;
  pen.setLineDash(nth(DASHES, place));
  pen.stroke(new Path2D("M-16,0H16"));
  pen.fill(new Path2D(nth(SHAPES, place)));
  pen.restore();
}
