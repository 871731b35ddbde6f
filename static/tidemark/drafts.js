// Drafts: what was written in a form, kept on this device until the server has it. Photos are kept by upload.js.

const KEPT_MS = 90 * 86_400_000;

/** What is kept under `name`. Where the device keeps nothing, `write` says so and there is nothing to read. */
export class Draft {
  constructor(name) {
    this.slot = `tidemark.draft.${name}`;
  }

  /** {words, at}: the values by the names of their fields, and when they were kept; or null. */
  read() {
    try {
      const kept = JSON.parse(localStorage.getItem(this.slot));
      return kept?.words && Date.now() - kept.at < KEPT_MS ? kept : null;
    } catch {
      return null; // no storage, or not our words
    }
  }

  /** Keeps `words`; false where the device has no room for them. */
  write(words) {
    try {
      localStorage.setItem(this.slot, JSON.stringify({ words, at: Date.now() }));
      return true;
    } catch {
      return false;
    }
  }

  /** Forgets them. */
  forget() {
    try {
      localStorage.removeItem(this.slot);
    } catch {
      // no storage: nothing was kept
    }
  }
}
