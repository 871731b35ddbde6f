// A decision on one row of a table: the row fades at once, says what was done with an undo, or comes back with the reason.
import { send } from "./send.js";

function decided(form, row, { message, undo }) {
  const cell = document.createElement("td");
  cell.colSpan = row.cells.length;
  cell.className = "row-full";
  cell.setAttribute("role", "status");
  const who = row.querySelector(".who a")?.lastChild.textContent.trim();
  cell.textContent = who ? `${who}: ${message}` : message;
  if (undo) {
    const back = form.cloneNode(false);
    delete back.dataset.optimistic;
    back.action = undo;
    for (const name of ["csrfmiddlewaretoken", "filters"]) back.append(form.elements[name].cloneNode());
    const button = document.createElement("button");
    button.className = "small";
    button.textContent = "Undo";
    back.append(button);
    cell.append(back);
  }
  row.replaceChildren(cell);
  back_in(row);
  cell.querySelector("button")?.focus();
}
function back_in(row) {
  row.classList.remove("fading");
  row.removeAttribute("aria-busy");
}

/** Sends `form` as `button` says and shows its row as decided before the answer is there. */
export async function flip(form, say, button) {
  const row = form.closest("tr");
  if (row.getAttribute("aria-busy") === "true") return;
  const sent = send(form, button);
  row.classList.add("fading");
  row.setAttribute("aria-busy", "true");
  try {
    decided(form, row, await sent);
  } catch (error) {
    if (error.status === 409) return decided(form, row, error.told); // in part: it says of which figures not
    back_in(row);
    say(`${error.message} Nothing was changed.`, "error");
  }
}
