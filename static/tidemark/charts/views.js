// What a chart may show of an answer: one line per account or platform, and a view of what each line says.
//
// Answers: {dates, followers, engagement, marks, rounding} of one account, {dates, accounts: [the same]} of several,
// {dates, series: [{label, values, previous?}]} of platforms. A null is a day without a figure, and stays one.
import { DAY, brief, growth, percent, signed, toSecond, whole } from "./words.js";

/** The seconds of an answer's days. */
export const daysOf = (answer) => answer.dates.map(toSecond);

/** The lines of an answer: {label, platform, followers, engagement, previous, marks, rounding}. */
export function linesOf(answer) {
  if (answer.series) return answer.series.map(({ label, values, previous }) => ({ label, followers: values, previous, marks: {} }));
  if (answer.accounts) return answer.accounts.map((one) => ({ ...one, label: `${one.handle} · ${one.platform}` }));
  return [{ ...answer, label: "" }];
}

/** The change from the day before; unknown where either is, and where a thinned answer left that day out. */
export function daily(values, days) {
  return values.map((value, at) => {
    const before = at && days[at] - days[at - 1] === DAY ? values[at - 1] : null;
    return value === null || before === null ? null : value - before;
  });
}

/** Growth since the first day with a figure above zero, as a ratio; unknown where there is none. */
export function indexed(values) {
  const first = values.find((value) => value);
  return values.map((value) => (value === null || !first ? null : value / first - 1));
}

/** Engagements per hundred followers; unknown where either is, or nobody follows. */
export function rate({ engagement, followers }) {
  return engagement?.map((value, at) => (value === null || !followers[at] ? null : (100 * value) / followers[at]));
}

/** Whether there is one line only, the period before aside. */
export const alone = (lines) => lines.filter(({ before }) => !before).length === 1;

/** Whether `view` stands as bars: a change of one line; beside it the period before is a dotted line. */
export const inBars = (view, lines) => Boolean(view.zero) && alone(lines);

export const VIEWS = {
  followers: { label: "Followers", of: (line) => line.followers, tell: whole, axis: brief, counts: true },
  change: { label: "Daily change", of: (line, days) => daily(line.followers, days), tell: signed, axis: brief, zero: true },
  engagement: { label: "Engagement", of: (line) => line.engagement, tell: whole, axis: brief },
  rate: { label: "Engagement rate", of: rate, tell: percent, axis: percent },
  growth: { label: "Growth", of: (line) => indexed(line.followers), tell: growth, axis: growth },
};

/**
 * The drawn lines of a view: {label, values, place, before, kinds, suspects, bounds}; `place` numbers the line for its
 * colour, dash and shape, `before` marks the previous period of the line ahead of it, `kinds` says per day where a figure is from.
 */
export function drawn(answer, name) {
  const [view, days, lines] = [VIEWS[name], daysOf(answer), linesOf(answer)];
  return lines.flatMap((line, place) => {
    const label = line.label || view.label;
    const one = { label, place, values: view.of(line, days), ...marked(line, days, view) };
    const was = line.previous && view.of({ ...line, followers: line.previous, engagement: undefined }, days);
    const before = { label: `${label}, period before`, place, values: was, before: true, kinds: [], suspects: [], bounds: [] };
    return isKnown(one.values) ? [one, before].filter(({ values }) => isKnown(values)) : [];
  });
}

const isKnown = (values) => values?.some((value) => value !== null);

function marked({ marks, followers, rounding }, days, view) {
  const kinds = [];
  for (const kind of ["imported", "simulated"]) for (const at of within(marks[kind], days)) kinds[at] = kind;
  const rounded = within(marks.followers_rounded, days);
  const bounds = [];
  if (view.counts && rounded.length) {
    const values = rounded.map((at) => followers[at]);
    const unit = rounding ? stated(rounding) : apparent(values);
    for (const at of rounded) if (followers[at]) bounds[at] = interval(followers[at], unit(followers[at]), rounding?.how);
  }
  return { kinds, bounds, suspects: (marks.suspect ?? []).map((ends) => ends.map(toSecond)) };
}

function within(stretches = [], days) {
  return stretches.flatMap(([from, to]) => {
    const [first, last] = [toSecond(from), toSecond(to)];
    return days.flatMap((second, at) => (second >= first && second <= last ? [at] : []));
  });
}

/** By value, the unit that a platform rounds to by its own word. */
const stated = ({ digits }) => (value) => 10 ** Math.max(String(value).length - digits, 0);

/** By value, the finest unit that a platform's rounded numbers of that length show; two digits at least. */
function apparent(values) {
  const finest = new Map();
  for (const value of values) {
    if (!value) continue;
    const text = String(value);
    const unit = 10 ** Math.min(text.match(/0*$/)[0].length, Math.max(text.length - 2, 0));
    finest.set(text.length, Math.min(unit, finest.get(text.length) ?? unit));
  }
  return (value) => finest.get(String(value).length);
}

/** The least and the most that a rounded count may stand for: cut, to the nearest, or either where nobody knows how. */
export function interval(value, unit, how) {
  const half = Math.floor(unit / 2);
  return [how === "down" ? value : value - half, how === "nearest" ? value + half : value + unit - 1];
}
