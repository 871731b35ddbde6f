// The crew's form: what is written is kept on this device, sent once over any connection, and complete when its photos are.

import { Draft } from "./drafts.js";
import { say } from "./toasts.js";
import { change, entries } from "./uploads/kept.js";

const SOON_MS = 300;
const AGAIN_MS = 15_000;
const SKIPPED = new Set(["csrfmiddlewaretoken", "promised"]);
const AWAY = "No connection. What you wrote and your photos are kept on this device; it is sent by itself as soon as there is one.";

/** Takes the form over; without this it is sent as every form. */
export function mount(form) {
  new CrewForm(form).begin();
}

class CrewForm {
  constructor(form) {
    const { draft, user, item, other } = form.dataset;
    Object.assign(this, { form, user, item });
    this.draft = new Draft(draft);
    this.other = other ? new Draft(other) : null; // of the form whose number turned out to be taken
    this.note = form.querySelector("[data-draft-note]");
    this.busy = false;
    this.held = null; // the button that waits for photos, or for a connection
  }

  async begin() {
    const fresh = this.form.hasAttribute("data-fresh");
    this.listen();
    if (fresh) await this.restore();
    else this.keep();
    this.form.dataset.restored = "";
    this.form.dispatchEvent(new Event("tidemark:restored")); // upload.js waits for the key
    for (const photo of this.form.querySelectorAll("[data-photo]")) this.mark(photo);
  }

  listen() {
    let later = 0;
    this.form.addEventListener("input", () => {
      clearTimeout(later);
      later = setTimeout(() => this.keep(), SOON_MS);
    });
    addEventListener("pagehide", () => later && !this.gone && this.keep());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(event.submitter);
    });
    this.form.addEventListener("click", (event) => this.act(event.target.closest("button")));
    document.addEventListener("tidemark:upload", () => this.held && this.send(this.held));
    addEventListener("online", () => this.held && this.send(this.held));
  }

  // Words ------------------------------------------------------------------------------------
  fields() {
    return [...this.form.elements].filter(({ name, type }) => name && !SKIPPED.has(name) && !["file", "submit", "button"].includes(type));
  }

  words() {
    return Object.fromEntries(this.fields().map((field) => [field.name, field.type === "checkbox" ? String(field.checked) : field.value]));
  }

  keep() {
    if (this.gone || this.draft.write(this.words()) || this.told) return;
    this.told = true;
    say("This device keeps no drafts: do not leave the page before the item is sent.", "warning");
  }

  async restore() {
    const kept = this.draft.read();
    if (!kept) return;
    const number = this.item ? "" : await becameOf(kept.words.key);
    if (number) {
      this.draft.forget(); // the answer was lost, not the item
      return this.tell(`What you sent last is stored as ${number}.`, `/workitems/${number}/receipt/`);
    }
    for (const field of this.fields()) {
      const value = kept.words[field.name];
      if (value === undefined || (field.name === "key" && this.item)) continue; // the same form: sent again, it is one item
      if (field.type === "checkbox") field.checked = value === "true";
      else if (field.tagName !== "SELECT" || [...field.options].some((option) => option.value === value)) field.value = value;
    }
    const at = new Date(kept.at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
    this.tell(`This is what you wrote until ${at}; it is not sent yet.`);
  }

  tell(words, address = "") {
    const said = this.note.querySelector("span");
    said.textContent = words;
    if (address) said.append(" ", Object.assign(document.createElement("a"), { href: address, textContent: "Show its receipt" }));
    this.note.querySelector("button").hidden = Boolean(address);
    this.note.hidden = false;
  }

  // Buttons ----------------------------------------------------------------------------------
  act(button) {
    if (!button) return;
    if (button.matches("[data-discard]")) this.discard();
    else if (button.matches("[data-take]")) this.take(button);
    else if (button.matches("[data-remove]")) this.remove(button.closest("[data-photo]"));
    else if (button.matches("[data-move]")) this.move(button.closest("[data-photo]"), Number(button.dataset.move));
    else return;
    if (!button.matches("[data-discard]")) this.keep();
  }

  discard() {
    this.gone = true;
    this.draft.forget();
    location.reload();
  }

  take(button) {
    const field = this.form.elements[button.dataset.take];
    field.value = button.closest(".stored").querySelector("[data-text]").textContent;
    field.focus();
  }

  remove(photo) {
    const box = photo.querySelector("[type=checkbox]");
    box.checked = !box.checked;
    this.mark(photo);
  }

  mark(photo) {
    const gone = photo.querySelector("[type=checkbox]").checked;
    photo.classList.toggle("removed", gone);
    photo.querySelector("[data-remove]").textContent = gone ? "Put back" : "Remove";
  }

  move(photo, by) {
    const list = photo.parentElement;
    const all = [...list.children];
    const to = all.indexOf(photo) + by;
    if (to < 0 || to >= all.length) return;
    list.insertBefore(photo, by < 0 ? all[to] : all[to].nextSibling);
    [...list.children].forEach((each, at) => renumber(each, at + 1));
    photo.querySelector(`[data-move="${by}"]`).focus();
  }

  // Sending ----------------------------------------------------------------------------------
  async photos() {
    try {
      const key = this.form.elements.key?.value;
      return (await entries(this.user)).filter((entry) => (this.item ? entry.item === this.item : !entry.item && entry.form === key));
    } catch {
      return []; // the browser keeps none: they go with the form
    }
  }

  async send(button) {
    if (this.busy) return;
    this.busy = true;
    try {
      await this.taken();
      const photos = await this.photos();
      if (button?.name === "again" && photos.length) this.hold(button, photos);
      else await this.post(button, photos);
    } finally {
      this.busy = false;
    }
  }

  // Photos that were chosen a moment ago are still being kept: sent now, they would be sent twice.
  async taken() {
    while (this.form.querySelector("input[data-taking]")) await new Promise((done) => setTimeout(done, 50));
  }

  // An item goes back to its reviewer with all its photos, or not yet.
  hold(button, photos) {
    this.words_of ??= button.textContent;
    if (photos.some((photo) => photo.state === "refused")) {
      this.release(button);
      say("A photo was not stored; it says why. Try it again or remove it, and send again.", "warning");
      return;
    }
    const here = this.form.querySelectorAll("[data-photo]").length;
    this.held = button;
    button.classList.add("busy");
    button.textContent = `${this.words_of} — ${here} of ${here + photos.length} photos stored`;
  }

  release(button) {
    this.held = null;
    button?.classList.remove("busy");
    if (button && this.words_of) button.textContent = this.words_of;
  }

  async post(button, photos) {
    const body = new FormData(this.form, button);
    if (!this.item) body.set("promised", JSON.stringify(photos.map(promised)));
    button?.classList.add("busy");
    let answer;
    try {
      const address = this.form.getAttribute("action") || location.href;
      answer = await fetch(address, { method: "POST", body, headers: { Accept: "application/json" } });
    } catch {
      return this.wait(button);
    }
    await this.answered(answer, button);
  }

  wait(button) {
    if (!this.held) say(AWAY, "warning");
    this.keep();
    this.held = button;
    setTimeout(() => this.held && this.send(this.held), AGAIN_MS);
  }

  async answered(answer, button) {
    this.release(button);
    if (answer.redirected || answer.status === 401) return say("You are signed out. What you wrote is kept on this device: reload the page and sign in.", "error");
    if ([400, 409, 422].includes(answer.status)) return this.show(button);
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) return say(`${told.error ?? `The server could not answer (${answer.status}).`} What you wrote is kept on this device.`, "error");
    await this.stored(told);
  }

  async stored({ number, id, next }) {
    this.gone = true;
    this.draft.forget();
    const key = this.other?.read()?.words.key;
    if (key) for (const entry of await entries(this.user)) if (!entry.item && entry.form === key) await change(entry.key, { item: number, itemId: id });
    this.other?.forget();
    location.assign(next);
  }

  // The server's page says best what is wrong, with everything still in it.
  show(button) {
    if (button?.name) this.form.append(Object.assign(document.createElement("input"), { type: "hidden", name: button.name, value: button.value }));
    this.keep();
    HTMLFormElement.prototype.submit.call(this.form);
  }
}

function renumber(photo, place) {
  photo.querySelector("select").value = String(place);
  for (const number of photo.querySelectorAll("[data-number]")) number.textContent = String(place);
  for (const act of photo.querySelectorAll("[aria-label]")) act.ariaLabel = act.ariaLabel.replace(/\d+/, String(place));
}

// The number of the item that a form became; empty where it is not stored, as far as can be told.
async function becameOf(key) {
  try {
    const answer = await fetch(`/api/uploads?form=${encodeURIComponent(key)}`, { headers: { Accept: "application/json" } });
    return answer.ok ? (await answer.json()).item : "";
  } catch {
    return "";
  }
}

function promised({ key, name, size, sha256, caption, position }) {
  return { key, name, size, sha256, caption, position: position || null };
}
