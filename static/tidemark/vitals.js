// Times this view of the page and tells it as the page is left: the route and milliseconds, nothing about who looked.

const { beacon, route, sample = "0" } = document.querySelector("script[data-beacon]")?.dataset ?? {};
const seen = { long_tasks: 0, long_ms: 0 };

function observe(type, note, options) {
  if (!PerformanceObserver.supportedEntryTypes.includes(type)) return;
  new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type, buffered: true, ...options });
}

function tell() {
  removeEventListener("pagehide", tell);
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value;
  const [page] = performance.getEntriesByType("navigation");
  if (!token || !page) return;
  const told = { ...seen, answered_ms: page.responseStart, ready_ms: page.domContentLoadedEventEnd, loaded_ms: page.loadEventEnd };
  const body = new URLSearchParams({ csrfmiddlewaretoken: token, route });
  for (const [name, value] of Object.entries(told)) {
    if (value || name.startsWith("long")) body.set(name, Math.round(value)); // 0 of a time: it has not come to that
  }
  navigator.sendBeacon(beacon, body);
}

if (Math.random() < Number(sample)) {
  observe("largest-contentful-paint", ({ startTime }) => (seen.painted_ms = startTime));
  observe("longtask", ({ duration }) => {
    seen.long_tasks += 1;
    seen.long_ms += duration;
  });
  const note = ({ interactionId, duration }) => interactionId && (seen.interaction_ms = Math.max(seen.interaction_ms ?? 0, duration));
  observe("event", note, { durationThreshold: 16 });
  addEventListener("pagehide", tell);
}
