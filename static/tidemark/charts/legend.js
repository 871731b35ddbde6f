// The legend: the day under the cursor, each line's dash, shape, name and value there, and what the points mean.
import { CROSS, DASHES, DOTTED, SHAPES, nth } from "./shapes.js";
import { inBars } from "./views.js";
import { NOTHING, dayName } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const WORDS = { simulated: "hollow: simulated", imported: "dotted: imported", suspect: "suspect, not counted", rounded: "range that the rounding allows" };

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
function swatch({ place, before }, bars) {
  if (bars) return drawing(28, { class: "up", d: "M-9,5V-5H-3V5Z", fill: "currentColor" }, { class: "down", d: "M3,5V-1H9V5Z", fill: "currentColor" });
  const line = { ...stroke, d: "M-14,0H14", "stroke-dasharray": (before ? DOTTED : nth(DASHES, place)).join(" ") };
  return before ? drawing(28, line) : drawing(28, line, { d: nth(SHAPES, place), fill: "currentColor" });
}
const KEYS = {
  simulated: () => drawing(14, { ...stroke, "stroke-width": 1.5, d: SHAPES[0] }),
  imported: () => drawing(14, { ...stroke, "stroke-width": 1.5, d: SHAPES[0] }, { d: "M-1,-1H1V1H-1Z", fill: "currentColor" }),
  suspect: () => drawing(14, { ...stroke, d: CROSS }),
  rounded: () => drawing(14, { d: "M-7,-5H7V5H-7Z", fill: "currentColor", opacity: 0.3 }),
};

/** Which words the points of `lines` need. */
export function wordsOf(lines) {
  const kinds = new Set(lines.flatMap((line) => line.kinds.filter(Boolean)));
  if (lines.some(({ suspects }) => suspects.length)) kinds.add("suspect");
  if (lines.some(({ bounds }) => bounds.length)) kinds.add("rounded");
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

/** Builds the legend of `lines`, the highest at their end first; show(at) tells a day, `hide` switches a line. */
export function legend(days, lines, view, hide) {
  const day = make("li", { className: "chart-day" });
  const bars = inBars(view, lines);
  const values = lines.map(() => make("span", { className: "n" }));
  const rows = lines.map((line, at) => {
    const inner = [swatch(line, bars && !line.before), make("span", { className: "quiet" }, line.label), values[at]];
    if (lines.length === 1) return make("li", { className: `series-${(line.place % 8) + 1}` }, ...inner);
    const button = make("button", { type: "button", ariaPressed: "true", title: "Show or hide this line" }, ...inner);
    button.addEventListener("click", () => {
      button.ariaPressed = String(button.ariaPressed === "false");
      hide(at, button.ariaPressed === "true");
    });
    return make("li", { className: `series-${(line.place % 8) + 1}` }, button);
  });
  const order = lines.map((_, at) => at).sort((a, b) => lastOf(lines[b].values) - lastOf(lines[a].values));
  const keys = wordsOf(lines).map((kind) => make("li", { className: "chart-key quiet" }, KEYS[kind](), WORDS[kind]));
  const element = make("ul", { className: "chart-legend" }, day, ...order.map((at) => rows[at]), ...keys);
  return {
    element,
    order,
    show(at) {
      day.textContent = dayName(days[at]);
      lines.forEach((line, n) => (values[n].textContent = said(line, at, view)));
    },
  };
}
