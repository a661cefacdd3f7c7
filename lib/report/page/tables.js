// Key figures, monthly returns, every figure beside its neighbours, and what was asked for.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const FIGURES = [
  ["Began with", "The worth at the first price", (each) => money(each.began)],
  ["Ended with", "The worth at the last price", (each) => money(each.ended)],
  ["Profit", "Ended less began, fees taken off", (each) => signed(each.profit), (each) => Number(each.profit)],
  ["Total return", "Profit over what it began with", (each) => signedShare(each.metrics.total_return), (each) => each.metrics.total_return],
  ["Buy and hold", "The worth, had it bought at the first price and held", (each) => money(each.held)],
  ["CAGR", "Compound annual growth rate", (each) => share(each.metrics.cagr), (each) => each.metrics.cagr],
  ["Volatility", "Standard deviation of daily returns, a year", (each) => share(each.metrics.volatility)],
  ["Sharpe", "Mean daily excess over its deviation, a year", (each) => ratio(each.metrics.sharpe)],
  ["Sortino", "Mean daily excess over the downside deviation, a year", (each) => ratio(each.metrics.sortino)],
  ["Calmar", "CAGR over the deepest drawdown", (each) => ratio(each.metrics.calmar)],
  ["Max drawdown", "The deepest fall below a peak, at candle closes", (each) => share(-each.metrics.max_drawdown)],
  ["Its length", "From its peak until it was made good, or the end", (each) => days(each.metrics.max_drawdown_days)],
  ["Longest drawdown", "The longest time below a peak", (each) => days(each.metrics.longest_drawdown_days)],
  ["Exposure", "The mean share of the equity that was in coins", (each) => share(each.metrics.exposure)],
  ["Turnover", "The lesser of purchases and sales over the mean equity", (each) => ratio(each.metrics.turnover)],
  ["Fees", "All of them, at the prices of their time", (each) => money(each.fees)],
  ["Fills", "Trades at the exchange", (each) => each.fills],
  ["Closed trades", "Closing orders", (each) => each.trades],
  ["Win rate", "Closed trades that brought something", (each) => share(each.metrics.win_rate)],
  ["Profit factor", "What the winners won over what the losers lost", (each) => ratio(each.metrics.profit_factor)],
  ["Expectancy", "What a closed trade brought on average", (each) => each.metrics.expectancy === null ? "–" : signed(each.metrics.expectancy)],
];

function tile(name, figure, beside, className) {
  const box = made("div", null, "tile");
  box.append(made("div", name, "name"), made("div", figure, "figure " + (className || "")), made("div", beside, "beside"));
  return box;
}

function drawTiles(each) {
  const figures = each.metrics;
  const held = (Number(each.held) - Number(each.began)) / Number(each.began);
  place("tiles",
    tile("Profit", signed(each.profit), `${signedShare(figures.total_return)} in ${run.asset}`, mood(Number(each.profit))),
    tile("Buy and hold", signedShare(held), `would be ${money(each.held)}`, mood(held)),
    tile("Max drawdown", share(-figures.max_drawdown), `for ${days(figures.max_drawdown_days)}`),
    tile("Sharpe", ratio(figures.sharpe), `Sortino ${ratio(figures.sortino)}, Calmar ${ratio(figures.calmar)}`),
    tile("Win rate", share(figures.win_rate), `${each.trades} closed trades`),
    tile("Profit factor", ratio(figures.profit_factor), `expectancy ${figures.expectancy === null ? "–" : signed(figures.expectancy)}`),
    tile("Exposure", share(figures.exposure), `turnover ${ratio(figures.turnover)}`),
    tile("Fees", money(each.fees), `${each.fills} fills`));
}

function row(cells, tag = "td") {
  const line = made("tr");
  line.append(...cells.map((cell) => cell instanceof Node ? cell : made(tag, cell)));
  return line;
}

function drawMonths(each) {
  const years = [...new Set(each.months.map(([year]) => year))];
  const head = made("thead"), body = made("tbody");
  head.append(row(["", ...MONTHS, "Year"], "th"));
  for (const year of years) body.append(row([made("th", year), ...monthCells(each, year)]));
  place("months", head, body);
}

function monthCells(each, year) {
  const found = new Map(each.months.filter((row) => row[0] === year).map(([, month, gain]) => [month, gain]));
  const whole = [...found.values()].reduce((grown, gain) => grown * (1 + gain), 1) - 1;
  return [...MONTHS.map((_, at) => found.get(at + 1)), whole].map((gain) => {
    const cell = made("td", gain === undefined ? "" : signedShare(gain), mood(gain));
    if (gain) cell.style.background = colour(gain > 0 ? "good-soft" : "bad-soft");
    return cell;
  });
}

function drawFigures() {
  const head = made("thead"), body = made("tbody");
  head.append(row(["", ...run.runners.map(nameOf)], "th"));
  for (const [name, meaning, words, value] of FIGURES) {
    const title = made("th", name);
    title.title = meaning;
    body.append(row([title, ...run.runners.map((each) => made("td", words(each), value ? mood(value(each)) : ""))]));
  }
  place("figures", head, body);
}

function drawOptions() {
  const parts = [list(run.options)];
  for (const [name, section] of run.sections) parts.push(made("h3", name), list(section));
  place("options", ...parts);
}

function list(pairs) {
  const found = made("dl");
  for (const [name, value] of pairs) {
    const pair = made("div");
    const isTime = (name === "begins" || name === "ends") && value !== "–";
    pair.append(made("dt", name), made("dd", isTime ? moment(Number(value)) : value));
    found.append(pair);
  }
  return found;
}
