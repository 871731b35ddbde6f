// Answers of the server kept in memory: asked again within their time they cost no request; every write forgets them all.

const KEPT_MS = 300_000; // as long as the server keeps them itself
const MOST = 200; // answers; the one unused longest goes first
const kept = new Map();

/** What `address` (a GET of ours) answers, as "json" or "text". One question at a time per address; errors are not kept. */
export function read(address, as = "json") {
  const known = kept.get(address);
  kept.delete(address);
  const entry = known && known.until > Date.now() ? known : { until: Date.now() + KEPT_MS, answer: ask(address, as) };
  kept.set(address, entry);
  if (kept.size > MOST) kept.delete(kept.keys().next().value);
  entry.answer.catch(() => kept.get(address) === entry && kept.delete(address));
  return entry.answer;
}

async function ask(address, as) {
  const accept = as === "json" ? "application/json" : "text/html";
  const answer = await fetch(address, { headers: { Accept: accept } });
  if (!answer.ok || answer.redirected) throw Object.assign(new Error(`the server answered ${answer.status}`), { status: answer.status });
  return answer[as]();
}

/** Forget every answer: after a write, a scrape, a refresh by hand or by the clock, and at logout. */
export function forget() {
  kept.clear();
}
