// A switch in a form: on or off at once, back with the reason when the server refuses.

function show(button, on) {
  button.setAttribute("aria-checked", String(on));
  button.querySelector("[data-word]").textContent = on ? button.dataset.on : button.dataset.off;
}

/** Sends `form` and shows its button's new state before the answer is there. */
export async function flip(form, say) {
  const button = form.querySelector("button[role=switch]");
  if (button.getAttribute("aria-busy") === "true") return;
  const before = button.getAttribute("aria-checked") === "true";
  const body = new URLSearchParams(new FormData(form));
  show(button, !before);
  button.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    const { active, message } = await answer.json();
    if (!answer.ok) throw new Error(message);
    show(button, active);
    form.elements.active.value = active ? "" : "1";
  } catch (error) {
    show(button, before);
    const reason = error instanceof TypeError || error instanceof SyntaxError ? "The server could not be reached." : error.message;
    say(`${reason} Nothing was changed.`, "error");
  } finally {
    button.removeAttribute("aria-busy");
  }
}
