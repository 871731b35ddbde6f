// The header: its menus, the theme, and the keys that work on every page.

import { refresh } from "./refresh.js";
import { choose } from "./stored.js";
import { say } from "./toasts.js";

const root = document.documentElement;

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
    if (!choose("theme", dark ? "dark" : "light")) say("This browser keeps no settings, so the theme lasts until you leave the page.");
  });
}

const help = document.getElementById("keys");
for (const button of document.querySelectorAll("[data-open-keys]")) {
  button.addEventListener("click", () => help.showModal());
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu === except) continue;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    menu.open = false;
  }
}
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));

function seen(selector) {
  return [...document.querySelectorAll(selector)].find((element) => element.checkVisibility());
}
const actions = {
  r: () => refresh({ byHand: true }),
  "/": () => (seen("main input[type=search]") ?? seen("input[type=search]"))?.focus(),
  "?": () => help?.showModal(),
};
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  if (event.key === "Escape") {
    closeMenus();
    if (typing) typing.blur();
    return;
  }
  if (event.defaultPrevented || typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "/" || event.key === "?") event.preventDefault();
  const own = seen(`[data-key="${CSS.escape(event.key)}"]`); // a page may take a key of every page for itself
  if (own) {
    event.preventDefault();
    own.click();
  } else actions[event.key]?.();
});
