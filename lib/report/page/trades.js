// The closed trades: sorted by any column, filtered by any word.

const PAGE = 25;
const COLUMNS = [
  ["Bot", 0, String], ["Symbol", 1, String], ["Way", 2, String], ["Quantity", 3, String],
  ["Entry", 4, String], ["Exit", 5, String], ["Entered", 6, moment], ["Exited", 7, moment],
  ["Held", 11, duration], ["Profit", 8, String], ["Fees", 9, String], ["In", 10, String],
];
const TEXTS = new Set([0, 1, 2, 10]);

const trades = run.trades.map((trade) => [...trade, trade[7] - trade[6]]);
const order = { column: 7, falling: true };
let visible = PAGE;

function words(trade) {
  return [trade[0], trade[1], trade[2], Number(trade[8]) > 0 ? "win" : "loss", moment(trade[7])].join(" ").toLowerCase();
}

function wanted(runner) {
  const asked = document.getElementById("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  return trades
    .filter((trade) => runner.name === "" || trade[0] === runner.name)
    .filter((trade) => asked.every((word) => words(trade).includes(word)))
    .sort(inOrder);
}

function inOrder(one, other) {
  const { column, falling } = order;
  const compared = TEXTS.has(column)
    ? one[column].localeCompare(other[column])
    : Number(one[column]) - Number(other[column]);
  return falling ? -compared : compared;
}

function drawTrades(runner) {
  const found = wanted(runner);
  const head = made("thead"), body = made("tbody");
  head.append(row(COLUMNS.map((column) => title(column, runner))));
  body.append(...found.slice(0, visible).map(tradeRow));
  place("trades", head, body);
  const profit = found.reduce((sum, trade) => sum + Number(trade[8]), 0);
  const left = run.trades_left_out ? ` ${run.trades_left_out} older ones are in trades.csv.` : "";
  place("trades-note", `${found.length} trades, ${signed(profit)} together.${left}`);
  document.getElementById("more").hidden = found.length <= visible;
}

function title([name, column], runner) {
  const cell = made("th", null, TEXTS.has(column) ? "text" : "");
  const arrow = order.column === column ? (order.falling ? " ↓" : " ↑") : "";
  const button = made("button", name + arrow);
  button.type = "button";
  button.addEventListener("click", () => {
    order.falling = order.column === column ? !order.falling : true;
    order.column = column;
    drawTrades(runner);
  });
  cell.append(button);
  return cell;
}

function tradeRow(trade) {
  const line = row(COLUMNS.map(([, column, written]) => {
    const className = column === 8 ? mood(Number(trade[8])) : TEXTS.has(column) ? "text" : "";
    return made("td", written(trade[column]), className);
  }));
  line.title = "Show it on the market";
  line.addEventListener("click", () => showTrade(trade));
  return line;
}
