// A form that takes a while: its button works, and after a second it says what is being done.
import { say } from "./toasts.js";

const SOON_MS = 1000;
const PASTED_MAX = 2_400_000; // characters; the server takes more only as a file
const FILE_MAX = 10 * 1024 * 1024; // bytes, as accounts/rosters.py

/** Marks `form` as working from the moment it is sent until the answer is there. */
export function mount(form) {
  const button = form.querySelector("button[type=submit]");
  const working = form.querySelector(".working");
  let later = 0;
  form.addEventListener("submit", (event) => {
    const tooLarge = refusal(form);
    if (tooLarge || button.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      if (tooLarge) say(tooLarge, "error");
      return;
    }
    button.setAttribute("aria-busy", "true");
    button.classList.add("busy");
    later = setTimeout(() => working?.removeAttribute("hidden"), SOON_MS);
  });
  addEventListener("pageshow", () => {
    clearTimeout(later); // back from the answer: the form is ready again
    button.removeAttribute("aria-busy");
    button.classList.remove("busy");
    working?.setAttribute("hidden", "");
  });
}

function refusal(form) {
  if ((form.elements.text?.value.length ?? 0) > PASTED_MAX) {
    return "This is too much to paste. Save it as a file and choose that; what you pasted is still here.";
  }
  if ((form.elements.file?.files[0]?.size ?? 0) > FILE_MAX) return "This file is larger than 10 MB. Split it; nothing was sent.";
  return "";
}
