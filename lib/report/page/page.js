// The page: which bot, which symbol, light or dark.

let runner = run.runners[0];
let symbol = run.charts[0];

function choices(id, entries, chosen, choose) {
  place(id, ...entries.map(([name, entry]) => {
    const button = made("button", name);
    button.type = "button";
    button.setAttribute("aria-pressed", String(entry === chosen));
    button.addEventListener("click", () => choose(entry));
    return button;
  }));
}

function drawHead() {
  const only = run.runners.length > 1 ? run.charts.map((chart) => chart.symbol).join(", ") : "";
  place("period", `${moment(run.begins)} to ${moment(run.ends)} UTC`);
  const seed = run.options.find(([name]) => name === "seed");
  const facts = [only, `${run.bars} bars`, `seed ${seed ? seed[1] : "–"}`].filter(Boolean);
  if (run.unpriced.length) facts.push(`not counted, for want of a price: ${run.unpriced.join(", ")}`);
  const stopped = run.runners.filter((each) => each.standing === "parked").map(nameOf);
  if (stopped.length) facts.push(`stopped itself: ${stopped.join(", ")}`);
  place("facts", facts.join(" · "));
  place("refused", ...run.refused.map((line) => made("p", line)));
  document.getElementById("refused-card").hidden = run.refused.length === 0;
  place("program", `auto_trading ${run.version}. What was is no promise of what will be.`);
}

function draw() {
  for (const chart of shown.splice(0)) chart.remove();
  choices("runners", run.runners.map((each) => [nameOf(each), each]), runner, (each) => { runner = each; draw(); });
  choices("symbols", run.charts.map((each) => [each.symbol, each]), symbol, (each) => { symbol = each; draw(); });
  drawTiles(runner);
  drawCurves(runner);
  if (symbol) drawMarket(symbol, runner);
  drawMonths(runner);
  drawTrades(runner);
}

// A trade on its symbol's chart.
function showTrade(trade) {
  const found = run.charts.find((each) => each.symbol === trade[1]);
  if (found !== symbol) { symbol = found; draw(); }
  span = ONE_TRADE;
  choices("spans", SPANS, span, show);
  zoom(trade[6] / 1000, trade[7] / 1000);
  document.getElementById("market").scrollIntoView({ block: "center" });
}

function dress(theme) {
  document.documentElement.dataset.theme = theme;
  draw();
}

document.getElementById("theme").addEventListener("click", () => {
  dress(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
});
document.getElementById("filter").addEventListener("input", () => { visible = PAGE; drawTrades(runner); });
document.getElementById("more").addEventListener("click", () => { visible += 10 * PAGE; drawTrades(runner); });

drawHead();
drawFigures();
drawOptions();
dress(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
