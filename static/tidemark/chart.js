// Draws one chart of days into an element that came into view.
//
// The element says: data-src (JSON), data-code and data-style (uPlot's files), data-view (the first view shown).
// JSON: {"dates": ["2026-11-01", …], "<name>": [number or null, …], …} or {"dates": […], "series": [{label, values}]}.
// data-rounded: the platform gives rounded followers, which are told with ≈.
// A day without a figure is a gap; days the answer leaves out are gaps too. Views are picked by buttons[data-show].

import { read } from "./data.js";

const DAY = 86_400;
function numbers(options) {
  const format = new Intl.NumberFormat("en-GB", options);
  return { format: (value) => format.format(value).replace("-", "\u2212") }; // a true minus, as in the tables
}
const whole = numbers({});
const percent = numbers({ style: "percent", maximumFractionDigits: 1, signDisplay: "exceptZero" });
const signed = numbers({ signDisplay: "exceptZero" });
const UNITS = [[1e9, "B"], [1e6, "M"], [1e3, "k"]];
// As the pages write short numbers: 1.5 M, never a rounded 2 M on two ticks.
const brief = {
  format(value) {
    const [size, unit] = UNITS.find(([size]) => Math.abs(value) >= size) ?? [1, ""];
    return `${whole.format(value / size)}${unit && `\u00a0${unit}`}`;
  },
};
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
function dayOf(second, withYear) {
  const day = new Date(second * 1000);
  const words = `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]}`;
  return withYear ? `${words} ${day.getUTCFullYear()}` : words;
}
const monthOf = (second) => dayOf(second, true).slice(-8);

let loading;
function library({ code, style }) {
  loading ??= new Promise((resolve, reject) => {
    const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: style });
    const script = Object.assign(document.createElement("script"), { src: code });
    script.addEventListener("load", () => resolve(window.uPlot));
    script.addEventListener("error", () => reject(new Error("the chart's code could not be loaded")));
    document.head.append(sheet, script);
  });
  return loading;
}

const toSeconds = (date) => Date.parse(`${date}T00:00:00Z`) / 1000;

/** Columns on an unbroken axis of days: what the answer left out becomes null. */
export function spread(dates, columns) {
  if (!dates.length) return [[], ...columns.map(() => [])];
  const seconds = dates.map(toSeconds);
  const place = new Map(seconds.map((second, index) => [second, index]));
  const [from, to] = [Math.min(...seconds), Math.max(...seconds)];
  // A long series comes thinned out; its own step then is the axis.
  const steps = seconds.slice(1).map((second, index) => Math.abs(second - seconds[index]));
  const step = Math.max(DAY, Math.min(...steps, Infinity));
  if (step > DAY) return [seconds, ...columns];
  const axis = Array.from({ length: Math.round((to - from) / DAY) + 1 }, (_, index) => from + index * DAY);
  return [axis, ...columns.map((column) => axis.map((second) => column[place.get(second)] ?? null))];
}

/** The change from one day to the next; unknown where either day is. */
export const daily = (values) =>
  values.map((value, index) => (value === null || (values[index - 1] ?? null) === null ? null : value - values[index - 1]));

function growth(values) {
  const first = values.find((value) => value);
  return values.map((value) => (value === null || !first ? null : value / first - 1));
}

const VIEWS = {
  followers: { pick: (data) => [["Followers", data.followers]], tell: whole, axis: brief, counts: true },
  change: { pick: (data) => [["Daily change", daily(spread(data.dates, [data.followers])[1])]], tell: signed, axis: brief, bars: true },
  engagement: { pick: (data) => [["Engagement", data.engagement]], tell: whole, axis: brief },
  platforms: { pick: (data) => data.series.map(({ label, values }) => [label, values]), tell: whole, axis: brief },
  growth: { pick: (data) => data.series.map(({ label, values }) => [label, growth(values)]), tell: percent, axis: percent },
};

function colours(element) {
  const style = getComputedStyle(element);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}

function options(element, view, lines, uPlot) {
  const colour = colours(element);
  const font = `12px ${getComputedStyle(element).fontFamily}`;
  const about = view.counts && "rounded" in element.dataset ? "≈\u00a0" : "";
  const axis = { stroke: colour("quiet"), font, grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
  return {
    width: element.clientWidth,
    height: Math.max(200, element.dataset.height ? Number(element.dataset.height) : 280),
    tzDate: (second) => uPlot.tzDate(new Date(second * 1000), "Etc/UTC"),
    cursor: { sync: { key: "days" }, points: { size: 7 }, drag: { x: true, y: false } },
    legend: { markers: { fill: (chart, index) => chart.series[index].stroke(chart, index) } },
    hooks: { ready: [toLast], setCursor: [(chart) => chart.cursor.idx ?? toLast(chart)] },
    scales: { y: { range: (_, low, high) => bounds(low, high, view.bars) } },
    axes: [
      { ...axis, grid: { show: false }, size: 28, space: 64, values: nameDays },
      { ...axis, size: 62, gap: 6, space: 44, values: (_, ticks) => ticks.map((tick) => view.axis.format(tick)) },
    ],
    series: [
      { value: (_, second) => (second === null ? "–" : dayOf(second, true)), label: "Day" },
      ...lines.map(([label], index) => ({
        label,
        stroke: colour(`series-${(index % 8) + 1}`),
        dash: index < 8 ? undefined : [6, 3],
        width: view.bars ? 0 : 2,
        fill: view.bars ? colour("series-1") : undefined,
        paths: view.bars ? uPlot.paths.bars({ size: [0.7, 24] }) : undefined,
        points: { show: view.bars ? false : undefined, size: 5, filter: alone },
        value: (_, value) => (value === null || value === undefined ? "–" : about + view.tell.format(value)),
      })),
    ],
  };
}

// With no day under the cursor the legend shows the last one.
function toLast(chart) {
  if (chart.data[0].length) chart.setLegend({ idx: chart.data[0].length - 1 }, false);
}

function nameDays(_, ticks) {
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : DAY;
  const name = step >= 25 * DAY ? monthOf : (second) => dayOf(second, false);
  return ticks.map((tick) => (tick % DAY ? "" : name(tick)));
}

// A day between two gaps has no line to stand on: it alone is drawn as a point.
function alone(chart, index) {
  const values = chart.data[index];
  return values.flatMap((value, at) =>
    value !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null ? [at] : [],
  );
}

function bounds(low, high, fromZero) {
  if (low === null || high === null) return [0, 1];
  const room = (high - low || Math.abs(high) || 1) * 0.08;
  if (fromZero) return [Math.min(0, low - room), Math.max(0, high + room)];
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}

/** Fetches the data and draws; called once by app.js. */
export async function mount(element) {
  element.setAttribute("aria-busy", "true");
  try {
    const [data, uPlot] = await Promise.all([read(element.dataset.src), library(element.dataset)]);
    draw(element, data, uPlot);
  } catch {
    element.textContent = "The chart could not be drawn. Reload to try again; the table has the figures.";
  } finally {
    element.removeAttribute("aria-busy");
  }
}

function draw(element, data, uPlot) {
  let name = element.dataset.view;
  let chart;
  const show = () => {
    chart?.destroy();
    element.textContent = "";
    const view = VIEWS[name];
    const lines = view.pick(data).filter(([, values]) => values?.some((value) => value !== null));
    if (!lines.length) {
      element.textContent = "No figures in this period.";
      return;
    }
    const columns = name === "change" ? [spread(data.dates, [])[0], lines[0][1]] : spread(data.dates, lines.map(([, values]) => values));
    chart = new uPlot(options(element, view, lines, uPlot), columns, element);
  };
  const pickers = element.closest("[data-chart]")?.querySelectorAll("button[data-show]") ?? [];
  for (const picker of pickers) {
    picker.addEventListener("click", () => {
      name = picker.dataset.show;
      for (const other of pickers) other.setAttribute("aria-pressed", String(other === picker));
      show();
    });
  }
  show();
  document.addEventListener("themechange", () => element.isConnected && show());
  new ResizeObserver(() => chart?.setSize({ width: element.clientWidth, height: chart.height })).observe(element);
}
