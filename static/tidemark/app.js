// What every page does: lazy parts, header and keys, refreshing, messages, forms. Pages read fully without it.

import "./connection.js";
import "./header.js";
import { tellAges } from "./ages.js";
import { forget } from "./data.js";
import { watch } from "./lazy.js";
import { refresh } from "./refresh.js";
import { say } from "./toasts.js";

export { refresh, say, watch };

watch(document);

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

// Forms that show their effect at once and take it back when the server refuses ---------------------------
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-optimistic]");
  if (!form) return;
  event.preventDefault();
  const part = await import(form.dataset.optimistic).catch(() => undefined);
  if (!part) return say("The server could not be reached. Nothing was changed.", "error");
  await part.flip(form, say, event.submitter);
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
