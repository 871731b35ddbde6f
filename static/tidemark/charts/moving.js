// Moving in a chart: zoom and pan by buttons and keys, the crosshair by arrow keys and by touch.
import { DAY } from "./words.js";

const NARROWEST = 2; // days
export const TOOLS = [
  ["left", "‹", "Earlier days"],
  ["out", "−", "Zoom out"],
  ["reset", "⟲", "Show all days"],
  ["in", "+", "Zoom in"],
  ["right", "›", "Later days"],
];
const KEYS = { "+": "in", "=": "in", "-": "out", _: "out", 0: "reset", Escape: "reset", PageUp: "left", PageDown: "right" };
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: 7, ArrowDown: -7, Home: -Infinity, End: Infinity };

/** The acts of a drawn chart on its days: {in, out, left, right, reset}. */
export function acts(chart) {
  const days = chart.data[0];
  const [first, last] = [days[0], days.at(-1)];
  const show = (min, width) => {
    const wide = Math.min(Math.max(width, NARROWEST * DAY), last - first);
    const from = Math.max(first, Math.min(min, last - wide));
    chart.setScale("x", { min: from, max: from + wide });
  };
  const window = () => [chart.scales.x.min, chart.scales.x.max - chart.scales.x.min];
  const zoom = (factor) => () => {
    const [min, width] = window();
    const about = days[chart.cursor.idx] ?? min + width / 2;
    show(about - (about - min) * factor, width * factor);
  };
  const pan = (part) => () => {
    const [min, width] = window();
    show(min + part * width, width);
  };
  return { in: zoom(0.5), out: zoom(2), left: pan(-0.25), right: pan(0.25), reset: () => show(first, last - first) };
}

/** Lets the keys move `chart`, which has the focus in `plot`; `tell` hears the place that arrow keys lead to. */
export function keys(plot, chart, tell) {
  plot.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = KEYS[event.key];
    if (act) acts(chart())[act]();
    else if (event.key in STEPS) tell(step(chart(), STEPS[event.key]));
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/** Moves the crosshair so many days on, the window with it where it leaves that; the place it is at. */
export function step(chart, by) {
  const days = chart.data[0];
  const from = chart.cursor.idx ?? (by > 0 ? -1 : days.length);
  const at = Math.max(0, Math.min(days.length - 1, from + by));
  const { min, max } = chart.scales.x;
  if (days[at] < min || days[at] > max) {
    const move = days[at] < min ? days[at] - min : days[at] - max;
    chart.setScale("x", { min: min + move, max: max + move });
  }
  const point = () => chart.setCursor({ left: chart.valToPos(days[at], "x"), top: chart.over.clientHeight / 2 }, true, true);
  queueMicrotask(point); // after the scale has moved
  return at;
}

/** A finger moves the crosshair along; up and down still scrolls the page. */
export function touch(chart) {
  const follow = ({ pointerType, offsetX, offsetY }) => pointerType === "touch" && chart.setCursor({ left: offsetX, top: offsetY }, true, true);
  chart.over.addEventListener("pointerdown", follow);
  chart.over.addEventListener("pointermove", follow);
}
