// An item under review: it is claimed while its page is open, forms go out once, and a reason is written at once.

import { say } from "./toasts.js";

const RENEW_MS = 60_000;

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-once]");
  if (!form) return;
  if (form.getAttribute("aria-busy") === "true") event.preventDefault();
  form.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", (event) => {
  if (!event.persisted) return; // come back to by the browser's own button
  for (const form of document.querySelectorAll("form[data-once]")) form.removeAttribute("aria-busy");
});

/** Sends the claim of the item whose actions these are; resolves to the answer, whatever it says. */
function ask(actions, said, options = {}) {
  const token = actions.querySelector("[name=csrfmiddlewaretoken]").value;
  const body = new URLSearchParams({ csrfmiddlewaretoken: token, ...said });
  return fetch(actions.dataset.claim, { method: "POST", body, headers: { Accept: "application/json" }, ...options });
}

function keep(actions) {
  let lost = false;
  async function renew() {
    if (lost || document.hidden || !actions.isConnected) return;
    let answer;
    try {
      answer = await ask(actions, {});
    } catch {
      return; // offline: the page says so, and the lease outlasts a short cut
    }
    const told = await answer.json().catch(() => ({}));
    if (answer.status === 409) {
      lost = true;
      say(`${told.error} Reload to take it over.`, "warning");
    } else if (answer.ok && String(told.version) !== actions.dataset.version) {
      lost = true;
      say("Somebody changed this item while you had it open. Reload to see what; what you write here is kept until then.", "warning");
    }
  }
  renew();
  setInterval(renew, RENEW_MS);
  document.addEventListener("visibilitychange", renew);
  addEventListener("pagehide", () => {
    if (!lost) ask(actions, { release: "1" }, { keepalive: true, redirect: "manual" }).catch(() => {});
  });
}

/** Makes the parts of an item's page work that need a script. */
export function mount(part) {
  for (const actions of part.querySelectorAll("[data-claim]")) keep(actions);
  part.querySelector("[data-focus]")?.focus();
  const write = (box) => box.querySelector("textarea, input:not([type=hidden], [type=checkbox])")?.focus();
  part.addEventListener("toggle", (event) => event.target.open && write(event.target), true);
  part.addEventListener("click", (event) => {
    const box = event.target.closest("summary")?.parentElement;
    if (!box || box.open || event.detail) return;
    event.preventDefault(); // by a key: the next ones are meant for the field already, and "toggle" may come after them
    box.open = true;
    write(box);
  });
}
