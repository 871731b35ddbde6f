// One row of the sidebar, as words and a line: what sidebar.py calls COLUMNS, told as the tables tell it.

const number = (options) => new Intl.NumberFormat("en-GB", options);
const whole = number({});
const signedWhole = number({ signDisplay: "exceptZero" });
const minus = (text) => text.replace("-", "\u2212");
const UNITS = [[1e9, "B"], [1e6, "M"], [1e3, "k"]];
const STATES = {
  late: ["\u25f7", "no figure since the day before yesterday"],
  none: ["\u2013", "no figure yet"],
  held: ["\u2016", "on hold: nothing is fetched"],
  inactive: ["\u25cb", "inactive: not scraped or counted"],
  suspect: ["?", "a figure waits for a second look"],
};
const STEP = 6; // px between two points of the line

/** Three digits and a unit: 1.23 M; below ten thousand all of it. As perf's `short`. */
export function short(value) {
  if (Math.abs(value) < 10_000) return minus(whole.format(value));
  const [size, unit] = UNITS.find(([size]) => Math.abs(value) >= size * 0.9995);
  const scaled = Math.abs(value) / size;
  const digits = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
  return `${value < 0 ? "\u2212" : ""}${scaled.toFixed(digits)}\u00a0${unit}`;
}

/** The row as an object by the names of its columns. */
export function read([id, platform, handle, name, organization, followers, rounded, change, state, line], answer) {
  const [badge, label] = answer.platforms[platform];
  const address = `${platform}/${handle}`;
  return { id, address, handle, name, organization, followers, rounded, change, state, line, badge, label, days: answer.days };
}

function said({ label, handle, name, organization, followers, rounded, change, days, state }) {
  const figures = followers === null ? "no figure" : `${rounded ? "about " : ""}${whole.format(followers)} followers`;
  const gained = change === null ? "" : `${minus(signedWhole.format(change))} in ${days} days`;
  return [handle, name, label, organization, figures, gained, STATES[state]?.[1]].filter(Boolean).join(", ");
}

function path(heights) {
  let pen = "M";
  return heights
    .map((height, place) => {
      if (height === null) {
        pen = "M";
        return "";
      }
      const [step, alone] = [pen, pen === "M" && (heights[place + 1] ?? null) === null];
      pen = "L";
      return `${step}${place * STEP} ${20 - height}${alone ? "h0.01" : ""}`; // a day between two gaps is a dot
    })
    .join("");
}

const written = new WeakMap(); // row → what it says

/** Shows `data` in `row`, a copy of the template; a skeleton where there is none yet. What it says already is left alone. */
export function fill(row, data, { index, total, chosen, active }) {
  row.classList.toggle("active", active);
  const selected = String(Boolean(data && chosen.includes(data.address)));
  if (row.ariaSelected !== selected) row.ariaSelected = selected;
  const before = written.get(row);
  if (before?.data === data && before?.index === index && before?.total === total) return;
  written.set(row, { data, index, total });
  row.id = `sidebar-option-${index}`;
  row.ariaSetSize = String(total);
  row.ariaPosInSet = String(index + 1);
  row.classList.toggle("waiting", !data);
  if (before && before.data === data) return;
  write(row, data);
}

function write(row, data) {
  row.ariaLabel = data ? said(data) : "Loading";
  const [, badge, name, followers, of, line, change] = row.children;
  badge.textContent = data?.badge ?? "";
  badge.title = data?.label ?? "";
  name.textContent = data?.handle ?? "";
  name.title = data?.name ?? "";
  of.textContent = data?.organization ?? "";
  change.className = `change ${!data?.change ? "quiet" : data.change > 0 ? "up" : "down"}`;
  change.textContent = (data?.change ?? null) === null ? "" : minus(signedWhole.format(data.change));
  line.firstElementChild.setAttribute("d", path(data?.line ?? []));
  const [icon, word] = STATES[data?.state] ?? ["", ""];
  followers.textContent = data ? figure(data, icon) : "";
  followers.title = [data?.followers ? whole.format(data.followers) : "", word].filter(Boolean).join("; ");
}

function figure({ followers, rounded, state }, icon) {
  if (followers === null) return state === "none" ? icon : `${icon} \u2013`.trim();
  return `${icon} ${rounded ? "≈\u00a0" : ""}${short(followers)}`.trim();
}
