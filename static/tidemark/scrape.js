// "Scrape now" on an account's page: the request, its progress until it ends, and then the page's figures anew.
import { refresh } from "./refresh.js";
import { send } from "./send.js";
import { say } from "./toasts.js";

const FIRST_MS = 700; // until the first look; each wait is half as long again
const LONGEST_MS = 10_000;
const PATIENCE_MS = 15 * 60_000; // then the reader is told where to look later

/** Shows in `part` how the account of data-src stands; the form before it (data-form names it) starts a scrape. */
export function mount(part) {
  const form = document.getElementById(part.dataset.form);
  const button = form?.querySelector("button");
  let run = ""; // whose fetch of this account is shown; none: whatever is open
  let watching = 0; // which watch is the present one: a new request ends the one before

  async function look() {
    const address = run ? `${part.dataset.src}?run=${run}` : part.dataset.src;
    const answer = await fetch(address, { headers: { Accept: "text/html", "HX-Request": "true" } });
    if (!answer.ok || answer.redirected) throw new Error(`the server answered ${answer.status}`);
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild;
    if (words(part) !== words(found)) part.replaceChildren(found); // the same words again would be read out again
    run ||= found.dataset.run;
    return found.dataset.state === "open";
  }

  async function watch() {
    const mine = ++watching;
    const end = Date.now() + PATIENCE_MS;
    let [wait, cutOff] = [FIRST_MS, false];
    let open = run !== ""; // only the end of what was seen or asked for here is news
    while (mine === watching && part.isConnected) {
      if (!document.hidden || !open) {
        try {
          const before = open;
          open = await look();
          if (mine !== watching) return; // a scrape was asked for meanwhile
          cutOff = false;
          if (!open) return over(before);
        } catch {
          if (mine !== watching) return;
          if (!open) return over(false);
          if (!cutOff) say("The server cannot be reached. The scrape goes on without this page; it is looked at again.", "warning");
          cutOff = true;
        }
      }
      busy(true);
      if (Date.now() > end) {
        say("It still waits. Nothing is lost: this page shows the figure when you come back.");
        return over(false);
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(wait * 1.5, LONGEST_MS);
    }
  }

  function over(news) {
    busy(false);
    if (news) refresh();
  }

  function busy(on) {
    if (on) button?.setAttribute("aria-busy", "true");
    else button?.removeAttribute("aria-busy");
    button?.classList.toggle("busy", on);
  }

  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-busy") === "true") return;
    watching++;
    busy(true);
    try {
      run = String((await send(form)).run);
      watch();
    } catch (error) {
      busy(false);
      say(error.status ? error.message : `${error.message} Nothing was asked for; try again.`, error.status === 409 ? "warning" : "error");
    }
  });
  part.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      say((await send(event.target, event.submitter)).message);
    } catch (error) {
      say(error.message, "error");
    }
    watch();
  });
  document.addEventListener("tidemark:refresh", () => {
    if (button?.getAttribute("aria-busy") !== "true") look().catch(() => say("The server cannot be reached. What you see is from before.", "warning"));
  });
  watch();
}

/** What `part` says of a fetch; null where it shows none. */
function words(part) {
  return part.querySelector(".standing") || part.matches(".standing") ? (part.querySelector(".progress-line")?.textContent ?? "") : null;
}
