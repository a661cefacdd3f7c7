"""Maps of two settings: where the good values lie, and whether they lie together.

A lone bright field among dark ones was lucky; a bright region is worth something. Of settings that
are not on a map the best value counts. The picture is one SVG file that opens anywhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, TypeAlias
from xml.sax.saxutils import escape

from lib.sweep.axes import Axis, value_text
from lib.sweep.ranking import Ranked, Ranking

Figure: TypeAlias = float | None
FigureOf: TypeAlias = Callable[[Ranked], Figure]

MAPS_MAX: Final = 6  # pairs of settings that are drawn
CELL: Final = (84, 34)  # wide, high
MARGIN: Final = 16
LINE: Final = 18
LETTER: Final = 7  # how wide one is, about
BOLD: Final = 8
COLD: Final = (0xF3, 0xF0, 0xE6)
WARM: Final = (0x0B, 0x7A, 0x5C)
NOTHING: Final = "#c9c9c9"
SHADES: Final = (188, 181, 151, 115, 79, 36, 29, 22)  # of a terminal of 256 colours, worst first
DARK_FROM: Final = 0.55


@dataclass(frozen=True, slots=True)
class HeatMap:
    """The figure at each pair of values; None where nothing was tried, or it has none."""

    title: str
    down: Axis
    across: Axis
    cells: Mapping[tuple[int, int], Figure]
    more_is_better: bool

    def figure(self, row: int, column: int) -> Figure:
        """Answer the figure of a field."""
        return self.cells.get((row, column))

    def warmth(self, figure: float) -> float:
        """Answer how good a figure is among those of the map, from 0 to 1."""
        known = [each for each in self.cells.values() if each is not None]
        low, high = min(known), max(known)
        share = 0.5 if high == low else (figure - low) / (high - low)
        return share if self.more_is_better else 1 - share


def maps_of(ranking: Ranking) -> list[HeatMap]:
    """Make a map of each pair of settings, and of what was judged beside what was tried."""
    axes, metric = ranking.plan.axes, ranking.plan.metric
    looks: list[tuple[str, FigureOf]] = [("tried", lambda row: row.tried.get(metric.name))]
    if ranking.plan.walk is not None:
        looks.append(("judged", lambda row: row.judged.get(metric.name)))
    pairs = list(combinations(range(len(axes)), 2))[:MAPS_MAX]
    return [
        HeatMap(
            f"{metric.name}, {sample}",
            *(axes[down], axes[across]),
            _cells(ranking.rows, down, across, figure, better=metric.better),
            metric.more_is_better,
        )
        for down, across in pairs
        for sample, figure in looks
    ]


def _cells(
    rows: Sequence[Ranked],
    down: int,
    across: int,
    figure_of: FigureOf,
    *,
    better: Callable[[float, float], float],
) -> dict[tuple[int, int], Figure]:
    cells: dict[tuple[int, int], Figure] = {}
    for row in rows:
        place, figure = (row.places[down], row.places[across]), figure_of(row)
        before = cells.get(place)
        if figure is not None and before is not None:
            cells[place] = better(figure, before)
        else:
            cells[place] = before if figure is None else figure
    return cells


def figure_text(figure: Figure) -> str:
    """Write a figure so that it fits a field."""
    if figure is None:
        return "–"
    return f"{figure:.4g}" if abs(figure) >= 0.0001 or figure == 0 else f"{figure:.1e}"


# --- as a picture


def as_svg(maps: Sequence[HeatMap]) -> str:
    """Draw the maps below each other."""
    drawn, top, width = [], MARGIN, 0
    for each in maps:
        picture, wide, high = _drawn(each, top)
        drawn += picture
        top, width = top + high + 2 * MARGIN, max(width, wide)
    size = f'width="{width}" height="{top}" viewBox="0 0 {width} {top}"'
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{top}" fill="#ffffff"/>',
        *drawn,
        "</svg>\n",
    ])


def _drawn(heat_map: HeatMap, top: int) -> tuple[list[str], int, int]:
    """Draw one map; answer it with its width and its height."""
    rows = [value_text(value) for value in heat_map.down.values]
    columns = [value_text(value) for value in heat_map.across.values]
    left = MARGIN + LETTER * max(len(heat_map.down.name), *map(len, rows)) + MARGIN
    below = top + 3 * LINE
    title = f"{heat_map.title}: {heat_map.down.name} down, {heat_map.across.name} across"
    lines = [_text(MARGIN, top + LINE, title, weight="bold")]
    lines += [
        _text(left + CELL[0] * (number + 0.5), below - 6, column, anchor="middle")
        for number, column in enumerate(columns)
    ]
    for number, row in enumerate(rows):
        middle = below + CELL[1] * (number + 0.5) + 4
        lines.append(_text(left - MARGIN, middle, row, anchor="end"))
        lines += [_field(heat_map, number, each, left, below) for each in range(len(columns))]
    width = max(left + CELL[0] * len(columns), MARGIN + BOLD * len(title)) + MARGIN
    return lines, width, 3 * LINE + CELL[1] * len(rows)


def _field(heat_map: HeatMap, row: int, column: int, left: int, below: int) -> str:
    figure = heat_map.figure(row, column)
    warmth = None if figure is None else heat_map.warmth(figure)
    colour = NOTHING if warmth is None else _mixed(warmth)
    ink = "#ffffff" if warmth is not None and warmth > DARK_FROM else "#222222"
    x, y = left + CELL[0] * column, below + CELL[1] * row
    names = (
        f"{heat_map.down.name} {value_text(heat_map.down.values[row])}, "
        f"{heat_map.across.name} {value_text(heat_map.across.values[column])}: "
        f"{'nothing' if figure is None else repr(figure)}"
    )
    return (
        f'<g><title>{escape(names)}</title><rect x="{x}" y="{y}" width="{CELL[0] - 2}" '
        f'height="{CELL[1] - 2}" rx="3" fill="{colour}"/>'
        + _text(x + CELL[0] / 2 - 1, y + CELL[1] / 2 + 3, figure_text(figure), "middle", ink)
        + "</g>"
    )


def _text(
    x: float, y: float, text: str, anchor: str = "start", ink: str = "#222222", weight: str = ""
) -> str:
    bold = f' font-weight="{weight}"' if weight else ""
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{ink}"{bold}>{escape(text)}</text>'
    )


def _mixed(warmth: float) -> str:
    parts = (round(cold + (warm - cold) * warmth) for cold, warm in zip(COLD, WARM, strict=True))
    return "#" + "".join(f"{part:02x}" for part in parts)


# --- on a terminal


def as_lines(heat_map: HeatMap, *, coloured: bool) -> list[str]:
    """Lay a map out in lines; with colours behind the figures where they can be shown."""
    rows = [value_text(value) for value in heat_map.down.values]
    columns = [value_text(value) for value in heat_map.across.values]
    figures = [
        [heat_map.figure(row, column) for column in range(len(columns))] for row in range(len(rows))
    ]
    wide = max(len(text) for text in [*columns, *(figure_text(f) for row in figures for f in row)])
    left = max(map(len, rows))
    title = f"{heat_map.title}: {heat_map.down.name} down, {heat_map.across.name} across"
    head = " ".join([" " * left, *(f" {column:>{wide}} " for column in columns)])
    return [
        title,
        head.rstrip(),
        *(
            " ".join([
                f"{name:>{left}}",
                *(_shaded(heat_map, figure, wide, coloured=coloured) for figure in line),
            ]).rstrip()
            for name, line in zip(rows, figures, strict=True)
        ),
    ]


def _shaded(heat_map: HeatMap, figure: Figure, wide: int, *, coloured: bool) -> str:
    text = f" {figure_text(figure):>{wide}} "
    if not coloured or figure is None:
        return text
    warmth = heat_map.warmth(figure)
    shade = SHADES[min(len(SHADES) - 1, int(warmth * len(SHADES)))]
    ink = 15 if warmth > DARK_FROM else 16
    return f"\x1b[38;5;{ink};48;5;{shade}m{text}\x1b[0m"
