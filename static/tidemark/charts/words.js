// How charts write numbers and days: as the tables do, with a true minus and no rounding up to a whole million.

export const DAY = 86_400; // seconds; a chart's axis counts them since 1970
export const NOTHING = "–";

function numbers(options) {
  const format = new Intl.NumberFormat("en-GB", options);
  return (value) => format.format(value).replace("-", "\u2212");
}
export const whole = numbers({});
export const signed = numbers({ signDisplay: "exceptZero" });
const ratio = numbers({ style: "percent", maximumFractionDigits: 1, signDisplay: "exceptZero" });
const hundredths = numbers({ maximumFractionDigits: 2 });
const tenthousandths = numbers({ maximumFractionDigits: 4 });

/** +0.3 % for 0.003. */
export const growth = (value) => ratio(value).replace("%", "\u00a0%");
/** 1.25 % for 1.25; small rates keep the digits that tell them apart. */
export const percent = (value) => `${(Math.abs(value) < 0.1 ? tenthousandths : hundredths)(value)}\u00a0%`;

const UNITS = [[1e9, "B"], [1e6, "M"], [1e3, "k"]];
/** 1.5 M for an axis: all digits that a tick has. */
export function brief(value) {
  const [size, unit] = UNITS.find(([size]) => Math.abs(value) >= size) ?? [1, ""];
  return `${whole(value / size)}${unit && `\u00a0${unit}`}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/** 22 Nov, or 22 Nov 2026. */
export function dayName(second, withYear = true) {
  const day = new Date(second * 1000);
  const words = `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]}`;
  return withYear ? `${words} ${day.getUTCFullYear()}` : words;
}
export const monthName = (second) => dayName(second).slice(-8);

/** Seconds since 1970 of 2026-11-22, and back. */
export const toSecond = (date) => Date.parse(`${date}T00:00:00Z`) / 1000;
export const toDate = (second) => new Date(second * 1000).toISOString().slice(0, 10);
