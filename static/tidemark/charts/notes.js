// What happened on a chart's days: numbered flags on the time axis, the list below it, and the way to write a note.
import { forget, read } from "../data.js";
import { make } from "./legend.js";
import { dayName, toSecond } from "./words.js";

const WORDS = { note: "Note", rename: "Rename", gap: "Gap", suspect: "Suspect", rejected: "Rejected", source: "Source", connector: "Connector" };
const APART = 22; // px between two flags; closer ones share one

/** The annotations of the card of `element`; `draw(chart)` places their flags, `redraw` is called when they change. */
export class Notes {
  constructor(element, redraw) {
    Object.assign(this, { element, redraw, turn: 0, found: [], list: make("ol", { className: "chart-notes" }), strip: make("div", { className: "chart-flags" }) });
    this.about = make("p", { className: "note", role: "status" });
    this.box = make("div", { className: "chart-happened" }, this.list, this.about);
    if (element.dataset.add) this.box.append(this.adder());
  }

  async load() {
    const mine = (this.turn += 1);
    try {
      const { data, left_out } = await read(this.element.dataset.notes);
      if (mine !== this.turn) return;
      this.found = data;
      this.about.textContent = left_out ? `${left_out} older ones are not listed; a shorter period shows them.` : "";
    } catch {
      if (mine !== this.turn) return;
      this.about.textContent = "What happened on these days could not be fetched; the figures above are whole. Refresh to try again.";
    }
    this.list.replaceChildren(...this.found.map((one, at) => this.row(one, at)));
    this.redraw();
  }

  row({ kind, from, to, text, account, note, by }, at) {
    const days = from === to ? dayName(toSecond(from)) : `${dayName(toSecond(from))} – ${dayName(toSecond(to))}`;
    const who = [account && this.several() ? account : "", by].filter(Boolean).join(" · ");
    const words = make("span", {}, `${days} · ${WORDS[kind]}: ${text}${who ? ` (${who})` : ""}`);
    const item = make("li", { id: `${this.element.dataset.hint}-${at + 1}`, className: kind, tabIndex: -1 }, words);
    Object.assign(item.dataset, { from, to });
    if (note && this.element.dataset.edit) {
      const link = make("a", { href: this.element.dataset.edit.replace("/0/", `/${note}/`), ariaLabel: `Edit the note of ${days}` }, "Edit");
      link.addEventListener("click", (event) => this.write(event, link.href));
      item.append(" ", link);
    }
    return item;
  }

  several() {
    return new Set(this.found.map(({ account }) => account).filter(Boolean)).size > 1;
  }

  /** Places the flags of what is within the days shown; each leads to its line of the list. */
  draw(chart) {
    const { min, max } = chart.scales.x;
    const flags = [];
    let [last, end] = [undefined, -Infinity];
    this.found.forEach(({ from, to, text }, at) => {
      const [first, until] = [toSecond(from), toSecond(to)];
      if (until < min || first > max) return;
      const left = chart.valToPos(Math.max(first, min), "x") + chart.over.offsetLeft;
      if (left - end < APART) {
        last.textContent = last.textContent.split("–")[0] + `–${at + 1}`;
        last.title += `\n${text}`;
        return;
      }
      last = make("button", { type: "button", title: text, ariaLabel: `${at + 1}: ${text}` }, String(at + 1));
      last.style.left = `${left}px`;
      last.addEventListener("click", () => this.list.children[at].focus());
      flags.push(last);
      end = left;
    });
    this.strip.replaceChildren(...flags);
    this.strip.hidden = !flags.length;
  }

  adder() {
    this.link = make("a", { className: "button small", href: this.element.dataset.add }, "Add a note");
    this.link.addEventListener("click", (event) => this.write(event, this.link.href));
    return make("p", { className: "buttons" }, this.link);
  }

  /** The day that a new note is about: the one chosen on the chart. */
  choose(second) {
    if (!this.link) return;
    const address = new URL(this.element.dataset.add, location.href);
    address.searchParams.set("day", new Date(second * 1000).toISOString().slice(0, 10));
    this.link.href = address.pathname + address.search;
    this.link.textContent = `Add a note on ${dayName(second)}`;
  }

  async write(event, address) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const { write } = await import("./writing.js");
    await write(address, (told) => this.wrote(told));
  }

  /** After a note was written: the list anew, and where it was deleted a way back. */
  async wrote({ message, undo }) {
    forget();
    await this.load();
    this.about.textContent = message;
    if (undo) this.about.append(" ", this.back(undo));
    (this.about.querySelector("button") ?? this.link)?.focus();
  }

  back(undo) {
    const button = make("button", { type: "button", className: "small" }, "Undo");
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await this.wrote(await undo());
      } catch (error) {
        this.about.textContent = error.message;
      }
    });
    return button;
  }
}
