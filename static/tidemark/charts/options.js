// The options of uPlot for the lines of a view.
import { DASHES, DOTTED, nth, paint } from "./shapes.js";
import { inBars } from "./views.js";
import { DAY, dayName, monthName } from "./words.js";

/** The page's own colours, by their token's name. */
export function colours(element) {
  const style = getComputedStyle(element);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}

/** Options for `lines` of `view` in `element`; `log` asks for a logarithmic scale, `days` for {min, max}, `hidden` has labels. */
export function options(uPlot, element, view, lines, { log, days, hidden, height, hooks }) {
  const colour = colours(element);
  const font = `12px ${getComputedStyle(element).fontFamily}`;
  const axis = { stroke: colour("quiet"), font, grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
  const bars = inBars(view, lines);
  return {
    width: element.clientWidth,
    height,
    tzDate: (second) => uPlot.tzDate(new Date(second * 1000), "Etc/UTC"),
    cursor: {
      sync: { key: "days", filters: { pub: (type) => type === "mousemove" || type === "mouseleave" } },
      points: { size: 7 },
      drag: { x: true, y: false },
      y: false,
    },
    legend: { show: false },
    hooks: { ...hooks, draw: [(chart) => paint(chart, lines, colour)] },
    scales: { x: days, y: { distr: log ? 3 : 1, range: (chart, low, high) => bounds(chart, lines, low, high, view.zero, log) } },
    axes: [
      { ...axis, grid: { show: false }, size: 28, space: 64, values: nameDays },
      { ...axis, size: 62, gap: 6, space: 40, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : view.axis(tick))) },
    ],
    series: [{}, ...lines.map((line) => ({ ...(bars && !line.before ? bar(uPlot, line, colour) : pen(line, colour)), show: !hidden.has(line.label) }))],
  };
}

function bar(uPlot, { label }, colour) {
  return { label, width: 0, fill: (chart) => upAndDown(chart, colour), paths: uPlot.paths.bars({ size: [0.7, 24] }), points: { show: false } };
}

function pen(line, colour) {
  return {
    label: line.label,
    stroke: colour(`series-${(line.place % 8) + 1}`),
    dash: line.before ? DOTTED : nth(DASHES, line.place),
    cap: line.before ? "round" : "butt",
    width: line.before ? 1.5 : 2,
    alpha: line.before ? 0.75 : 1,
    points: { show: false },
  };
}

// Bars above zero in one colour and below it in another: a gradient with one hard step where zero is.
function upAndDown(chart, colour) {
  const { ctx, bbox } = chart;
  const zero = Math.min(1, Math.max(0, (chart.valToPos(0, "y", true) - bbox.top) / bbox.height)) || 0;
  const fill = ctx.createLinearGradient(0, bbox.top, 0, bbox.top + bbox.height);
  fill.addColorStop(0, colour("up"));
  fill.addColorStop(zero, colour("up"));
  fill.addColorStop(zero, colour("down"));
  fill.addColorStop(1, colour("down"));
  return fill;
}

function nameDays(_, ticks) {
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : DAY;
  const name = step >= 25 * DAY ? monthName : (second) => dayName(second, false);
  return ticks.map((tick) => (tick % DAY ? "" : name(tick)));
}

// The nearest number of one digit, as a log axis names them: 1.2 M lies between 1 M and 2 M.
function one(value, round) {
  const size = 10 ** Math.floor(Math.log10(value));
  return round(value / size) * size;
}

function bounds(chart, lines, low, high, fromZero, log) {
  if (low === null || high === null) return log ? [1, 10] : [0, 1];
  const [first, last] = chart.series[0].idxs ?? [0, -1];
  for (const [n, line] of lines.entries()) {
    if (!chart.series[n + 1].show) continue;
    for (const range of line.bounds.slice(first, last + 1)) {
      if (range) [low, high] = [Math.min(low, log ? Math.max(range[0], 1) : range[0]), Math.max(high, range[1])];
    }
  }
  if (log) return [one(low, Math.floor), one(high, Math.ceil)];
  const room = (high - low || Math.abs(high) || 1) * 0.08;
  if (fromZero) return [Math.min(0, low - room), Math.max(0, high + room)];
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}
