// Photos over the whole window: arrows, Home and End, Esc; a swipe on a phone.

const SWIPE_PX = 50;

const NAMES = { back: "Previous photo", on: "Next photo", close: "Close" };
const SIGNS = { back: "‹", on: "›", close: "×" };

function button(name) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = `lightbox-${name}`;
  made.setAttribute("aria-label", NAMES[name]);
  made.textContent = SIGNS[name];
  return made;
}

function build() {
  const dialog = document.createElement("dialog");
  dialog.className = "lightbox";
  dialog.setAttribute("aria-label", "Photo");
  const picture = document.createElement("img");
  const words = document.createElement("p");
  words.setAttribute("aria-live", "polite");
  const original = document.createElement("a");
  original.target = "_blank";
  original.rel = "noopener";
  original.textContent = "Original";
  const foot = document.createElement("footer");
  foot.append(words, original);
  const [back, on, close] = ["back", "on", "close"].map(button);
  dialog.append(picture, foot, back, on, close);
  document.body.append(dialog);
  return { dialog, picture, words, original, back, on, close };
}

/** Opens the photos of `part` large. */
export function mount(part) {
  const frames = [...part.querySelectorAll("a[data-picture]")];
  if (!frames.length) return;
  let box = null;
  let place = 0;

  function show(next) {
    place = Math.min(Math.max(next, 0), frames.length - 1);
    const frame = frames[place];
    box.picture.src = frame.dataset.picture;
    box.picture.alt = frame.dataset.words;
    box.words.textContent = `${frame.dataset.words} (${place + 1} of ${frames.length})`;
    box.original.href = frame.href;
    box.original.hidden = frame.getAttribute("href") === frame.dataset.picture; // not theirs to have: it says where it was taken
    box.back.disabled = place === 0;
    box.on.disabled = place === frames.length - 1;
  }
  const keys = { ArrowLeft: () => show(place - 1), ArrowRight: () => show(place + 1), Home: () => show(0), End: () => show(frames.length - 1) };

  function wire() {
    let from = null;
    box.back.addEventListener("click", keys.ArrowLeft);
    box.on.addEventListener("click", keys.ArrowRight);
    box.close.addEventListener("click", () => box.dialog.close());
    box.dialog.addEventListener("close", () => frames[place].focus());
    box.dialog.addEventListener("click", (event) => event.target === box.dialog && box.dialog.close());
    box.dialog.addEventListener("keydown", (event) => {
      if (!keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    });
    box.dialog.addEventListener("pointerdown", (event) => (from = event.clientX));
    box.dialog.addEventListener("pointerup", (event) => {
      const moved = from === null ? 0 : event.clientX - from;
      from = null;
      if (Math.abs(moved) > SWIPE_PX) show(place - Math.sign(moved));
    });
  }

  frames.forEach((frame, number) => {
    frame.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      if (!box) {
        box = build();
        wire();
      }
      show(number);
      box.dialog.showModal();
    });
  });
}
