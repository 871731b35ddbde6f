// A chart's card: fetches when it comes into view, draws, and says what it cannot do. See snapshots/_chart_card.html.
import { read } from "../data.js";
import { afterPaint } from "../lazy.js";
import { legend, make } from "./legend.js";
import { TOOLS, acts, keys, touch } from "./moving.js";
import { colours, options } from "./options.js";
import { VIEWS, alone, daysOf, drawn } from "./views.js";

let loading;
function library({ code, style }) {
  loading ??= new Promise((resolve, reject) => {
    const sheet = make("link", { rel: "stylesheet", href: style });
    const script = make("script", { src: code });
    script.addEventListener("load", () => resolve(window.uPlot));
    script.addEventListener("error", () => {
      loading = undefined; // another try asks again
      reject(new Error("the chart's code could not be loaded"));
    });
    document.head.append(sheet, script);
  });
  return loading;
}

const cards = new WeakMap();
/** What the card of `element` shows now, for tests and for saving: {chart, lines, view, answer}. */
export const shown = (element) => cards.get(element)?.state;

/** Fetches the figures and draws them into `element`; called once, by app.js. */
export async function mount(element) {
  const card = new Card(element);
  cards.set(element, card);
  await card.load();
}

class Card {
  constructor(element) {
    this.element = element;
    this.whole = element.closest("[data-chart]");
    this.state = { name: element.dataset.view, log: false, hidden: new Set() };
    this.elsewhere = element.querySelector("a"); // where the figures are without the chart
    this.turn = 0; // only the newest answer is drawn, whichever comes first
    this.left = new AbortController();
    const until = { signal: this.left.signal };
    document.addEventListener("tidemark:refresh", () => this.here() && this.load(), until);
    document.addEventListener("themechange", () => this.here() && this.draw(), until);
    for (const picker of this.pickers()) picker.addEventListener("click", () => this.pick(picker.dataset.show), until);
    for (const button of this.whole.querySelectorAll("[data-save]")) button.addEventListener("click", () => this.save(button.dataset.save), until);
    this.width = new ResizeObserver(() => this.here() && this.state.chart?.setSize({ width: element.clientWidth, height: this.state.chart.height }));
    this.width.observe(element);
  }

  /** Whether the card is still on the page; one that was swapped out lets go of all it holds. */
  here() {
    if (this.element.isConnected) return true;
    this.left.abort();
    this.width.disconnect();
    this.state.chart?.destroy();
    this.state.chart = undefined;
    return false;
  }

  pickers() {
    return [...this.whole.querySelectorAll("button[data-show]")];
  }

  async load() {
    const { element, state } = this;
    const mine = (this.turn += 1);
    element.setAttribute("aria-busy", "true");
    try {
      const [answer, uPlot] = await Promise.all([read(element.dataset.src), library(element.dataset), this.noted()]);
      await afterPaint(); // the page's text first, then one chart a frame
      if (mine !== this.turn || !this.here()) return;
      Object.assign(state, { answer, uPlot });
      this.draw();
      await this.notes?.load();
    } catch {
      if (mine === this.turn) this.fail(state.answer);
    } finally {
      if (mine === this.turn) element.removeAttribute("aria-busy");
    }
  }

  /** The part that tells what happened on the days, where the page asks for it. */
  async noted() {
    if (!this.element.dataset.notes || this.notes) return;
    const { Notes } = await import("./notes.js");
    this.notes = new Notes(this.element, () => this.state.chart && this.notes.draw(this.state.chart));
  }

  /** Says that the figures could not be fetched; those of before stay where there are any. */
  fail(before) {
    const words = before ? "The newest figures could not be fetched; those of before are shown." : "The chart could not be drawn: its figures could not be fetched.";
    const again = make("button", { type: "button", className: "small" }, "Try again");
    again.addEventListener("click", () => this.load());
    const box = make("div", { className: "chart-failed", role: "alert" }, make("p", {}, words, ...(this.elsewhere && !before ? [" ", this.elsewhere] : [])), again);
    this.element.querySelector(".chart-failed")?.remove();
    if (before) this.element.prepend(box);
    else this.element.replaceChildren(box);
  }

  pick(name) {
    this.state.name = name;
    for (const other of this.pickers()) other.setAttribute("aria-pressed", String(other.dataset.show === name));
    this.draw();
  }

  draw() {
    const { element, state } = this;
    if (!state.answer) return;
    if (state.chart) state.zoomed = this.zoomed();
    const focused = element.contains(document.activeElement) && document.activeElement.dataset.act;
    state.chart?.destroy();
    state.chart = undefined;
    state.view = VIEWS[state.name];
    state.lines = drawn(state.answer, state.name);
    if (!state.lines.length) {
      element.replaceChildren(make("p", { className: "note chart-empty" }, this.nothing()), ...this.parts("box"));
      return;
    }
    state.log &&= this.positive();
    this.build();
    if (focused) element.querySelector(`[data-act="${focused}"]`)?.focus();
  }

  /** The days that the reader zoomed to, as {min, max}: a chart that is drawn again shows them. */
  zoomed() {
    const { data: [days], scales: { x: { min, max } } } = this.state.chart;
    return min > days[0] || max < days.at(-1) ? { min, max } : undefined;
  }

  /** The part of them that `days` has; {} is all. */
  within(days) {
    const { min, max } = this.state.zoomed ?? {};
    return max > days[0] ? { min: Math.max(min, days[0]), max } : {};
  }

  nothing() {
    const thinned = this.state.name === "change" && drawn(this.state.answer, "followers").length > 0;
    if (thinned) return "No two days in a row have a figure here, so there is no daily change. A shorter period shows every day.";
    return `No ${this.state.view.label.toLowerCase()} in this period: nothing was counted, or this platform does not give it. Missing days are not zero.`;
  }

  parts = (name) => (this.notes ? [this.notes[name]] : []);

  positive = () => this.state.lines.every(({ values }) => values.every((value) => value === null || value > 0));

  build() {
    const { element, state } = this;
    const { title, label, hint } = element.dataset;
    const plot = make("div", { className: "chart-plot", tabIndex: 0, role: "application", ariaLabel: `${label || title}: ${state.view.label}` });
    if (hint) plot.setAttribute("aria-describedby", hint);
    const told = make("p", { className: "visually-hidden", role: "status" });
    const days = daysOf(state.answer);
    const hidden = alone(state.lines) ? new Set() : state.hidden; // one alone has no switch to bring it back
    const hide = (at, show) => {
      state.chart.setSeries(at + 1, { show });
      hidden[show ? "delete" : "add"](state.lines[at].label);
    };
    const words = legend(days, state.lines, state.view, hidden, hide);
    element.replaceChildren(plot, ...this.parts("strip"), words.element, this.tools(told), told, ...this.parts("box"));
    const toLast = (chart) => words.show(chart.cursor.idx ?? chart.series[0].idxs?.[1] ?? days.length - 1);
    const place = (chart) => this.notes?.draw(chart);
    const setup = { log: state.log, days: this.within(days), hidden, height: Number(element.dataset.height) || 280, hooks: { setCursor: [toLast], ready: [toLast, place], setScale: [(chart, key) => key === "x" && toLast(chart)], drawAxes: [place] } };
    const columns = [days, ...state.lines.map(({ values }) => values)];
    state.chart = new state.uPlot(options(state.uPlot, plot, state.view, state.lines, setup), columns, plot);
    state.chart.over.addEventListener("dblclick", () => acts(state.chart).reset());
    state.chart.over.addEventListener("click", () => this.choose(state.chart.cursor.idx));
    touch(state.chart);
    this.choose(this.state.chosen ?? days.length - 1);
    keys(plot, () => state.chart, (at) => {
      told.textContent = words.show(at);
      this.choose(at);
    });
  }

  /** The day that a note would be about. */
  choose(at) {
    const second = this.state.chart.data[0][at];
    if (second === undefined) return;
    this.state.chosen = at;
    this.notes?.choose(second);
  }

  tools(told) {
    const buttons = TOOLS.map(([act, sign, name]) => {
      const button = make("button", { type: "button", title: name, ariaLabel: name }, sign);
      button.dataset.act = act;
      button.addEventListener("click", () => acts(this.state.chart)[act]());
      return button;
    });
    return make("div", { className: "chart-tools", role: "group", ariaLabel: "Chart" }, ...buttons, this.scale(told));
  }

  /** The switch between even and logarithmic steps, which refuses what has no logarithm. */
  scale(told) {
    const possible = this.positive();
    const why = "A log scale shows values above zero only; this view has others.";
    const button = make("button", { type: "button", ariaPressed: String(this.state.log), title: possible ? "Equal steps are equal ratios" : why }, "Log");
    button.dataset.act = "log";
    if (!possible) button.setAttribute("aria-disabled", "true");
    button.addEventListener("click", () => {
      if (!possible) {
        told.classList.remove("visually-hidden");
        told.textContent = why;
        return;
      }
      this.state.log = !this.state.log;
      this.draw();
    });
    return button;
  }

  async save(kind) {
    const { save } = await import("./saving.js");
    await save(kind, this.element, this.state, colours(this.element));
  }
}
