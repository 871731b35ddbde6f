// Sends what the device keeps, one photo at a time and in pieces, from one tab alone; goes on after cuts by itself.
//
// Tells `tidemark:upload` on the document, in this tab and in others: { key, state, sent, size, words }, where `state` is
// sending, waiting (it is tried again), refused, stored or signed-out. A photo is forgotten only when the server has it.

import { change, drop, entries } from "./kept.js";

const PIECE = 512 * 1024; // bytes; what a cut can cost
const STALLED_MS = 45_000; // without a byte of progress
const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;
const WRONG_MAX = 3; // times that all bytes arrive and are not what was promised

const others = "BroadcastChannel" in globalThis ? new BroadcastChannel("tidemark-uploads") : null;
others?.addEventListener("message", ({ data }) => dispatch(data));
let going = null;
let wakeUp = () => {};
let failures = 0;

function dispatch(detail) {
  document.dispatchEvent(new CustomEvent("tidemark:upload", { detail }));
}

function tell(entry, state, sent, words, photo = 0) {
  const { key, item, size, caption } = entry;
  const detail = { key, item, state, sent, size, words, photo, caption };
  dispatch(detail);
  others?.postMessage(detail);
}

/** Sends what waits of `user`, now; asked while it sends or pauses, it looks again at once. */
export function wake(user) {
  failures = 0;
  wakeUp();
  going ??= alone(() => sendAll(user)).finally(() => (going = null));
}
addEventListener("online", () => wakeUp());

function alone(act) {
  return navigator.locks ? navigator.locks.request("tidemark-uploads", act) : act();
}

async function sendAll(user) {
  for (;;) {
    const entry = (await entries(user)).find((each) => each.item && each.state === "waiting");
    if (!entry) return;
    try {
      await send(entry);
      failures = 0;
    } catch (error) {
      if (error.status === 401) return tell(entry, "signed-out", 0, error.message);
      if (error.final || error.status === 422) await refuse(entry, error.message);
      else await pause(entry, error);
    }
  }
}

async function refuse(entry, words) {
  await change(entry.key, { state: "refused", fault: words });
  tell(entry, "refused", 0, words);
}

async function pause(entry, error) {
  const wait = error.after ?? Math.min(FIRST_MS * 2 ** failures++, LONGEST_MS) * (0.75 + Math.random() / 2);
  tell(entry, "waiting", error.sent ?? 0, error.message);
  await new Promise((done) => {
    wakeUp = done;
    setTimeout(done, wait);
  });
}

async function send(entry) {
  let wrong = 0;
  let now = entry;
  let told = await promise(entry);
  if (told.item !== entry.item) await change(entry.key, { item: (entry.item = told.item) }); // it got another number
  while (told.state === "open") {
    const offset = told.offset;
    tell(entry, "sending", offset, "");
    const before = now.caption;
    now = await change(entry.key, {});
    if (!now) return; // removed meanwhile
    if (now.caption !== before) await promise(now);
    try {
      told = await piece(entry, told.id, offset);
    } catch (error) {
      error.sent = offset;
      if (error.told?.offset === undefined || (error.status === 422 && ++wrong >= WRONG_MAX)) throw error;
      told = { ...told, offset: error.told.offset };
    }
  }
  if (told.state === "given_up") throw failure(told.fault, { final: true });
  await drop(entry.key);
  tell(now, "stored", entry.size, "", told.photo);
}

function promise(entry) {
  const { item, itemId, key, name, size, sha256, caption, position, replaces } = entry;
  const optional = { item_id: itemId || null, position: position || null, replaces: replaces || null };
  const said = { item, key, name, size, sha256, caption, ...optional };
  return request("POST", "/api/uploads", JSON.stringify(said), { "Content-Type": "application/json" });
}

function piece(entry, id, offset) {
  const headers = { "Content-Type": "application/octet-stream", "Upload-Offset": offset };
  const body = entry.blob.slice(offset, offset + PIECE);
  return request("PATCH", `/api/uploads/${id}`, body, headers, (sent) => tell(entry, "sending", offset + sent, ""));
}

/** Takes a promise back; nobody waits for the photo then. It does not matter where the server cannot be told. */
export async function withdraw(entry) {
  if (!entry.item) return;
  const told = await promise(entry);
  if (told.state === "open") await request("DELETE", `/api/uploads/${told.id}`);
}

/** Resolves to the JSON of an answer; by XMLHttpRequest, for fetch does not say how much of a body is gone. */
export function request(method, address, body = null, headers = {}, progress = () => {}) {
  return new Promise((done, fail) => {
    const asked = new XMLHttpRequest();
    let timer = 0;
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => asked.abort(), STALLED_MS);
    };
    asked.open(method, address);
    const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
    const all = { Accept: "application/json", "X-CSRFToken": token, ...headers };
    for (const [name, value] of Object.entries(all)) asked.setRequestHeader(name, value);
    asked.upload.onprogress = ({ loaded }) => {
      watch();
      progress(loaded);
    };
    asked.onloadend = () => {
      clearTimeout(timer);
      answered(asked, done, fail);
    };
    watch();
    asked.send(body);
  });
}

const AWAY = "No connection. It is kept on this device and sent by itself as soon as there is one.";

function answered(asked, done, fail) {
  const { status } = asked;
  let told = {};
  try {
    told = JSON.parse(asked.responseText || "{}");
  } catch {
    // a proxy between answers in its own words; the status says enough
  }
  if (status >= 200 && status < 300 && asked.responseText) return done(told);
  if (status === 0) return fail(failure(AWAY));
  if (status === 401) return fail(failure("You are signed out. It is kept on this device; sign in to send it.", { status }));
  const after = status === 429 ? 1000 * (Number(asked.getResponseHeader("Retry-After")) || 30) : undefined;
  const final = status >= 400 && status < 500 && ![408, 425, 429].includes(status) && told.offset === undefined;
  fail(failure(told.error ?? `The server could not answer (${status}). It is tried again.`, { status, told, after, final }));
}

function failure(message, more = {}) {
  return Object.assign(new Error(message), more);
}
