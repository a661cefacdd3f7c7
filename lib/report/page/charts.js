// The curves: equity, drawdown, exposure, fees, and what each bot brought.

const HUES = [212, 28, 150, 280, 340, 185, 50, 255, 100, 5];
const shown = [];

// A chart shows all of its time again when its width has changed.
const fit = new ResizeObserver(() => requestAnimationFrame(() => {
  for (const chart of shown) if (!market || chart !== market.chart || !span) chart.timeScale().fitContent();
}));

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

function hue(number) {
  const light = document.documentElement.dataset.theme === "dark" ? 66 : 45;
  return `hsl(${HUES[number % HUES.length]} 62% ${light}%)`;
}

function style() {
  return {
    layout: {
      background: { color: "transparent" }, textColor: colour("quiet"), attributionLogo: false,
      fontFamily: "system-ui, sans-serif",
    },
    grid: { vertLines: { color: colour("line") }, horzLines: { color: colour("line") } },
    rightPriceScale: { borderColor: colour("line") },
    timeScale: { borderColor: colour("line"), timeVisible: true, secondsVisible: false, minBarSpacing: 0.05 },
  };
}

function chartIn(id) {
  const box = place(id);
  const chart = LightweightCharts.createChart(box, {
    ...style(),
    autoSize: true,
    localization: { locale: "en-US" },
    timeScale: { ...style().timeScale, timeVisible: id === "market" || run.ends - run.begins < 259200000 },
    handleScroll: { vertTouchDrag: false },
    handleScale: { mouseWheel: id === "market", axisPressedMouseMove: { price: false } },
  });
  shown.push(chart);
  fit.observe(box);
  return chart;
}

function series(runner, name, scale = 1) {
  const { time } = runner.curve;
  return runner.curve[name].map((value, at) => ({ time: time[at], value: value * scale }));
}

function quietly(color, extra) {
  return { color, lineWidth: 2, priceLineVisible: false, lastValueVisible: false, ...extra };
}

function key(color, name, value) {
  const entry = made("span");
  const swatch = made("i");
  swatch.style.background = color;
  entry.append(swatch, name + " ", made("b", value));
  return entry;
}

function drawEquity(runner) {
  const chart = chartIn("equity");
  chart.applyOptions({ layout: { attributionLogo: true } });
  const accent = colour("accent"), hold = colour("hold");
  const own = chart.addSeries(LightweightCharts.AreaSeries, {
    lineColor: accent, topColor: accent + "33", bottomColor: accent + "05", lineWidth: 2,
    priceLineVisible: false,
  });
  own.setData(series(runner, "equity"));
  chart.addSeries(LightweightCharts.LineSeries, quietly(hold)).setData(series(runner, "held"));
  place("equity-legend",
    key(accent, nameOf(runner), `${money(runner.ended)} ${run.asset}`),
    key(hold, "buy and hold", `${money(runner.held)} ${run.asset}`));
  chart.timeScale().fitContent();
}

function percents() {
  return { type: "custom", minMove: 0.01, formatter: (value) => value.toFixed(2) + " %" };
}

function drawArea(id, runner, name, color, scale) {
  const chart = chartIn(id);
  const area = chart.addSeries(LightweightCharts.BaselineSeries, {
    baseValue: { type: "price", price: 0 }, priceLineVisible: false, lineWidth: 1,
    topLineColor: color, topFillColor1: color + "44", topFillColor2: color + "18",
    bottomLineColor: color, bottomFillColor1: color + "18", bottomFillColor2: color + "44",
    priceFormat: percents(),
  });
  area.setData(series(runner, name, scale));
  chart.timeScale().fitContent();
}

function drawFees(runner) {
  const chart = chartIn("fees");
  chart.addSeries(LightweightCharts.LineSeries, quietly(colour("hold"))).setData(series(runner, "fees"));
  chart.timeScale().fitContent();
}

function drawBots() {
  const chart = chartIn("bots");
  const keys = run.runners.slice(1).map((bot, number) => {
    const began = Number(bot.began);
    const line = chart.addSeries(LightweightCharts.LineSeries, quietly(hue(number)));
    line.setData(series(bot, "equity").map((point) => ({ time: point.time, value: point.value - began })));
    return key(hue(number), bot.name, signed(bot.profit));
  });
  place("bots-legend", ...keys);
  chart.timeScale().fitContent();
}

function drawCurves(runner) {
  drawEquity(runner);
  drawArea("drawdown", runner, "drawdown", colour("bad"), -100);
  drawArea("exposure", runner, "exposure", colour("accent"), 100);
  drawFees(runner);
  drawBots();
}
