// The board of a performance page takes itself anew (htmx) while somebody looks at it. After an answer that failed it
// stops, says so, and waits to be asked.

let stopped = false;

const isBoard = (event) => event.target.id === "board";

document.addEventListener("htmx:before:request", (event) => {
  if (isBoard(event) && (stopped || document.hidden)) event.preventDefault();
});

function stop(event) {
  if (!isBoard(event) || stopped) return;
  stopped = true;
  document.getElementById("poll-stopped").hidden = false;
}
document.addEventListener("htmx:response:error", stop);
document.addEventListener("htmx:error", stop);

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-poll-again]")) location.reload();
});
