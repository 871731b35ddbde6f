// A decision on one row of a table: the row fades at once, says what was done with an undo, or comes back with the reason.

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
  const body = new URLSearchParams(new FormData(form, button));
  row.classList.add("fading");
  row.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    const told = await answer.json();
    if (answer.ok || answer.status === 409) decided(form, row, told);
    else throw new Error(told.error ?? told.message);
  } catch (error) {
    back_in(row);
    const cut = error instanceof TypeError || error instanceof SyntaxError;
    say(`${cut ? "The server could not be reached." : error.message} Nothing was changed.`, "error");
  }
}
