// One symbol: candles, the prices at which orders stood, and what was bought and sold.

const SPANS = [["Whole", 0], ["30 days", 2592000], ["7 days", 604800], ["1 day", 86400]];
let market = null;
const ONE_TRADE = -1;
let span = 0; // seconds at the end of the market; 0: all of it

class Levels {
  constructor(levels, chart, candles) {
    this.levels = levels;
    this.chart = chart;
    this.candles = candles;
    this.views = [{ zOrder: () => "bottom", renderer: () => ({ draw: (target) => this.draw(target) }) }];
  }

  attached({ series: host }) { this.host = host; }

  paneViews() { return this.views; }

  draw(target) {
    target.useMediaCoordinateSpace(({ context, mediaSize }) => {
      context.lineWidth = 1.25;
      for (const level of this.levels) this.drawOne(context, mediaSize.width, level);
    });
  }

  drawOne(context, width, level) {
    const y = this.host.priceToCoordinate(level.price);
    const left = this.x(level.begins), right = this.x(level.ends);
    if (y === null || left === null || right === null || right < 0 || left > width) return;
    context.strokeStyle = colour(LEVEL_COLOURS[level.kind]);
    context.globalAlpha = level.status === "FILLED" ? 0.95 : 0.5;
    context.setLineDash(level.kind === "stop" || level.kind === "take profit" ? [4, 3] : []);
    context.beginPath();
    context.moveTo(Math.max(left, 0), y);
    context.lineTo(Math.min(Math.max(right, left + 2), width), y);
    context.stroke();
    context.globalAlpha = 1;
  }

  // Where a moment is: a candle stands around its middle, and begins half a candle before.
  x(time) {
    const scale = this.chart.timeScale(), number = before(this.candles, time);
    const here = scale.logicalToCoordinate(number), wide = scale.logicalToCoordinate(number + 1) - here;
    const part = Math.min((time - this.candles[number].time) / this.span(number), 1);
    return here === null ? null : here + (part - 0.5) * wide;
  }

  span(number) {
    const next = this.candles[number + 1], last = this.candles[number - 1];
    const here = this.candles[number].time;
    return next ? next.time - here : last ? here - last.time : 1;
  }
}

const LEVEL_COLOURS = { buy: "good", sell: "bad", stop: "stop", "take profit": "profit" };

// The number of the last candle that opened at or before a moment.
function before(candles, time) {
  let low = 0, high = candles.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (candles[middle].time <= time) low = middle; else high = middle - 1;
  }
  return low;
}

function levelsOf(found, runner) {
  return found.levels
    .filter((row) => runner.name === "" || row[3] === runner.name)
    .map(([begins, ends, price, bot, kind, side, status]) => ({ begins, ends, price, bot, kind, side, status }));
}

function marksOf(found, runner) {
  return found.marks
    .filter((row) => runner.name === "" || row[1] === runner.name)
    .map(([time, bot, side, , price], at) => side === "BUY"
      ? { time, position: "atPriceMiddle", price, shape: "arrowUp", color: colour("good"), size: 0.6, id: String(at) }
      : { time, position: "atPriceMiddle", price, shape: "arrowDown", color: colour("bad"), size: 0.6, id: String(at) });
}

function drawMarket(found, runner) {
  const chart = chartIn("market");
  const candles = found.candles.map(([time, open, high, low, close]) => ({ time, open, high, low, close }));
  const good = colour("good"), bad = colour("bad");
  const host = chart.addSeries(LightweightCharts.CandlestickSeries, {
    upColor: good + "55", downColor: bad + "55", borderUpColor: good + "99", borderDownColor: bad + "99",
    wickUpColor: good + "99", wickDownColor: bad + "99", priceLineVisible: false,
  });
  host.setData(candles);
  const levels = levelsOf(found, runner), marks = marksOf(found, runner);
  if (candles.length) host.attachPrimitive(new Levels(levels, chart, candles));
  LightweightCharts.createSeriesMarkers(host, marks);
  market = { chart, candles };
  show(Math.max(span, 0));
  tellMarket(found, levels, marks);
}

// The last so many seconds of the market; all of it without a number.
function show(seconds) {
  const { chart, candles } = market;
  span = seconds;
  choices("spans", SPANS, span, show);
  if (!seconds || !candles.length) return chart.timeScale().fitContent();
  zoom(candles.at(-1).time - seconds, candles.at(-1).time);
}

// A part of the market, in seconds, with some room around it.
function zoom(begins, ends) {
  const { chart, candles } = market;
  const first = before(candles, begins), last = before(candles, ends);
  const room = Math.max(5, (last - first) / 10);
  chart.timeScale().setVisibleLogicalRange({ from: first - room, to: last + room });
}

function tellMarket(found, levels, marks) {
  const kinds = ["buy", "sell", "stop", "take profit"];
  place("market-legend", ...kinds.map((kind) => {
    const count = levels.filter((level) => level.kind === kind).length;
    return key(colour(LEVEL_COLOURS[kind]), kind + " orders", count);
  }), key("transparent", "▲▼ fills", marks.length));
  const notes = [`Candles of ${found.interval}; wheel or pinch to look closer. Dashed: stops and take-profits.`];
  if (found.levels_left_out) notes.push(`${found.levels_left_out} levels that stood shorter are left out.`);
  if (found.marks_left_out) notes.push(`${found.marks_left_out} older fills are left out: see fills.csv.`);
  place("market-note", notes.join(" "));
}
