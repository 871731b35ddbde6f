// The legend: the day under the cursor, each line's dash, shape, name, value and value before, and what points mean.
import { CROSS, DASHES, DOTTED, SHAPES, nth } from "./shapes.js";
import { alone, inBars } from "./views.js";
import { NOTHING, dayName } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const WORDS = { simulated: "hollow: simulated", imported: "dotted: imported", suspect: "suspect, not counted", rounded: "range that the rounding allows", before: "dotted: the period before" };

/** A new element of HTML: make("li", {className: "x"}, "text", child). */
export function make(tag, properties = {}, ...content) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...content);
  return element;
}

function drawing(width, ...paths) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ viewBox: `${-width / 2} -7 ${width} 14`, width, height: 14, "aria-hidden": "true" })) svg.setAttribute(name, value);
  for (const attributes of paths) {
    const path = document.createElementNS(SVG, "path");
    for (const [name, value] of Object.entries(attributes)) path.setAttribute(name, value);
    svg.append(path);
  }
  return svg;
}

const stroke = { fill: "none", stroke: "currentColor", "stroke-width": 2 };
function swatch({ place }, bars) {
  if (bars) return drawing(28, { class: "up", d: "M-9,5V-5H-3V5Z", fill: "currentColor" }, { class: "down", d: "M3,5V-1H9V5Z", fill: "currentColor" });
  const line = { ...stroke, d: "M-14,0H14", "stroke-dasharray": nth(DASHES, place).join(" ") };
  return drawing(28, line, { d: nth(SHAPES, place), fill: "currentColor" });
}
const KEYS = {
  simulated: () => drawing(14, { ...stroke, "stroke-width": 1.5, d: SHAPES[0] }),
  imported: () => drawing(14, { ...stroke, "stroke-width": 1.5, d: SHAPES[0] }, { d: "M-1,-1H1V1H-1Z", fill: "currentColor" }),
  suspect: () => drawing(14, { ...stroke, d: CROSS }),
  rounded: () => drawing(14, { d: "M-7,-5H7V5H-7Z", fill: "currentColor", opacity: 0.3 }),
  before: () => drawing(28, { ...stroke, d: "M-14,0H14", "stroke-dasharray": DOTTED.join(" "), "stroke-linecap": "round" }),
};

/** Which words the points of `lines`, and the dotted ones among them, need. */
export function wordsOf(lines) {
  const kinds = new Set(lines.flatMap((line) => line.kinds.filter(Boolean)));
  if (lines.some(({ suspects }) => suspects.length)) kinds.add("suspect");
  if (lines.some(({ bounds }) => bounds.length)) kinds.add("rounded");
  if (lines.some(({ before }) => before)) kinds.add("before");
  return [...kinds];
}

/** What a line says on a day: its value, ≈ where it is rounded, and where it is from. */
export function said(line, at, view) {
  const value = line.values[at];
  if (value === null || value === undefined) return NOTHING;
  const kind = line.kinds[at] ? ` (${line.kinds[at]})` : "";
  return `${line.bounds[at] ? "≈\u00a0" : ""}${view.tell(value)}${kind}`;
}

const lastOf = (values) => values.findLast((value) => value !== null) ?? -Infinity;

/** The lines of the period as {line, at, was, wasAt}, the highest at their end first; `was` is the one before, if any. */
function entries(lines) {
  const found = lines.flatMap((line, at) => {
    const wasAt = lines.findIndex(({ before, place }) => before && place === line.place);
    return line.before ? [] : [{ line, at, was: lines[wasAt], wasAt }];
  });
  return found.sort((one, other) => lastOf(other.line.values) - lastOf(one.line.values));
}

function entry({ line, at, was, wasAt }, { view, bars, single, hidden, hide }) {
  const [value, before] = [make("span", { className: "n" }), make("span", { className: "quiet n" })];
  const words = make("span", {}, make("span", { className: "quiet" }, line.label), " ", value, before);
  const inner = [swatch(line, bars), words];
  const tell = (day) => {
    value.textContent = said(line, day, view);
    before.textContent = was ? ` · before ${said(was, day, view)}` : "";
  };
  const row = make("li", { className: `series-${(line.place % 8) + 1}` });
  if (single) {
    row.append(...inner);
    return { row, words, tell };
  }
  const button = make("button", { type: "button", ariaPressed: String(!hidden.has(line.label)), title: "Show or hide this line" }, ...inner);
  button.addEventListener("click", () => {
    button.ariaPressed = String(button.ariaPressed === "false");
    for (const one of was ? [at, wasAt] : [at]) hide(one, button.ariaPressed === "true");
  });
  row.append(button);
  return { row, words, tell };
}

/** Builds the legend of `lines`: show(at) tells a day and gives its words, hide(at, show) switches a line; `hidden` has labels. */
export function legend(days, lines, view, hidden, hide) {
  const day = make("li", { className: "chart-day" });
  const rows = entries(lines).map((one) => entry(one, { view, bars: inBars(view, lines), single: alone(lines), hidden, hide }));
  const keys = wordsOf(lines).map((kind) => make("li", { className: "chart-key quiet" }, KEYS[kind](), WORDS[kind]));
  return {
    element: make("ul", { className: "chart-legend" }, day, ...rows.map(({ row }) => row), ...keys),
    show(at) {
      day.textContent = dayName(days[at]);
      for (const { tell } of rows) tell(at);
      return `${day.textContent}: ${rows.map(({ words }) => words.textContent).join("; ")}`;
    },
  };
}
