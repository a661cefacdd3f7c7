"""Maps that show the right figure at the right place, and nothing else."""

import re
from pathlib import Path
from xml.etree import ElementTree

from lib.sweep.heat_map import HeatMap, as_lines, as_svg, maps_of
from lib.sweep.ranking import ranking_of
from lib.sweep.windows import Walk
from tests.sweep.scenes import DAY, plan_of, swept

SVG = "{http://www.w3.org/2000/svg}"
SHADE = re.compile(r"\x1b\[38;5;\d+;48;5;(\d+)m")


def maps(path: Path, *axes: str, walk: Walk | None = None) -> list[HeatMap]:
    folder = swept(plan_of(*axes, walk=walk), path)
    return maps_of(ranking_of(folder.plan, folder.endings))


def test_every_field_has_its_own_figure(tmp_path: Path) -> None:
    folder = swept(plan_of(), tmp_path)
    ranking = ranking_of(folder.plan, folder.endings)

    (heat_map,) = maps_of(ranking)

    for row in ranking.rows:
        assert heat_map.figure(*row.places) == row.tried["total_return"]


def test_of_other_settings_the_best_value_counts(tmp_path: Path) -> None:
    axes = ("dip_buyer.dip=0.1,0.2,0.3", "dip_buyer.rebound=0.1,0.2", "dip_buyer.stop=0.1,0.2,0.3")
    folder = swept(plan_of(*axes), tmp_path)
    ranking = ranking_of(folder.plan, folder.endings)

    found = maps_of(ranking)

    assert len(found) == 3
    best = max(row.tried["total_return"] or 0 for row in ranking.rows if row.places[:2] == (2, 1))
    assert found[0].figure(2, 1) == best


def test_judged_figures_have_a_map_of_their_own(tmp_path: Path) -> None:
    tried, judged = maps(tmp_path, walk=Walk(20 * DAY, 10 * DAY))

    assert tried.title == "total_return, tried"
    assert judged.title == "total_return, judged"


def test_the_picture_is_one_whole_file_that_asks_for_nothing(tmp_path: Path) -> None:
    hostile = "dip_buyer.x</text><script>1=[1, 2]"
    found = maps(tmp_path, hostile, "dip_buyer.rebound=0.002,0.003")

    drawing = as_svg(found)

    root = ElementTree.fromstring(drawing)
    assert {each.tag for each in root.iter()} == {
        f"{SVG}{name}" for name in ("svg", "rect", "text", "g", "title")
    }
    assert "href" not in drawing
    assert "url(" not in drawing
    assert len(root.findall(f"{SVG}g")) == 4


def test_warmer_is_better_in_the_picture_and_on_the_terminal(tmp_path: Path) -> None:
    (heat_map,) = maps(tmp_path)
    known = {place: figure for place, figure in heat_map.cells.items() if figure is not None}
    best, worst = max(known, key=known.__getitem__), min(known, key=known.__getitem__)

    lines = as_lines(heat_map, coloured=True)[2:]

    shades = [SHADE.findall(line) for line in lines]
    assert shades[best[0]][best[1]] == "22"
    assert shades[worst[0]][worst[1]] == "188"
    root = ElementTree.fromstring(as_svg([heat_map]))
    fills = [group.find(f"{SVG}rect").get("fill") for group in root.findall(f"{SVG}g")]  # type: ignore[union-attr]
    wide = len(heat_map.across.values)
    assert fills[best[0] * wide + best[1]] == "#0b7a5c"
    assert fills[worst[0] * wide + worst[1]] == "#f3f0e6"


def test_where_the_least_is_best_the_least_is_warmest() -> None:
    down, across = plan_of().axes
    cells = {(0, 0): 0.1, (0, 1): 0.3}
    drawdowns = HeatMap("max_drawdown", down, across, cells, more_is_better=False)

    assert drawdowns.warmth(0.1) == 1
    assert drawdowns.warmth(0.3) == 0


def test_a_terminal_without_colours_gets_figures_alone(tmp_path: Path) -> None:
    (heat_map,) = maps(tmp_path)

    plain, coloured = as_lines(heat_map, coloured=False), as_lines(heat_map, coloured=True)

    assert "\x1b" not in "".join(plain)
    assert plain == [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in coloured]


def test_a_map_of_one_figure_everywhere_can_be_drawn() -> None:
    down, across = plan_of().axes
    cells = {(0, 0): 1.0, (1, 1): 1.0, (2, 2): None}
    flat = HeatMap("same", down, across, cells, more_is_better=True)

    assert "nothing" in as_svg([flat])
    assert len(as_lines(flat, coloured=True)) == 2 + 4


def test_one_setting_has_no_map(tmp_path: Path) -> None:
    assert maps(tmp_path, "dip_buyer.dip=0.1,0.2") == []
