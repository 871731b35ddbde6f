// What every page does: lazy parts, keys, theme, messages, polling manners. Pages read fully without it.
import { forget } from "./data.js";

const root = document.documentElement;
root.classList.add("js");

// A part that costs something names its module; it is fetched when the part comes into view.
const onSight = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      onSight.unobserve(target);
      import(target.dataset.module)
        .then((part) => part.mount(target))
        .catch(() => say("A part of this page could not be loaded. Reload to try again.", "error"));
    }
  },
  { rootMargin: "100px" },
);
function watch(within) {
  for (const part of within.querySelectorAll("[data-module]")) onSight.observe(part);
}
watch(document);

// Words like "5 min ago" grow old in a cache and on a page left open; they are said again as the tables say them.
const SPANS = [[60, 1, "s"], [3600, 60, "min"], [86_400, 3600, "h"]];
function distance(seconds) {
  const [, size, unit] = SPANS.find(([limit]) => seconds < limit) ?? [];
  if (unit) return `${Math.floor(seconds / size)}\u00a0${unit}`;
  const days = Math.floor(seconds / 86_400);
  return `${days} ${days === 1 ? "day" : "days"}`;
}
function tellAges() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const passed = (Date.now() - Date.parse(time.dateTime)) / 1000;
    const words = passed >= 5 ? `${distance(passed)} ago` : passed > -60 ? "just now" : `in ${distance(-passed)}`;
    if (time.textContent !== words) time.textContent = words;
  }
}
tellAges();
setInterval(tellAges, 20_000);

/** Shows one message; errors stay until closed. */
export function say(text, level = "info") {
  const box = document.querySelector(".toasts");
  if (!box) return;
  const toast = document.createElement("li");
  toast.className = `toast ${level}`;
  const words = document.createElement("span");
  words.textContent = text;
  toast.append(words);
  box.append(toast);
  settle(toast);
}
function settle(toast) {
  const close = document.createElement("button");
  close.type = "button";
  close.className = "plain";
  close.textContent = "Close";
  close.addEventListener("click", () => toast.remove());
  toast.append(close);
  if (!toast.matches(".error, .warning")) setTimeout(() => toast.remove(), 8000);
}
for (const toast of document.querySelectorAll(".toast")) settle(toast);

// Theme ------------------------------------------------------------------------------------
function nameTheme(button) {
  button.querySelector("[data-name]").textContent = root.dataset.theme === "dark" ? "Light theme" : "Dark theme";
}
for (const button of document.querySelectorAll("[data-theme-switch]")) {
  nameTheme(button);
  button.addEventListener("click", () => {
    const dark = root.dataset.theme !== "dark";
    if (dark) root.dataset.theme = "dark";
    else delete root.dataset.theme;
    nameTheme(button);
    document.dispatchEvent(new CustomEvent("themechange"));
    try {
      localStorage.setItem("theme", dark ? "dark" : "light");
    } catch {
      say("This browser keeps no settings, so the theme lasts until you leave the page.");
    }
  });
}

// Keys -------------------------------------------------------------------------------------
const help = document.getElementById("keys");
for (const button of document.querySelectorAll("[data-open-keys]")) {
  button.addEventListener("click", () => help.showModal());
}
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== except) menu.open = false;
  }
}
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
function seen(selector) {
  return [...document.querySelectorAll(selector)].find((element) => element.checkVisibility());
}
const actions = {
  r: () => location.reload(),
  "/": () => (seen("main input[type=search]") ?? seen("input[type=search]"))?.focus(),
  "?": () => help?.showModal(),
};
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "Escape") {
    closeMenus();
    if (typing) typing.blur();
    return;
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const action = actions[event.key] ?? (() => seen(`[data-key="${CSS.escape(event.key)}"]`)?.click());
  if (event.key === "/" || event.key === "?") event.preventDefault();
  action();
});

// Connection -------------------------------------------------------------------------------
const offline = document.querySelector(".offline");
function tellConnection() {
  if (offline) offline.hidden = navigator.onLine;
}
addEventListener("online", tellConnection);
addEventListener("offline", tellConnection);
tellConnection();

// htmx -------------------------------------------------------------------------------------
document.addEventListener("htmx:before:request", (event) => {
  // A tab nobody looks at does not poll.
  if (document.hidden && event.target.matches?.("[data-poll]")) event.preventDefault();
});
document.addEventListener("htmx:after:swap", (event) => {
  watch(event.target.isConnected ? event.target : document);
  tellAges();
});
document.addEventListener("htmx:response:error", (event) => {
  const { status } = event.detail.ctx.response;
  if (status === 403 || status === 401) say("You may no longer do this. Sign in again.", "error");
  else say(`The server could not answer (${status}). What you see is from before; try again.`, "error");
});
let cutOff = false;
document.addEventListener("htmx:error", (event) => {
  if (event.detail.error?.name === "AbortError" || cutOff) return;
  cutOff = true; // one message for a polling part that fails every two seconds
  say("The server cannot be reached. What you see is from before; it is tried again.", "warning");
});
document.addEventListener("htmx:after:request", (event) => {
  cutOff = false;
  if (event.detail.ctx.request.method !== "GET") forget();
});
document.addEventListener("run-ended", forget);

// A form that shows its effect at once and takes it back when the server refuses --------------------
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-optimistic]");
  if (!form) return;
  event.preventDefault();
  const { flip } = await import(form.dataset.optimistic);
  await flip(form, say, event.submitter);
  forget();
});

// Copying: a button names what it takes; where the browser gives no clipboard, the text is selected instead -------
for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent);
      say("Copied.");
    } catch {
      getSelection().selectAllChildren(source);
      say("This browser does not let pages copy. The text is selected: copy it by hand.", "warning");
    }
  });
}
