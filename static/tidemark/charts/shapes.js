// What tells lines apart without colour: dashes and point shapes, and how points and ranges are painted.

export const DASHES = [[], [9, 4], [4, 3], [10, 3, 3, 3], [14, 5], [3, 6], [9, 3, 3, 3, 3, 3], [6, 6]];
export const DOTTED = [1, 4]; // the period before
/** Paths around 0,0 and 4 px wide each way; the canvas and the legend draw the same ones. */
export const SHAPES = [
  "M4,0A4,4 0 1 1 -4,0A4,4 0 1 1 4,0Z",
  "M-3.5,-3.5H3.5V3.5H-3.5Z",
  "M0,-4.5L4.2,3.2H-4.2Z",
  "M0,-5L4.5,0L0,5L-4.5,0Z",
  "M0,4.5L4.2,-3.2H-4.2Z",
  "M-1.5,-4.5H1.5V-1.5H4.5V1.5H1.5V4.5H-1.5V1.5H-4.5V-1.5H-1.5Z",
  "M-4.5,-2H4.5V2H-4.5Z",
  "M0,-5L1.5,-1.5L5,0L1.5,1.5L0,5L-1.5,1.5L-5,0L-1.5,-1.5Z",
];
export const CROSS = "M-4,-4L4,4M-4,4L4,-4";
const [ALONG, MARKED] = [72, 14]; // px between two points of one line at the least; those with a word stand closer
export const nth = (list, place) => list[place % list.length];

/** Paints over the lines of `chart`: ranges of rounded figures, points, doubted days on the axis. */
export function paint(chart, lines, colour) {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left - 6 * ratio, bbox.top, bbox.width + 12 * ratio, bbox.height);
  ctx.clip();
  lines.forEach((line, at) => {
    if (!chart.series[at + 1].show || line.before) return;
    const pen = { chart, line, ratio, colour: colour(`series-${(line.place % 8) + 1}`), card: colour("card") };
    ranges(pen);
    points(pen, lines.filter(({ before }) => !before).length > 1);
    doubts(pen, colour("attention"));
  });
  ctx.restore();
}

const seen = (chart) => chart.series[0].idxs;

function ranges({ chart, line, ratio, colour }) {
  const { ctx } = chart;
  const place = (value) => chart.valToPos(Math.max(value, chart.scales.y.min), "y", true);
  const across = (at) => chart.valToPos(chart.data[0][at], "x", true);
  ctx.fillStyle = colour;
  ctx.globalAlpha = 0.2;
  const [first, last] = seen(chart);
  for (let at = first; at <= last; at += 1) {
    if (!line.bounds[at]) continue;
    const from = at;
    while (at < last && line.bounds[at + 1]) at += 1;
    const run = line.bounds.slice(from, at + 1);
    const middle = from === at ? 3 * ratio : 0; // a day alone is as wide as a point
    ctx.beginPath();
    run.forEach(([, high], n) => ctx.lineTo(across(from + n) - middle, place(high)));
    if (middle) ctx.lineTo(across(at) + middle, place(run[0][1]));
    run.reverse().forEach(([low], n) => ctx.lineTo(across(at - n) + middle, place(low)));
    if (middle) ctx.lineTo(across(at) - middle, place(run[0][0]));
    ctx.fill();
  }
  ctx.globalAlpha = 1;
}

function points(pen, many) {
  const { chart, line, ratio } = pen;
  const [first, last] = seen(chart);
  let before = -Infinity;
  for (let at = first; at <= last; at += 1) {
    if (line.values[at] === null) continue;
    const x = chart.valToPos(chart.data[0][at], "x", true);
    const room = (x - before) / ratio;
    if (!(alone(line.values, at) || (line.kinds[at] && room >= MARKED) || (many && room >= ALONG))) continue;
    before = x;
    point(pen, x, chart.valToPos(line.values[at], "y", true), line.kinds[at]);
  }
}

/** A day between two gaps has no line to stand on. */
const alone = (values, at) => (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null;

function point({ chart: { ctx }, line, ratio, colour, card }, x, y, kind) {
  ctx.save();
  ctx.translate(x, y);
  ctx.scale(ratio, ratio);
  const shape = new Path2D(nth(SHAPES, line.place));
  ctx.fillStyle = kind ? card : colour;
  ctx.strokeStyle = kind ? colour : card;
  ctx.lineWidth = kind ? 1.5 : 1;
  ctx.setLineDash([]);
  ctx.fill(shape);
  ctx.stroke(shape);
  if (kind === "imported") {
    ctx.fillStyle = colour;
    ctx.fillRect(-1, -1, 2, 2);
  }
  ctx.restore();
}

function doubts({ chart, line, ratio }, colour) {
  const { ctx, bbox } = chart;
  const { min, max } = chart.scales.x;
  for (const [from, to] of line.suspects) {
    if (to < min || from > max) continue;
    ctx.save();
    ctx.translate(chart.valToPos(from, "x", true), bbox.top + bbox.height - 7 * ratio);
    ctx.scale(ratio, ratio);
    ctx.strokeStyle = colour;
    ctx.lineWidth = 2;
    ctx.setLineDash([]);
    ctx.stroke(new Path2D(CROSS));
    ctx.restore();
  }
}
