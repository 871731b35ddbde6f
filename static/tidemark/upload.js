// Photos chosen here are kept on the device at once and sent by themselves: with progress, over cut connections, days later.
//
// Mounted on workitems/_uploads.html. It takes the place of a form's file fields; where the browser keeps nothing, those stay
// as they are and everything goes in one request.

import { change, drop, entries, keep } from "./uploads/kept.js";
import { hold, opened } from "./uploads/open.js";
import { request, wake, withdraw } from "./uploads/sending.js";
import { sha256 } from "./uploads/sha256.js";
import { refresh } from "./refresh.js";
import { say } from "./toasts.js";

const SIDE = 120; // pixels of a preview

/** Shows what waits on this device, takes new photos of the form around it, and has them sent. */
export async function mount(element) {
  const here = new Panel(element);
  try {
    await here.begin();
    await here.adopt();
  } catch {
    return; // the browser keeps nothing: the form's own fields do
  }
  here.takeOverFields();
  await here.show();
  document.addEventListener("tidemark:upload", ({ detail }) => here.told(detail));
  wake(here.user);
}

class Panel {
  constructor(element) {
    const { user, item, itemId, most, bytes } = element.dataset;
    Object.assign(this, { element, user, item, itemId: Number(itemId), room: Number(most), bytes: Number(bytes) });
    this.section = element.nextElementSibling;
    this.list = make("ol");
    this.section.append(this.list);
    this.around = document.querySelector("input[type=file][name^='photo-'], input[type=file][name^='retake-']")?.form;
  }

  // A draft brings its form's key with it; whoever opens another form leaves this one its photos as long as it is open.
  async begin() {
    const { around } = this;
    if (around?.matches("[data-fresh]:not([data-restored])")) await new Promise((done) => around.addEventListener("tidemark:restored", done, { once: true }));
    this.form = around?.elements.key?.value ?? "";
    if (this.form) hold(this.form);
  }

  // Photos of a form that is stored by now go to its item; those of one that never was belong to the form that is open.
  async adopt() {
    const isNew = this.around && !this.item;
    const homeless = (await entries(this.user)).filter((entry) => !entry.item && !(isNew && entry.form === this.form));
    const isOpen = await opened();
    for (const form of new Set(homeless.map((entry) => entry.form))) {
      const { item, item_id: itemId } = await request("GET", `/api/uploads?form=${encodeURIComponent(form)}`).catch(() => ({}));
      const values = item ? { item, itemId } : { form: this.form };
      if (!item && (item === undefined || !isNew || isOpen(form))) continue;
      for (const entry of homeless) if (entry.form === form) await change(entry.key, values);
    }
  }

  async mine() {
    const all = await entries(this.user);
    if (this.around && !this.item) return all.filter((entry) => !entry.item && entry.form === this.form);
    return this.item ? all.filter((entry) => entry.item === this.item) : all.filter((entry) => entry.item);
  }

  takeOverFields() {
    if (!this.around) return;
    const [first, ...others] = this.around.querySelectorAll("input[type=file][name^='photo-']");
    for (const input of others) input.closest("li").hidden = true;
    if (first) {
      first.closest("ol").before(this.section);
      this.picker = first.closest("li");
      first.multiple = true;
      this.picker.querySelector("input:not([type=file])").hidden = true;
      this.picker.querySelector("label").textContent = "Add photos";
      if (matchMedia("(pointer: coarse)").matches) this.addCamera(first);
    }
    for (const input of this.around.querySelectorAll("input[type=file]")) {
      input.addEventListener("change", () => this.take(input));
      if (input.files.length) this.take(input); // chosen before this part was here
    }
  }

  addCamera(first) {
    const label = make("label", "button", "Take a photo");
    const camera = make("input", "visually-hidden");
    Object.assign(camera, { type: "file", accept: "image/*", capture: "environment" });
    label.append(camera);
    first.after(label);
  }

  async take(input) {
    input.dataset.taking = ""; // whoever sends the form waits for it
    try {
      await this.keepFiles(input);
    } finally {
      delete input.dataset.taking;
    }
  }

  async keepFiles(input) {
    const left = new DataTransfer(); // what the device cannot keep stays in the field
    const said = [];
    const replaces = Number(/^retake-(\d+)$/.exec(input.name)?.[1] ?? 0);
    for (const file of [...input.files]) {
      try {
        const fault = await this.keepFile(file, replaces);
        if (fault) said.push(`${file.name} is not taken: ${fault}`);
      } catch (error) {
        left.items.add(file);
        said.push(`${file.name} could not be kept on this device: ${error.message} It goes with the form instead.`);
      }
    }
    if (said.length) say(said.join(" "), "warning");
    input.files = left.files;
    await this.show();
    wake(this.user);
  }

  // Why it is not taken, for people; empty where it is kept. Rejects where the device keeps nothing more.
  async keepFile(file, replaces) {
    if (file.size > this.bytes) return `it has ${megabytes(file.size)}, a photo may have ${megabytes(this.bytes)}.`;
    const there = await this.mine();
    const stored = this.list.querySelectorAll("[data-photo]:not([data-replaces])").length;
    if (!replaces && there.filter((entry) => !entry.replaces).length + stored >= this.room) return "the item has all its photos.";
    const content = await file.arrayBuffer(); // a copy: what the camera hands over may be gone tomorrow
    const hash = await sha256(content);
    if (there.some((entry) => entry.sha256 === hash)) return "it is chosen already.";
    const blob = new Blob([content], { type: file.type });
    const key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const position = this.item ? 0 : 1 + Math.max(0, ...there.map((entry) => entry.position));
    const { user, form, item, itemId } = this;
    const about = { key, user, form, item, itemId, name: file.name, size: blob.size };
    const rest = { caption: "", position, replaces, state: "waiting", fault: "", added: Date.now() };
    await keep({ ...about, ...rest, sha256: hash, preview: await preview(blob), blob });
    navigator.storage?.persist?.();
    return "";
  }

  // Rows stay where they are while their entry is the same: somebody may be writing a caption in one.
  async show() {
    const there = await this.mine();
    const rows = new Map([...this.list.children].map((row) => [row.dataset.key, row]));
    const stored = [...rows.values()].filter((row) => row.dataset.photo);
    const tiles = there.map((entry) => {
      const row = rows.get(entry.key);
      return row?.dataset.state === entry.state ? row : this.tile(entry);
    });
    [...stored, ...tiles].forEach((row, at) => {
      if (this.list.children[at] !== row) this.list.insertBefore(row, this.list.children[at] ?? null);
    });
    while (this.list.children.length > stored.length + tiles.length) this.list.lastChild.remove();
    this.section.hidden = !this.list.children.length;
    const room = this.room - stored.filter((row) => !row.dataset.replaces).length;
    if (this.picker) this.picker.hidden = there.filter((entry) => !entry.replaces).length >= room;
  }

  tile(entry) {
    const row = make("li", "upload");
    Object.assign(row.dataset, { key: entry.key, state: entry.state });
    if (entry.replaces) row.dataset.replaces = entry.replaces;
    const image = entry.preview ? make("img") : make("span", "no-thumb", entry.name.split(".").pop());
    if (entry.preview) Object.assign(image, { src: entry.preview, alt: "", width: 60, height: 60 });
    const about = make("div", "about");
    about.append(make("strong", "", entry.name || "Photo"), this.state(entry));
    if (this.around) about.append(this.caption(entry, row));
    const acts = make("div", "buttons");
    if (entry.state === "refused") acts.append(this.act("Try again", entry, () => this.again(entry)));
    if (!entry.item) acts.append(this.act("Earlier", entry, () => this.earlier(entry), "earlier"));
    acts.append(this.act("Remove", entry, () => this.remove(entry)));
    row.append(image, about, acts);
    return row;
  }

  state(entry) {
    const note = make("p", "note");
    const state = make("span");
    state.setAttribute("role", "status");
    note.append(state, make("span", "sent")); // which is not read out at every step
    const place = this.item || !entry.item ? "" : ` for ${entry.item}`;
    if (entry.state === "refused") state.textContent = `Not stored${place}: ${entry.fault} It is kept on this device.`;
    else if (entry.item) state.textContent = `On its way${place}.`;
    else state.textContent = "Kept on this device. It is sent when you send the form.";
    return note;
  }

  caption(entry, row) {
    const input = make("input");
    Object.assign(input, { placeholder: "Caption", value: entry.caption, maxLength: 500, spellcheck: true });
    input.setAttribute("aria-label", `Caption of ${entry.name}`);
    input.addEventListener("input", () => change(entry.key, { caption: input.value }));
    input.addEventListener("change", () => this.recaption(row, input.value));
    return input;
  }

  // What is stored already is captioned where it is.
  async recaption({ dataset }, caption) {
    if (!dataset.photo || caption === dataset.caption) return;
    try {
      await request("PATCH", `/api/workitems/photos/${dataset.photo}`, JSON.stringify({ caption }), { "Content-Type": "application/json" });
      dataset.caption = caption;
    } catch (error) {
      say(`The caption is not stored: ${error.message}`, "warning");
    }
  }

  act(words, entry, done, style = "") {
    const button = make("button", style, words);
    button.setAttribute("aria-label", `${words}: ${entry.name || "photo"}`);
    button.type = "button";
    button.addEventListener("click", done);
    return button;
  }

  async again(entry) {
    await change(entry.key, { state: "waiting", fault: "" });
    await this.show();
    wake(this.user);
  }

  async earlier(entry) {
    const there = await this.mine();
    const at = there.findIndex((each) => each.key === entry.key);
    if (at < 1) return;
    await change(entry.key, { position: there[at - 1].position });
    await change(there[at - 1].key, { position: entry.position });
    await this.show();
    const row = this.list.querySelector(`[data-key="${entry.key}"]`);
    const button = row.querySelector(".earlier");
    const next = button.checkVisibility() ? button : row; // of the first, where another Enter does nothing
    if (next === row) row.tabIndex = -1;
    next.focus();
  }

  async remove(entry) {
    await drop(entry.key);
    await this.show();
    say(`${entry.name} is removed from this device.`);
    await withdraw(entry).catch(() => say("The server still waits for it; a reviewer can stop that.", "warning"));
  }

  told({ key, item, state, sent, size, words, photo, caption }) {
    const row = this.list.querySelector(`[data-key="${key}"]`);
    if (row && state === "sending") this.progress(row, sent, size);
    else if (row && state === "stored" && this.around) this.stored(row, photo, caption);
    else if (state === "stored" || state === "refused") this.settled(state, item);
    else if (row) row.querySelector("[role=status]").textContent = words;
  }

  stored(row, photo, caption) {
    Object.assign(row.dataset, { photo, caption });
    row.querySelector("[role=status]").textContent = "✓ Stored";
    row.querySelector(".sent").textContent = "";
    row.querySelector("progress")?.remove();
    row.querySelector(".buttons").remove();
    const input = row.querySelector("input");
    if (input && input !== document.activeElement) this.recaption(row, input.value);
  }

  progress(row, sent, size) {
    let bar = row.querySelector("progress");
    if (!bar) {
      bar = make("progress");
      bar.setAttribute("aria-label", "Sent");
      row.querySelector(".note").after(bar);
    }
    Object.assign(bar, { max: size, value: sent });
    row.querySelector(".sent").textContent = ` ${Math.floor((100 * sent) / size)} % sent`;
  }

  async settled(state, item) {
    await this.show();
    if (this.around || (this.item && item !== this.item)) return;
    if (state === "stored" && !this.list.children.length) say("All photos are stored.", "success");
    await refresh(); // what the page says is there, and still on the way, is true after each
  }
}

// A small picture as a data: URL, for the page may show no other; empty where the browser cannot read the photo.
async function preview(blob) {
  try {
    const image = await createImageBitmap(blob, { resizeWidth: SIDE, resizeQuality: "medium" });
    const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
    const scale = Math.max(SIDE / image.width, SIDE / image.height);
    const [width, height] = [image.width * scale, image.height * scale];
    canvas.getContext("2d").drawImage(image, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
    return canvas.toDataURL("image/jpeg", 0.7);
  } catch {
    return ""; // HEIC in most browsers
  }
}

function make(name, style = "", words = "") {
  const element = document.createElement(name);
  if (style) element.className = style;
  if (words) element.textContent = words;
  return element;
}

const megabytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MB`;
