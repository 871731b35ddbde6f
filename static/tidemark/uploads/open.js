// Which forms are open in a tab: the photos of an open one are no other tab's to take.
//
// Told by Web Locks; without them (an address without https, an old browser) by a lease per tab in localStorage.

const PREFIX = "tidemark.open.";
const LEASE_MS = 600_000; // a tab in the background is woken once a minute, if at all
const RENEW_MS = 30_000;
const tab = crypto.getRandomValues(new Uint32Array(2)).join("-");

/** Keeps `form` as open as long as this tab is. */
export function hold(form) {
  if (navigator.locks) {
    navigator.locks.request(PREFIX + form, { mode: "shared" }, () => new Promise(() => {}));
    return;
  }
  const slot = `${PREFIX}${form}.${tab}`;
  const renew = () => {
    try {
      localStorage.setItem(slot, String(Date.now() + LEASE_MS));
    } catch {
      // without storage no tab takes anything; where it is full, the others cannot be told
    }
  };
  renew();
  setInterval(renew, RENEW_MS);
  addEventListener("pageshow", renew);
  document.addEventListener("visibilitychange", renew);
  addEventListener("pagehide", () => forget(slot));
}

/** Resolves to a function that tells whether a form is open in any tab; where nobody can know, every form is. */
export async function opened() {
  if (navigator.locks) {
    const held = new Set((await navigator.locks.query()).held.map(({ name }) => name));
    return (form) => held.has(PREFIX + form);
  }
  try {
    const forms = new Set(leases().map((slot) => slot.slice(PREFIX.length).split(".")[0]));
    return (form) => forms.has(form);
  } catch {
    return () => true;
  }
}

function leases() {
  const slots = Object.keys(localStorage).filter((slot) => slot.startsWith(PREFIX));
  const over = slots.filter((slot) => !(Number(localStorage.getItem(slot)) > Date.now()));
  over.forEach(forget);
  return slots.filter((slot) => !over.includes(slot));
}

function forget(slot) {
  try {
    localStorage.removeItem(slot);
  } catch {
    // no storage: nothing was kept
  }
}
