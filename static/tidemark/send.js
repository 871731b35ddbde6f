// A form sent by a script: what the server says of it, or an error whose message is for people.

/** Sends `form` as `button` would; resolves to the answer's JSON. Errors carry `status` (0: no answer) and `told`. */
export async function send(form, button) {
  const body = new URLSearchParams(new FormData(form, button));
  let answer;
  try {
    // A control may be called "action", so form.action is not to be trusted.
    answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { Accept: "application/json" } });
  } catch {
    throw refusal("The server could not be reached.", 0);
  }
  if (answer.redirected) throw refusal("You are signed out. Sign in again.", 401);
  const told = await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  throw refusal(told.error ?? told.message ?? `The server could not answer (${answer.status}).`, answer.status, told);
}

function refusal(message, status, told = {}) {
  return Object.assign(new Error(message), { status, told });
}
