// The list of all accounts: searched and sorted by the server, scrolled by position, one chosen or several compared.

import { fill, read as rowOf } from "./accountrow.js";
import { say } from "./app.js";
import { read } from "./data.js";
import { choose, chosen } from "./pane.js";
import { virtualList } from "./virtual.js";

const WAIT_MS = 300; // after the last letter
const WIDE = matchMedia("(min-width: 1100px)");
const count = (number) => new Intl.NumberFormat("en-GB").format(number);

/** Takes the list over from the links and boxes that the server rendered; called once by app.js. */
export function mount(form) {
  const part = (name) => form.querySelector(`[data-${name}]`);
  const template = document.getElementById("sidebar-row").content.firstElementChild;
  const box = listbox(part("list"));
  for (const plain of form.querySelectorAll("[data-plain]")) plain.remove();
  const search = form.elements.namedItem("q");
  const sort = form.elements.namedItem("sort");
  let state = "busy";
  let marked = chosen();

  const list = virtualList(box, {
    rowHeight: parseFloat(getComputedStyle(form).getPropertyValue("--account-row")),
    perPage: Number(form.dataset.perPage),
    make: () => template.cloneNode(true),
    fill: (row, data, index) => fill(row, data, { index, total: list.total, chosen: marked, active: index === list.active }),
    load: async (page) => {
      const answer = await read(`${form.dataset.src}?${query(page)}`);
      return { total: answer.total, rows: answer.rows.map((row) => rowOf(row, answer)) };
    },
    told: (news) => tell(news),
  });

  function query(page) {
    const here = new URLSearchParams(location.search);
    const asked = new URLSearchParams();
    for (const name of ["days", "from", "to"]) if (here.has(name)) asked.set(name, here.get(name));
    if (search.value.trim()) asked.set("q", search.value.trim());
    asked.set("sort", sort.value);
    asked.set("page", page);
    return asked;
  }

  function tell(news) {
    state = news instanceof Error ? "failed" : news;
    box.ariaBusy = String(state === "busy");
    const failure = part("failure");
    failure.hidden = state !== "failed";
    if (state === "failed") {
      const why = news.status ? `the server answered ${news.status}` : "the server cannot be reached";
      failure.firstElementChild.textContent = `The list could not be read: ${why}. What was read is kept.`;
    }
    if (state !== "idle") return;
    const words = search.value.trim();
    const matches = list.total === 1 ? "1 matches" : `${count(list.total)} match`;
    const telling = words ? matches : `${count(list.total)} active account${list.total === 1 ? "" : "s"}`;
    if (part("total-words").textContent !== telling) part("total-words").textContent = telling;
    part("empty").hidden = list.total > 0;
    part("empty").textContent = words ? `No account matches “${words}”.` : "No active accounts. They appear here once a roster is imported; a search finds inactive ones too.";
    point();
  }

  // The box keeps the focus and points at its active row: a row may leave the document while it is scrolled.
  function point() {
    if (list.row(list.active)) box.setAttribute("aria-activedescendant", `sidebar-option-${list.active}`);
    else box.removeAttribute("aria-activedescendant");
  }
  function go(index) {
    list.go(index);
    list.refill();
    point();
  }

  function toggle(data) {
    const now = chosen();
    if (!now.includes(data.address) && now.length >= Number(form.dataset.most)) {
      say(`${form.dataset.most} accounts are compared at once. Take one out first; nothing was changed.`, "info");
      return;
    }
    choose(now.includes(data.address) ? now.filter((one) => one !== data.address) : [...now, data.address], { focus: false });
  }

  const keys = {
    ArrowDown: () => go(list.active + 1),
    ArrowUp: () => go(list.active - 1),
    PageDown: () => go(list.active + list.pageful()),
    PageUp: () => go(list.active - list.pageful()),
    Home: () => go(0),
    End: () => go(list.total - 1),
    Enter: (data) => data && choose([data.address]),
    " ": (data) => data && toggle(data),
  };
  box.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key](list.at(list.active));
  });
  box.addEventListener("click", (event) => {
    const index = list.indexOf(event.target.closest("[role=option]"));
    const data = index === undefined ? undefined : list.at(index);
    if (!data) return;
    go(index);
    if (event.target.closest(".mark") || event.ctrlKey || event.metaKey) toggle(data);
    else choose([data.address]);
  });

  function again() {
    keepInAddress(search.value.trim(), sort.value);
    list.reset();
  }
  let timer;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(again, WAIT_MS);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    box.focus();
  });
  sort.addEventListener("change", again);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    again();
  });
  part("failure").querySelector("button").addEventListener("click", () => list.retry());
  document.addEventListener("tidemark:refresh", () => list.reset({ again: true }));
  document.addEventListener("tidemark:chosen", () => {
    marked = chosen();
    list.refill();
  });
  list.reset();
}

function listbox(server) {
  const box = document.createElement("div");
  const attributes = {
    class: "sidebar-list", role: "listbox", tabindex: "0", "aria-multiselectable": "true", "aria-busy": "true",
    "aria-labelledby": "sidebar-title", "aria-describedby": "sidebar-help", "data-list": "",
  };
  for (const [name, value] of Object.entries(attributes)) box.setAttribute(name, value);
  server.replaceWith(box);
  return box;
}

// What is searched and sorted by stays in the address, so that a reload or a link shows the same list.
function keepInAddress(words, sort) {
  const url = new URL(location);
  if (words) url.searchParams.set("q", words);
  else url.searchParams.delete("q");
  if (sort === "followers") url.searchParams.delete("sort");
  else url.searchParams.set("sort", sort);
  history.replaceState(history.state, "", url);
}

// Where there is room the list is always open; on a phone it is a part that its reader opens.
const fold = document.querySelector(".sidebar-fold");
const unfold = () => fold && WIDE.matches && (fold.open = true);
WIDE.addEventListener("change", unfold);
unfold();
