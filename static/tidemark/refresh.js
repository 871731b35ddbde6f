// The page kept fresh in place: by hand (the button, the key r), when a run ends, and every five minutes while it is looked at.
//
// Parts rendered by the server carry an id and data-refresh: they are taken from a fresh answer of the same address.
// Parts that fetch their data themselves listen to `tidemark:refresh`; earlier answers are forgotten just before.

import { tellAges } from "./ages.js";
import { forget } from "./data.js";
import { watch } from "./lazy.js";
import { choice, choose } from "./stored.js";
import { say } from "./toasts.js";

const EVERY_MS = 300_000;
const AGAIN_MS = 60_000; // after one that failed
const LOOK_MS = 5_000; // how often the clock is looked at
const PARTS = "[data-refresh][id]";
const FIELDS = "input:not([type=hidden]), select, textarea, [contenteditable]";
const FOCUSABLE = `a[href], button, summary, [tabindex], ${FIELDS}`;

let shown = Date.now(); // when what is seen was fetched
let next = shown + EVERY_MS;
let running = null;
let told = false; // that it failed: said once, until it works again

/** Fetches everything shown again; asked for while it runs, it is the same refresh. Never rejects. */
export function refresh({ byHand = false } = {}) {
  running ??= renew(byHand).finally(() => (running = null));
  return running;
}

async function renew(byHand) {
  const all = [...document.querySelectorAll(PARTS)].filter((part) => !part.parentElement.closest(PARTS));
  const parts = all.filter((part) => !inUse(part));
  if (byHand && !document.querySelector(`${PARTS}, [data-module]`)) return location.reload();
  const working = [...parts, ...document.querySelectorAll("[data-refresh-now]")];
  forget();
  for (const element of working) element.setAttribute("aria-busy", "true");
  try {
    if (parts.length) await replace(parts);
    succeed(parts.length === all.length);
    if (byHand && parts.length < all.length) say("What you are filling in, have ticked or opened is left as it was.");
  } catch (error) {
    next = Date.now() + AGAIN_MS;
    if (byHand || !told) say(`${error.message} What you see is from ${clock()}.`, "warning");
    told = true;
  } finally {
    for (const element of working) element.removeAttribute("aria-busy");
  }
}

function succeed(everything) {
  if (everything) shown = Date.now();
  next = Date.now() + EVERY_MS;
  told = false;
  document.dispatchEvent(new CustomEvent("tidemark:refresh"));
  tellAges();
  tellShown();
}

// What somebody is filling in or has ticked is left alone, and a menu that is open.
function inUse(part) {
  const active = document.activeElement;
  const ticked = [...part.querySelectorAll("[type=checkbox], [type=radio]")].some((box) => box.checked !== box.defaultChecked);
  if (ticked || part.querySelector("details.menu[open]")) return true;
  return part.contains(active) && active.matches(FIELDS) && !active.matches("[type=checkbox], [type=radio]");
}

/** The page at this address as it is now. Throws with words for its reader. */
export async function ask() {
  let answer;
  try {
    answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-cache" });
  } catch {
    throw new Error("The server cannot be reached; it is tried again.");
  }
  if (answer.redirected && new URL(answer.url).pathname !== location.pathname) {
    location.reload(); // signed out meanwhile: the server leads to where one signs in
    throw new Error("You are signed out.");
  }
  if (!answer.ok) throw new Error(`The server could not answer (${answer.status}); it is tried again.`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function replace(parts) {
  const page = await ask();
  for (const part of parts) {
    const fresh = page.getElementById(part.id);
    if (fresh && part.isConnected) swap(part, document.adoptNode(fresh));
  }
}

// The card of a chart fetches by itself: one of the same figures stays, as zoomed as its reader left it.
function keepCharts(part, fresh) {
  const source = (card) => card?.querySelector("[data-src]").dataset.src;
  for (const card of fresh.querySelectorAll("[data-chart]")) {
    const same = part.querySelector(`#${CSS.escape(card.id)}`);
    if (source(same) === source(card)) card.replaceWith(same);
  }
}

// Focus, what was scrolled and what was unfolded stay as they were.
function swap(part, fresh) {
  const focused = document.activeElement;
  const place = [...part.querySelectorAll(FOCUSABLE)].indexOf(focused);
  const boxes = [...part.querySelectorAll("[id]")].filter((box) => box.open || box.scrollTop || box.scrollLeft);
  keepCharts(part, fresh);
  part.replaceWith(fresh);
  for (const { id, open, scrollTop, scrollLeft } of boxes) {
    const same = document.getElementById(id);
    if (same?.localName === "details") same.open = open;
    same?.scrollTo(scrollLeft, scrollTop);
  }
  if (place >= 0) {
    const all = [...fresh.querySelectorAll(FOCUSABLE)];
    const same = all.find((other) => (focused.id ? other.id === focused.id : focused.href && other.href === focused.href));
    (fresh.contains(focused) ? focused : same ?? all[place])?.focus({ preventScroll: true });
  }
  window.htmx?.process(fresh);
  watch(fresh);
}

// The button with the time, and the switch that turns the clock off ---------------------------------
const clock = () => new Date(shown).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

function tellShown() {
  for (const button of document.querySelectorAll("[data-refresh-now]")) button.querySelector("[data-updated]").textContent = clock();
}
for (const button of document.querySelectorAll("[data-refresh-now]")) {
  button.addEventListener("click", () => refresh({ byHand: true }));
}
tellShown();

let automatic = choice("auto-refresh") !== "off";
for (const button of document.querySelectorAll("[data-refresh-switch]")) {
  button.setAttribute("aria-checked", String(automatic));
  button.addEventListener("click", () => {
    automatic = !automatic;
    button.setAttribute("aria-checked", String(automatic));
    if (!choose("auto-refresh", automatic ? "on" : "off")) say("This browser keeps no settings, so this lasts until you leave the page.");
  });
}

function whenDue() {
  if (automatic && !document.hidden && Date.now() >= next && !document.querySelector("dialog[open]")) refresh();
}
setInterval(whenDue, LOOK_MS);
document.addEventListener("visibilitychange", whenDue);
document.addEventListener("run-ended", () => refresh());
