// Photos that this device has taken and the server has not confirmed, in IndexedDB: they outlive reloads and dead batteries.
//
// An entry: { key, user, form, item, itemId, name, size, sha256, caption, position, replaces, state, fault, preview, added, blob }.
// `item`, its number, is empty until the form that it belongs to is stored; `state` is waiting, or refused with `fault` for people.

const ENTRIES = "photos";
let opened = null;

function database() {
  opened ??= new Promise((done, fail) => {
    const request = indexedDB.open("tidemark-uploads", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(ENTRIES, { keyPath: "key" });
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });
  opened.catch(() => (opened = null));
  return opened;
}

async function run(mode, act) {
  const transaction = (await database()).transaction(ENTRIES, mode, { durability: "strict" });
  const request = act(transaction.objectStore(ENTRIES));
  return new Promise((done, fail) => {
    transaction.oncomplete = () => done(request.result);
    transaction.onabort = transaction.onerror = () => fail(transaction.error ?? request.error);
  });
}

/** All entries of `user`, in the order they are to have. */
export async function entries(user) {
  const all = await run("readonly", (store) => store.getAll());
  return all.filter((entry) => entry.user === user).sort((a, b) => a.position - b.position || a.added - b.added);
}

/** Keeps a new entry, or an old one as it is now. Rejects where the device keeps nothing. */
export async function keep(entry) {
  await run("readwrite", (store) => store.put(entry));
  return entry;
}

/** Changes what is kept under `key`, unless it is gone; resolves to the entry as it is then, or undefined. */
export async function change(key, values) {
  let changed;
  await run("readwrite", (store) => {
    const request = store.get(key);
    request.onsuccess = () => {
      if (!request.result) return;
      changed = { ...request.result, ...values };
      store.put(changed);
    };
    return request;
  });
  return changed;
}

/** Forgets an entry: it is stored on the server, or nobody wants it. */
export function drop(key) {
  return run("readwrite", (store) => store.delete(key));
}
