// A switch in a form: on or off at once, back with the reason when the server refuses.
import { send } from "./send.js";

function show(button, on) {
  button.setAttribute("aria-checked", String(on));
  button.querySelector("[data-word]").textContent = on ? button.dataset.on : button.dataset.off;
}

/** Sends `form` and shows its button's new state before the answer is there. */
export async function flip(form, say) {
  const button = form.querySelector("button[role=switch]");
  if (button.getAttribute("aria-busy") === "true") return;
  const before = button.getAttribute("aria-checked") === "true";
  const sent = send(form, button);
  show(button, !before);
  button.setAttribute("aria-busy", "true");
  let now = before;
  try {
    ({ on: now } = await sent);
  } catch (error) {
    now = error.told.on ?? before; // somebody else was faster: what is so now
    say(`${error.message} Nothing was changed.`, error.status === 409 ? "warning" : "error");
  } finally {
    show(button, now);
    form.elements.on.value = now ? "" : "1";
    button.removeAttribute("aria-busy");
  }
}
