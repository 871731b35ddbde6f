// What this browser remembers of its reader's choices.

/** The choice kept under `name`, or null; also where the browser keeps nothing. */
export function choice(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** Keeps a choice; whether the browser did. */
export function choose(name, value) {
  try {
    localStorage.setItem(name, value);
    return true;
  } catch {
    return false;
  }
}
