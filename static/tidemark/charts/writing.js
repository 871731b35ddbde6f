// Writing a note without leaving the chart: the server's own form in a dialog. Loaded when it is asked for.
import { say } from "../app.js";
import { send } from "../send.js";
import { make } from "./legend.js";

/** Shows the form at `address`; `done` hears {message, undo?} when a note was added, changed or deleted. */
export async function write(address, done) {
  let page;
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    say("The form could not be fetched. Nothing was changed; try again.", "error");
    return;
  }
  const forms = [...page.querySelectorAll("form[data-note-form]")];
  if (forms.length) show(page.querySelector("h1").textContent, forms, address, done);
  else location.assign(address); // a deleted note has a page of its own
}

function restore(form) {
  form.setAttribute("action", form.getAttribute("action").replace("/delete/", "/restore/"));
  return send(form);
}

function show(title, forms, address, done) {
  const heading = make("h2", { id: "note-title" }, title);
  const close = make("button", { type: "button", className: "plain" }, "Cancel");
  const error = make("p", { className: "error", role: "alert", hidden: true });
  const box = make("dialog", { className: "note-dialog" });
  box.setAttribute("aria-labelledby", heading.id);
  box.append(make("div", { className: "card-head" }, heading, close), error, ...forms);
  close.addEventListener("click", () => box.close());
  box.addEventListener("close", () => box.remove());
  for (const form of forms) {
    form.classList.remove("card");
    if (!form.hasAttribute("action")) form.setAttribute("action", address);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = event.submitter;
      button?.setAttribute("aria-busy", "true");
      try {
        const told = await send(form, button);
        box.close();
        done({ ...told, undo: form.dataset.noteForm === "delete" && (() => restore(form)) });
      } catch (failure) {
        error.textContent = `${failure.message} Nothing was stored; what you wrote is still here.`;
        error.hidden = false;
      } finally {
        button?.removeAttribute("aria-busy");
      }
    });
  }
  document.body.append(box);
  box.showModal();
  box.querySelector("textarea")?.focus();
}
