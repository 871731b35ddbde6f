// What a page does when the server is out of reach, and when the browser brings it back from its memory.

import { ask, refresh } from "./refresh.js";

const offline = document.querySelector(".offline");

function tellConnection() {
  offline.hidden = navigator.onLine;
}
addEventListener("online", () => {
  tellConnection();
  refresh();
});
addEventListener("offline", tellConnection);
tellConnection();

// A page brought back by "Back" shows nothing until the server has said that its reader is still signed in.
addEventListener("pageshow", async (event) => {
  if (!event.persisted || !document.querySelector("header.top")) return;
  const root = document.documentElement;
  root.classList.add("checking");
  try {
    await ask();
    root.classList.remove("checking");
    refresh();
  } catch {
    location.reload();
  }
});
