"""Draws one run: the price, each order where it rested and for how long, and each fill."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

WIDTH, HEIGHT = 960, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 14, 30, 40
LINES: Final = 8  # of the grid behind, at most, in each direction
PRICES: Final = tuple(part * 10**power for power in range(6) for part in (1, 2, 5))
HOURS: Final = (1, 2, 3, 6, 12, 24, 48, 120)  # between two of them
HOUR: Final = 3_600_000  # ms
POINTS_MAX: Final = 1_200
COLOURS: Final = {"BUY": "#1a7f37", "SELL": "#cf222e"}
STYLE: Final = (
    "text{font:12px sans-serif;fill:#57606a}.title{font-weight:bold;fill:#24292f}"
    ".back{fill:#ffffff}.grid{stroke:#d8dee4;stroke-width:1}"
    ".price{fill:none;stroke:#57606a;stroke-width:1.2}"
    ".order{stroke-width:1.4;stroke-opacity:.55}"
    ".fill{stroke:#ffffff;stroke-width:.8}"
)


@dataclass(frozen=True)
class Rested:
    """An order at a price, from when to when."""

    side: str
    price: Decimal
    begin: int  # exchange ms
    end: int


@dataclass(frozen=True)
class Filled:
    """A trade."""

    side: str
    price: Decimal
    at: int  # exchange ms


@dataclass(frozen=True)
class Run:
    """What is drawn."""

    title: str
    prices: Sequence[tuple[int, Decimal]]  # exchange ms, price
    orders: Sequence[Rested]
    fills: Sequence[Filled]


def svg(run: Run) -> str:
    """Draw it as one file that needs nothing else."""
    place = _Place(run)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{run.title}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="back" width="{WIDTH}" height="{HEIGHT}"/>',
        *_axes(place),
        f'<polyline class="price" points="{_points(place, run.prices)}"/>',
        *(_rest(place, order) for order in run.orders),
        *(_mark(place, fill) for fill in run.fills),
        f'<text class="title" x="{LEFT}" y="20">{run.title}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Place:
    """Where a moment and a price lie in the picture."""

    def __init__(self, run: Run) -> None:
        times = [at for at, _ in run.prices]
        shown = [price for _, price in run.prices] + [fill.price for fill in run.fills]
        self.begin, self.end = min(times), max(times)
        room = (max(shown) - min(shown)) * Decimal("0.06") or Decimal(1)
        self.low, self.high = min(shown) - room, max(shown) + room

    def x(self, at: int) -> float:
        part = (min(max(at, self.begin), self.end) - self.begin) / (self.end - self.begin)
        return round(LEFT + part * (WIDTH - LEFT - RIGHT), 1)

    def y(self, price: Decimal) -> float:
        part = float((price - self.low) / (self.high - self.low))
        return round(HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM), 1)

    def holds(self, price: Decimal) -> bool:
        return self.low <= price <= self.high


def _axes(place: _Place) -> Iterator[str]:
    gap = next(each for each in PRICES if (place.high - place.low) / each <= LINES)
    for number in range(int(place.low / gap) + 1, int(place.high / gap) + 1):
        y = place.y(number * gap)
        yield f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{number * gap:,}</text>'
    hours = next(each for each in HOURS if (place.end - place.begin) / each / HOUR <= LINES)
    shape = "%H:%M" if hours < 24 else "%b %-d"
    first = -(-place.begin // (hours * HOUR))
    for number in range(first, place.end // (hours * HOUR) + 1):
        at = number * hours * HOUR
        text = f"{datetime.fromtimestamp(at / 1000, UTC):{shape}}"
        yield f'<text x="{place.x(at)}" y="{HEIGHT - 16}" text-anchor="middle">{text}</text>'


def _points(place: _Place, prices: Sequence[tuple[int, Decimal]]) -> str:
    stride = 1 + len(prices) // POINTS_MAX
    return " ".join(f"{place.x(at)},{place.y(price)}" for at, price in _thinned(prices, stride))


def _thinned(prices: Sequence[tuple[int, Decimal]], stride: int) -> Iterable[tuple[int, Decimal]]:
    """Keep the lowest and the highest of each stretch, in their order."""
    for begin in range(0, len(prices), 2 * stride):
        stretch = prices[begin : begin + 2 * stride]
        ends = {min(stretch, key=lambda each: each[1]), max(stretch, key=lambda each: each[1])}
        yield from sorted(ends)


def _rest(place: _Place, order: Rested) -> str:
    if not place.holds(order.price):
        return ""
    y, colour = place.y(order.price), COLOURS[order.side]
    ends = f'x1="{place.x(order.begin)}" x2="{place.x(order.end)}" y1="{y}" y2="{y}"'
    return f'<line class="order" {ends} stroke="{colour}"/>'


def _mark(place: _Place, fill: Filled) -> str:
    """Draw a triangle: it points up where something was bought."""
    x, y, colour = place.x(fill.at), place.y(fill.price), COLOURS[fill.side]
    down = 8 if fill.side == "BUY" else -8
    corners = f"{x},{y} {x - 5},{y + down} {x + 5},{y + down}"
    return f'<polygon class="fill" points="{corners}" fill="{colour}"/>'
