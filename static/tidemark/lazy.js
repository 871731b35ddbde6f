// A part that costs something names its module; it is fetched when the part comes into view.

import { say } from "./toasts.js";

const LONGEST_MS = 100; // a page out of sight paints nothing
let queue = Promise.resolve();

/** Resolves once the browser has painted what is there now; those that wait take turns, one a frame. */
export function afterPaint() {
  queue = queue.then(() => new Promise((done) => {
    requestAnimationFrame(() => setTimeout(done));
    setTimeout(done, LONGEST_MS);
  }));
  return queue;
}

const known = new WeakSet(); // what was mounted stays so, wherever on the page it is put
const onSight = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      onSight.unobserve(target);
      target.dataset.mounting = "";
      import(target.dataset.module)
        .then((part) => part.mount(target))
        .catch(() => say("A part of this page could not be loaded. Reload to try again.", "error"))
        .finally(() => delete target.dataset.mounting); // what drives the page, such as a test, waits for it
    }
  },
  { rootMargin: "100px" },
);

/** Mounts `within`, where it is such a part, and those in it, each when it comes into view. */
export function watch(within) {
  const parts = [...within.querySelectorAll("[data-module]")];
  if (within.matches?.("[data-module]")) parts.push(within);
  for (const part of parts) {
    if (!known.has(part)) onSight.observe(part);
    known.add(part);
  }
}
