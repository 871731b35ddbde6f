// A list of any length with a few rows in the document: those in sight, a little around them, and the active one.
//
// Rows come in pages by position. A page is asked for when it stays in sight; one that flies by is not.

const AROUND = 8; // rows kept ready above and below what is seen
const ROWS_MAX = 60; // in the document, however tall the window
const TALLEST = 15_000_000; // px: browsers cut elements off not far above
const LOOK_MS = 60;
const PAGES_MAX = 40; // kept at hand; the farthest go first

/**
 * Makes a list in `box`, which scrolls. `make()` gives an empty row, `fill(row, data, index)` shows data in it (undefined
 * while it is on its way) and `load(page)` promises {total, rows} of a page from 1 on. `told(state)` hears "busy", "idle"
 * and errors.
 */
export function virtualList(box, { rowHeight, perPage, make, fill, load, told }) {
  const sheet = box.appendChild(document.createElement("div"));
  sheet.className = "sheet";
  sheet.role = "presentation";
  const shown = new Map(); // index → element
  const spare = [];
  let [pages, old] = [new Map(), new Map()];
  let asked = new Set();
  let [total, active, looking, before, edition] = [0, 0, 0, 0, 0];
  let [failed, isOther] = [false, false];

  // Above TALLEST the sheet is shorter than its rows together: the scrolled share then says where they are.
  const full = () => total * rowHeight;
  const tall = () => Math.min(full(), TALLEST);
  const reach = () => Math.max(1, tall() - box.clientHeight);
  const stretch = () => (full() > tall() ? (full() - box.clientHeight) / reach() : 1);
  const first = () => Math.floor((box.scrollTop * stretch()) / rowHeight);
  const fitting = () => Math.min(Math.ceil(box.clientHeight / rowHeight) + 1, ROWS_MAX - 2 * AROUND - 1);
  const pageOf = (index) => Math.floor(index / perPage) + 1;

  /** The data of row `index`, or undefined while it is not there. */
  function at(index) {
    const page = pageOf(index);
    return (pages.get(page) ?? old.get(page))?.[index % perPage];
  }

  function render() {
    const [from, to] = [Math.max(0, first() - AROUND), Math.min(total, first() + fitting() + AROUND)];
    const wanted = (index) => (index >= from && index < to) || (index === active && index < total);
    for (const [index, row] of shown) {
      if (wanted(index)) continue;
      shown.delete(index);
      row.remove();
      spare.push(row);
    }
    const shift = box.scrollTop * (1 - stretch());
    for (let index = from; index < to; index += 1) place(index, shift);
    if (active < total) place(active, shift);
  }

  function place(index, shift) {
    let row = shown.get(index);
    if (!row) {
      row = spare.pop() ?? make();
      shown.set(index, row);
      fill(row, at(index), index);
      sheet.append(row);
    }
    row.style.transform = `translateY(${index * rowHeight + shift}px)`;
  }

  const refill = () => shown.forEach((row, index) => fill(row, at(index), index));

  // Rows come and go at either end; who reads the document from its start finds them in order all the same.
  function order() {
    const rows = [...shown].sort(([one], [other]) => one - other).map(([, row]) => row);
    if (rows.some((row, place) => sheet.children[place] !== row)) sheet.append(...rows);
  }

  function look() {
    looking = 0;
    if (failed) return; // until somebody asks again
    const now = first();
    if (Math.abs(now - before) > fitting()) {
      before = now;
      lookSoon();
      return;
    }
    before = now;
    order();
    const last = Math.min(total - 1, now + fitting() + AROUND);
    for (let page = pageOf(Math.max(0, now - AROUND)); page <= pageOf(Math.max(0, last)); page += 1) ask(page);
  }

  function lookSoon() {
    looking ||= setTimeout(look, LOOK_MS);
  }

  async function ask(page) {
    if (pages.has(page) || asked.has(page)) return;
    const mine = edition;
    asked.add(page);
    told("busy");
    try {
      const answer = await load(page);
      if (mine !== edition) return;
      keep(page, answer);
    } catch (error) {
      if (mine !== edition) return;
      failed = true;
      told(error);
    } finally {
      if (mine === edition) {
        asked.delete(page);
        if (!asked.size && !failed) told("idle");
      }
    }
  }

  function keep(page, answer) {
    if (isOther) old = new Map();
    isOther = false;
    pages.set(page, answer.rows);
    if (pages.size > PAGES_MAX) {
      const here = pageOf(first());
      pages.delete([...pages.keys()].reduce((far, one) => (Math.abs(one - here) > Math.abs(far - here) ? one : far)));
    }
    resize(answer.total);
    refill();
    render();
    order();
  }

  function resize(count) {
    total = count;
    active = Math.max(0, Math.min(active, total - 1));
    sheet.style.height = `${tall()}px`;
  }

  box.addEventListener("scroll", () => (render(), lookSoon()), { passive: true });
  new ResizeObserver(() => (render(), lookSoon())).observe(box);

  return {
    at,
    refill,
    get total() { return total; },
    get active() { return active; },
    row: (index) => shown.get(index),
    indexOf: (row) => [...shown].find(([, one]) => one === row)?.[0],
    /** Another list: from its start; what was shown stays until the new rows come. `again`: the same one, in place. */
    reset({ again = false } = {}) {
      edition += 1;
      asked = new Set();
      old = pages;
      pages = new Map();
      failed = false;
      if (again) return look();
      isOther = true;
      active = 0;
      box.scrollTop = 0;
      before = 0;
      return ask(1);
    },
    /** Makes `index` the active row and brings it into sight. */
    go(index) {
      active = Math.max(0, Math.min(index, total - 1));
      const top = active * rowHeight;
      const seen = box.scrollTop * stretch();
      if (top < seen) box.scrollTop = top / stretch();
      else if (top + rowHeight > seen + box.clientHeight) box.scrollTop = (top + rowHeight - box.clientHeight) / stretch();
      render();
      lookSoon();
    },
    pageful: () => Math.max(1, Math.floor(box.clientHeight / rowHeight) - 1),
    retry() {
      failed = false;
      return total ? look() : ask(1);
    },
  };
}
