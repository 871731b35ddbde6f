// Short messages at the edge of the page.

/** Shows one message ("info", "success", "warning" or "error") and returns it; the last two stay until they are closed. */
export function say(text, level = "info") {
  const toast = document.createElement("li");
  toast.className = `toast ${level}`;
  const words = document.createElement("span");
  words.textContent = text;
  toast.append(words);
  document.querySelector(".toasts").append(toast);
  settle(toast);
  return toast;
}

function settle(toast) {
  const close = document.createElement("button");
  close.type = "button";
  close.className = "plain";
  close.textContent = "Close";
  close.addEventListener("click", () => toast.remove());
  toast.append(close);
  if (!toast.matches(".error, .warning")) setTimeout(() => toast.remove(), 8000);
}
for (const toast of document.querySelectorAll(".toast")) settle(toast);
