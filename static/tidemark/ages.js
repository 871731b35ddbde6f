// Words like "5 min ago" grow old in a cache and on a page left open; they are said again as the tables say them.

const SPANS = [[60, 1, "s"], [3600, 60, "min"], [86_400, 3600, "h"]];

function distance(seconds) {
  const [, size, unit] = SPANS.find(([limit]) => seconds < limit) ?? [];
  if (unit) return `${Math.floor(seconds / size)}\u00a0${unit}`;
  const days = Math.floor(seconds / 86_400);
  return `${days} ${days === 1 ? "day" : "days"}`;
}

/** Says every `<time data-ago>` of the page as it is now. */
export function tellAges() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const passed = (Date.now() - Date.parse(time.dateTime)) / 1000;
    const words = passed >= 5 ? `${distance(passed)} ago` : passed > -60 ? "just now" : `in ${distance(-passed)}`;
    if (time.textContent !== words) time.textContent = words;
  }
}
tellAges();
setInterval(tellAges, 20_000);
