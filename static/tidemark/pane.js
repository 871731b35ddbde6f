// The pane beside the sidebar: the accounts that the address names, or the overview where it names none.
//
// The address is the state: choosing writes it, Back and Forward read it. Answers are kept by data.js, so that
// what was shown within the last minutes is shown again without a request.

import { read } from "./data.js";
import { afterPaint, watch } from "./lazy.js";

const DAYS = ["days", "from", "to"];
const pane = document.getElementById("pane");
const form = document.querySelector("[data-pane]");
let turn = 0; // only the last choice is shown, whichever answer comes first
let shown = about();

/** The accounts that the address names, as platform/handle. */
export function chosen() {
  return new URLSearchParams(location.search).getAll("account");
}

/** Shows these accounts, or the overview when there are none; `focus`: the reader's eye goes there. */
export function choose(addresses, { focus = true } = {}) {
  const url = new URL(location);
  url.search = withAccounts(url.searchParams, addresses);
  if (url.href !== location.href) history.pushState(null, "", url);
  return show({ focus });
}

function withAccounts(parameters, addresses) {
  parameters.delete("account");
  const rest = parameters.toString();
  const accounts = addresses.map((one) => `account=${encodeURIComponent(one).replaceAll("%2F", "/").replaceAll("%3A", ":")}`);
  return [...accounts, rest].filter(Boolean).join("&");
}

// What of the address the pane is about: the accounts and the days.
function about(names = DAYS) {
  const kept = new URLSearchParams();
  const here = new URLSearchParams(location.search);
  for (const name of names) if (here.has(name)) kept.set(name, here.get(name));
  return withAccounts(kept, chosen());
}

// Where it is fetched: of all accounts also by what their lines are, which htmx changes, and restores, by itself.
function source() {
  return chosen().length ? `${form.dataset.pane}?${about()}` : `${location.pathname}?${about([...DAYS, "by"])}`;
}

async function show({ focus = false } = {}) {
  const mine = (turn += 1);
  shown = about();
  document.dispatchEvent(new CustomEvent("tidemark:chosen"));
  pane.ariaBusy = "true";
  try {
    const parts = await parsed();
    if (mine !== turn) return;
    pane.replaceChildren(...parts);
    watch(pane);
    window.htmx?.process(pane);
  } catch (error) {
    if (mine !== turn) return;
    if (error.status === 200) location.reload(); // led elsewhere: one has to sign in again
    pane.replaceChildren(failure(error));
  }
  pane.ariaBusy = "false";
  follow();
  const heading = pane.querySelector("h2[tabindex]");
  document.title = `${heading?.dataset.title ?? "Overview"} · Tidemark`;
  if (focus) (heading ?? pane).focus();
}

async function parsed() {
  const [text] = await Promise.all([read(source(), "text"), afterPaint()]); // the choice is seen first
  const found = new DOMParser().parseFromString(text, "text/html");
  return [...(found.getElementById("pane") ?? found.body).childNodes].map((node) => document.adoptNode(node));
}

function failure(error) {
  const card = document.createElement("div");
  card.className = "card empty";
  card.setAttribute("role", "alert");
  const words = document.createElement("p");
  const why = error.status ? `the server answered ${error.status}` : "the server cannot be reached";
  words.textContent = `This could not be shown: ${why}. Your choice is kept.`;
  const again = document.createElement("button");
  again.type = "button";
  again.textContent = "Try again";
  again.addEventListener("click", () => show({ focus: true }));
  card.append(words, again);
  return card;
}

// The links to other periods keep the accounts that are shown now.
function follow() {
  for (const link of document.querySelectorAll(".periods a[href]")) {
    const url = new URL(link.href);
    url.search = withAccounts(url.searchParams, chosen());
    link.href = url.href;
  }
  for (const other of document.querySelectorAll(".periods form")) {
    for (const field of other.querySelectorAll("[name=account]")) field.remove();
    for (const value of chosen()) other.append(Object.assign(document.createElement("input"), { type: "hidden", name: "account", value }));
  }
}

pane.tabIndex = -1;
pane.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-choose]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  choose(new URL(link.href).searchParams.getAll("account"));
});
addEventListener("popstate", () => about() !== shown && show());
