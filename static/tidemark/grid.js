// The list of accounts: choosing rows, sorting and paging in place, columns at once, arrow keys from row to row.
// Without this script the same links and forms lead to the same pages.
import { say } from "./app.js";

const NAME = "list";
let anchor; // the box that was ticked last: Shift goes on from there

function list() {
  return document.getElementById(NAME);
}
function boxes() {
  return [...list().querySelectorAll("tbody input[name=account]")];
}

// Choosing ---------------------------------------------------------------------------------
function tellChosen() {
  const bar = list().querySelector("[data-chosen]");
  if (!bar) return;
  const all = boxes();
  const ticked = all.filter((box) => box.checked).length;
  const everything = bar.querySelector("input[name=all]");
  const head = list().querySelector("[data-all]");
  head.checked = ticked > 0 && ticked === all.length;
  head.indeterminate = ticked > 0 && ticked < all.length;
  bar.querySelector("[data-count]").textContent = everything.checked ? "" : `${ticked} chosen`;
  bar.querySelector("button[type=submit]").disabled = !ticked && !everything.checked;
}
document.addEventListener("click", (event) => {
  const box = event.target.closest("tbody input[name=account]");
  if (!box || !list()?.contains(box)) return;
  const all = boxes();
  if (event.shiftKey && all.includes(anchor)) {
    const [from, to] = [all.indexOf(anchor), all.indexOf(box)].sort((a, b) => a - b);
    for (const other of all.slice(from, to + 1)) other.checked = box.checked;
  }
  anchor = box;
  tellChosen();
});
document.addEventListener("change", (event) => {
  if (!list()?.contains(event.target)) return;
  if (event.target.matches("[data-all]")) for (const box of boxes()) box.checked = event.target.checked;
  if (event.target.matches("[data-all], input[name=account], input[name=all]")) tellChosen();
});

// Another page, order or set of columns, in place -------------------------------------------
let turn = 0; // only what was asked for last is shown, whichever answer comes first
async function show(address, { keep = true, focus } = {}) {
  const mine = (turn += 1);
  list().setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(NAME);
    if (mine !== turn) return;
    if (!answer.ok || !found) return location.assign(address);
    if (keep) history.pushState({ grid: true }, "", answer.url);
    const left = list().querySelector(".grid-box")?.scrollLeft ?? 0;
    list().replaceWith(document.adoptNode(found));
    list().querySelector(".grid-box")?.scrollTo({ left });
    htmx.process(list());
    list().dispatchEvent(new CustomEvent("htmx:after:swap", { bubbles: true }));
    if (focus) list().querySelector(focus)?.focus({ preventScroll: false });
  } catch {
    if (mine !== turn) return;
    list().removeAttribute("aria-busy");
    say("The server cannot be reached. The list is as it was; try again.", "error");
  }
}
document.addEventListener("click", (event) => {
  const link = event.target.closest("#list thead a[data-swap], #list .pager a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const name = link.closest("th")?.dataset.name;
  show(link.href, { focus: name ? `th[data-name="${CSS.escape(name)}"] a` : ".grid-box" });
});
document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-columns]");
  if (!form) return;
  event.preventDefault();
  const fields = new FormData(form, event.submitter);
  const columns = fields.getAll("columns").join(",");
  fields.delete("columns");
  if (columns) fields.set("columns", columns);
  show(`${form.action}?${new URLSearchParams(fields)}`, { focus: ".columns-menu summary" });
});
addEventListener("popstate", () => list() && location.reload());

// What the filters leave open does not go into the address ----------------------------------
document.addEventListener("htmx:config:request", (event) => {
  const { body } = event.detail.ctx.request;
  if (event.target.id !== "filters" || !body) return;
  const given = [...body].filter(([, value]) => value !== "");
  for (const name of new Set(body.keys())) body.delete(name);
  for (const [name, value] of given) body.append(name, value);
});
document.addEventListener("htmx:before:request", (event) => {
  if (event.target.id !== "filters") return;
  turn += 1;
  list()?.setAttribute("aria-busy", "true");
});
document.addEventListener("htmx:finally:request", (event) => {
  if (event.target.id === "filters") list()?.removeAttribute("aria-busy");
});
for (const swapped of ["htmx:after:swap", "tidemark:refresh"]) document.addEventListener(swapped, tellChosen);

// Half an organisation's name filters nothing: the field asks when a name is chosen or the field is left -------
for (const field of document.querySelectorAll("#filters #organization")) {
  field.addEventListener("input", (event) => event.stopPropagation());
}

// Keys: up and down from row to row, wherever in the row the focus is ------------------------
document.addEventListener("keydown", (event) => {
  const row = event.target.closest?.("#list tbody tr");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!row || !step) return;
  const next = step > 0 ? row.nextElementSibling : row.previousElementSibling;
  const cell = event.target.closest("td, th");
  const target = next?.children[cell.cellIndex]?.querySelector("a, button, input:not([type=hidden])");
  if (!target) return;
  event.preventDefault();
  target.focus();
});

tellChosen();
