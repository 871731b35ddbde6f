// SHA-256 (FIPS 180-4) in hexadecimal; by hand where a page came over plain HTTP, for there browsers hide theirs.

const K = new Uint32Array(64);
const START = new Uint32Array(8);
const fraction = (x) => ((x - Math.floor(x)) * 2 ** 32) >>> 0;
for (let number = 2, found = 0; found < 64; number++) {
  let prime = true;
  for (let by = 2; by * by <= number; by++) if (number % by === 0) prime = false;
  if (!prime) continue;
  if (found < 8) START[found] = fraction(Math.sqrt(number));
  K[found++] = fraction(Math.cbrt(number));
}

/** The hash of an ArrayBuffer. */
export async function sha256(buffer) {
  const bytes = globalThis.crypto?.subtle ? new Uint8Array(await crypto.subtle.digest("SHA-256", buffer)) : byHand(buffer);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The 32 bytes of the hash, without the browser's help. */
export function byHand(buffer) {
  const length = buffer.byteLength;
  const whole = length - (length % 64);
  const rest = new Uint8Array(length % 64 < 56 ? 64 : 128);
  rest.set(new Uint8Array(buffer, whole));
  rest[length % 64] = 0x80;
  const end = new DataView(rest.buffer);
  end.setUint32(rest.length - 8, Math.floor(length / 2 ** 29));
  end.setUint32(rest.length - 4, (length * 8) >>> 0);
  const state = START.slice();
  const words = new Uint32Array(64);
  const given = new DataView(buffer);
  for (let at = 0; at < whole; at += 64) block(state, words, given, at);
  for (let at = 0; at < rest.length; at += 64) block(state, words, end, at);
  const out = new DataView(new ArrayBuffer(32));
  state.forEach((word, index) => out.setUint32(index * 4, word));
  return new Uint8Array(out.buffer);
}

const turn = (x, by) => (x >>> by) | (x << (32 - by));

function block(state, w, view, at) {
  for (let i = 0; i < 16; i++) w[i] = view.getUint32(at + i * 4);
  for (let i = 16; i < 64; i++) {
    const s0 = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ (w[i - 15] >>> 3);
    const s1 = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ (w[i - 2] >>> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
    const s0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((value, i) => (state[i] += value));
}
