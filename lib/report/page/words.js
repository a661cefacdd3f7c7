// How numbers and times are written, and how text becomes part of the page: never as markup.

const run = JSON.parse(document.getElementById("run").textContent);

function made(tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined && text !== null) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function place(id, ...children) {
  const element = document.getElementById(id);
  element.replaceChildren(...children);
  return element;
}

function money(text) {
  const amount = Number(text);
  const digits = Math.abs(amount) >= 1 || amount === 0 ? 2 : 6;
  return amount.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: digits });
}

function signed(text) {
  return (Number(text) > 0 ? "+" : "") + money(text);
}

function share(value) {
  return value === null ? "–" : (value * 100).toFixed(2) + " %";
}

function signedShare(value) {
  return (value > 0 ? "+" : "") + share(value);
}

function ratio(value) {
  return value === null ? "–" : value.toFixed(2);
}

function days(value) {
  return value.toFixed(1) + " d";
}

function moment(ms) {
  return new Date(ms).toISOString().slice(0, 16).replace("T", " ");
}

function duration(ms) {
  const minutes = Math.round(ms / 60000);
  if (minutes < 60) return minutes + " min";
  if (minutes < 2880) return (minutes / 60).toFixed(1) + " h";
  return (minutes / 1440).toFixed(1) + " d";
}

function mood(value) {
  return value > 0 ? "good" : value < 0 ? "bad" : "";
}

function nameOf(runner) {
  return runner.name === "" ? "All" : runner.name;
}
