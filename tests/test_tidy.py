"""House rules that no linter knows: who imports whom, and what a machine must not do."""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pytest

ROOT = Path(__file__).parents[1]
FUNCTION_LINES_MAX = 40
FILE_LINES_MAX = 500
SAY_NOTHING = {
    "utils", "util", "helpers", "helper", "common", "misc", "base", "tools", "manager",
}  # fmt: skip

PACKAGES = (
    *("binance", "simulator", "market", "risk", "control", "backtest", "torture", "data"),
    *("report", "sweep"),
)
FOR_BOTS = ("exits", "deals", "grids", "seasons", "crosses")  # rooms of machines that bots use
WIDE = {  # these assemble a runner, the last one finds the bots
    *("lib/supervisor.py", "lib/backtest/limited.py", "lib/bot_kinds.py"),
}
MUST_NOT_IMPORT = {
    "bots/": {"lib.supervisor", "lib.atomic_json", *(f"lib.{name}" for name in PACKAGES)},
    "lib/": {"bots", "auto_trading", "tests", "bench"},
    **{
        layer: {"lib.supervisor", *(f"lib.{name}" for name in PACKAGES)}
        for layer in (
            *("lib/*.py", "lib/dealing/", "lib/context_file/", "lib/ownership/"),
            *(f"lib/{room}/" for room in FOR_BOTS),
        )
    },
    **{
        f"lib/{room}/*.py": {f"lib.{machines}" for machines in FOR_BOTS}
        for room in ("dealing", "context_file", "ownership")
    },
    "lib/exits/*.py": {"lib.deals", "lib.grids", "lib.seasons", "lib.crosses"},
    "lib/binance/": {
        *("lib.supervisor", "lib.simulator", "lib.market", "lib.risk", "lib.control"),
        "lib.torture",
    },
    "lib/backtest/": {"lib.control", "lib.risk", "lib.torture", "lib.report", "lib.sweep"},
    "lib/report/": {"lib.supervisor", "lib.control", "lib.risk", "lib.torture", "lib.sweep"},
    "lib/sweep/": {"lib.supervisor", "lib.control", "lib.risk", "lib.torture"},
    "lib/data/": {
        *("lib.supervisor", "lib.simulator", "lib.risk", "lib.control", "lib.torture"),
        "lib.backtest",
    },
    "lib/simulator/": {
        *("lib.supervisor", "lib.binance", "lib.risk", "lib.control", "lib.torture"),
    },
    "lib/simulator/books/": {
        f"lib.simulator.{room}" for room in ("engine", "calls", "server", "paper")
    },
    "lib/simulator/engine/": {f"lib.simulator.{room}" for room in ("calls", "server", "paper")},
    "lib/simulator/calls/": {"lib.simulator.server", "lib.simulator.paper"},
    "lib/simulator/server/": {"lib.simulator.paper"},
    "lib/market/": {
        *("lib.supervisor", "lib.binance", "lib.simulator", "lib.risk", "lib.control"),
        "lib.torture",
    },
    "lib/journal/": {"lib.supervisor", "lib.binance", "lib.simulator", "lib.torture"},
    "lib/torture/": {"lib.supervisor", "lib.binance", "lib.control", "lib.market", "lib.risk"},
}

Fault: TypeAlias = tuple[int, str]
Rule: TypeAlias = Callable[[str, ast.Module], Iterator[Fault]]


def files(*roots: str) -> list[str]:
    """List the Python files below these folders, as seen from the top."""
    found = (path for root in roots for path in sorted((ROOT / root).rglob("*.py")))
    return [path.relative_to(ROOT).as_posix() for path in found]


def faults(rule: Rule, *roots: str) -> list[str]:
    found = []
    for name in files(*roots):
        found += [f"{name}:{line}: {what}" for line, what in rule(name, parsed(name))]
    return found


@cache
def parsed(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text())


def belongs(name: str, layer: str) -> bool:
    if layer.endswith("*.py"):
        return Path(name).match(layer) and name.count("/") == layer.count("/")
    return name.startswith(layer)


# --- who imports whom


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def imports_against_the_layers(name: str, tree: ast.Module) -> Iterator[Fault]:
    for layer, banned in MUST_NOT_IMPORT.items():
        if name in WIDE or not belongs(name, layer):
            continue
        for line, module in imported(tree):
            if any(module == each or module.startswith(f"{each}.") for each in banned):
                yield line, f"{layer} must not import {module}"


# --- what a machine must not do


def own(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a function without entering the functions it defines."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from own(child)


def machines(tree: ast.Module) -> Iterator[ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef) and _returns(node).startswith("Machine["):
            yield node


def _returns(function: ast.AsyncFunctionDef) -> str:
    return ast.unparse(function.returns) if function.returns else ""


def holds_a_barrier(node: ast.AST) -> bool:
    return any(isinstance(each, ast.Yield) for each in own(node))


def barriers_that_fail(_: str, tree: ast.Module) -> Iterator[Fault]:
    """A child's barrier must reach the disk, and its context the slot it came from."""
    for machine in machines(tree):
        for node in own(machine):
            match node:
                case ast.AsyncFor(
                    target=ast.Attribute() | ast.Subscript() as slot, iter=ast.Call() as call
                ):
                    given = {ast.unparse(each) for each in own(call)}
                    if ast.unparse(slot) not in given:
                        yield node.lineno, f"{ast.unparse(slot)} is not what the child was given"
                    if not holds_a_barrier(node):
                        yield node.lineno, "the child's barrier is swallowed: yield in the loop"
                case ast.AsyncFor(
                    target=ast.Name(id="_"), iter=ast.Call(func=ast.Name(id=child))
                ) if child != "together":
                    yield node.lineno, f"the context of {child}() is dropped: loop over its slot"
                case ast.Expr(value=ast.Call(func=ast.Name(id=child))) if child.startswith((
                    "add_",
                    "run_",
                    "together",
                )):
                    yield node.lineno, f"{child}() makes a machine that nobody drives"
                case _:
                    pass


def things_a_machine_owns(_: str, tree: ast.Module) -> Iterator[Fault]:
    """No cleanup runs after a power cut, and no task, time or chance is the same again."""
    for machine in machines(tree):
        for node in own(machine):
            match node:
                case ast.AsyncWith() | ast.With() if holds_a_barrier(node):
                    yield node.lineno, "no yield inside with"
                case ast.Try(finalbody=[_, *_]) if holds_a_barrier(node):
                    yield node.lineno, "no yield inside try with finally"
                case (
                    ast.ExceptHandler(type=None)
                    | ast.ExceptHandler(type=ast.Name(id="BaseException"))
                ):
                    yield node.lineno, "a machine does not catch what the supervisor throws"
                case ast.Call(func=ast.Attribute(attr="create_task")):
                    yield node.lineno, "tasks belong to the supervisor"
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="time" | "datetime" | "random" | "uuid"))
                ):
                    yield node.lineno, "time, chance and ids come from outside"
                case _:
                    pass


def inexact_numbers(_: str, tree: ast.Module) -> Iterator[Fault]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id="float") | ast.Constant(value=float()):
                yield node.lineno, "money is Decimal and time is a whole number of ms"
            case _:
                pass


# --- shape and speech


def unwieldy_shapes(name: str, tree: ast.Module) -> Iterator[Fault]:
    if max((getattr(node, "end_lineno", 0) for node in tree.body), default=0) > FILE_LINES_MAX:
        yield 1, f"more than {FILE_LINES_MAX} lines: split it by what it hides"
    if SAY_NOTHING & set(Path(name).with_suffix("").parts):
        yield 1, "the name says nothing: name the thing inside"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield node.lineno, f"{node.name} has {lines} lines"


def speech_past_the_sinks(name: str, tree: ast.Module) -> Iterator[Fault]:
    """What the person reads goes through News or a log; only lib/control writes to a terminal."""
    if name.startswith("lib/control/"):
        return
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name != "main":
            for node in own(function):
                match node:
                    case ast.Call(func=ast.Name(id="print")):
                        yield node.lineno, "tell it to the sinks"
                    case _:
                        pass


def vague_test_names(_: str, tree: ast.Module) -> Iterator[Fault]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            words = node.name.split("_")
            if words[0] == "test" and (len(words) < 4 or {"works", "basic", "ok"} & set(words)):
                yield node.lineno, f"{node.name} is not a sentence that is true"


def misspelt_cancellations(text: str) -> list[str]:
    """Binance writes canceled; asyncio, whose names are allowed, does not."""
    allowed = re.compile(r"(?i)CancelledError|\bcancelled\(|\bcancelling\(|cancellation")
    return re.findall(r"(?i)\w*cancell\w*", allowed.sub("", text))


def test_imports_point_one_way() -> None:
    assert not faults(imports_against_the_layers, "lib", "bots")


def test_no_machine_swallows_a_barrier_or_drops_a_context() -> None:
    assert not faults(barriers_that_fail, "lib", "bots")


def test_no_machine_owns_anything() -> None:
    assert not faults(things_a_machine_owns, "lib", "bots")


def test_no_bot_counts_money_or_time_in_floats() -> None:
    assert not faults(inexact_numbers, "bots")


def test_files_and_functions_can_be_read_on_a_screen() -> None:
    assert not faults(unwieldy_shapes, "lib", "bots")


def test_only_the_control_room_writes_to_the_terminal() -> None:
    assert not faults(speech_past_the_sinks, "lib", "bots")


def test_every_test_is_named_by_what_it_proves() -> None:
    assert not faults(vague_test_names, "tests")


def test_canceled_is_spelled_as_binance_spells_it() -> None:
    names = files("lib", "bots", "bench")
    wrong = {name: misspelt_cancellations((ROOT / name).read_text()) for name in names}

    assert not {name: words for name, words in wrong.items() if words}


BOTS = [Path(name).stem for name in files("bots") if "__" not in name]


@pytest.mark.parametrize("bot", BOTS)
def test_every_bot_has_a_template(bot: str) -> None:
    template = ROOT / f"bots/{bot}_conf.json"

    assert template.exists(), f"{template.name} is missing"
    assert f'"{bot}' in template.read_text()


@pytest.mark.parametrize("bot", BOTS)
def test_every_bot_passes_every_life(bot: str) -> None:
    tests = ROOT / f"tests/test_{bot}.py"

    assert tests.exists(), f"{tests.name} is missing"
    calls = (node for node in ast.walk(ast.parse(tests.read_text())) if isinstance(node, ast.Call))
    assert any(isinstance(call.func, ast.Name) and call.func.id == "every_life" for call in calls)


IN_A_MACHINE = "async def bot(desk, conf, ctx) -> Machine[Ctx]:\n    "


@pytest.mark.parametrize(
    ("rule", "name", "source"),
    [
        (imports_against_the_layers, "bots/a.py", "from lib.binance.client import Client"),
        (imports_against_the_layers, "bots/a.py", "import lib.supervisor"),
        (imports_against_the_layers, "lib/orders.py", "from lib import simulator"),
        (imports_against_the_layers, "lib/exits/a.py", "from lib.binance import venue"),
        (imports_against_the_layers, "lib/dealing/a.py", "from lib.exits.lot import Lot"),
        (imports_against_the_layers, "lib/simulator/a.py", "from lib.binance import venue"),
        (imports_against_the_layers, "lib/market/a.py", "import lib.simulator.engine.book"),
        (imports_against_the_layers, "lib/control/a.py", "from bots.dip_buyer import Conf"),
        (imports_against_the_layers, "lib/simulator/a.py", "from lib.torture.audit import audit"),
        (imports_against_the_layers, "lib/torture/a.py", "from lib.supervisor import Supervisor"),
        (barriers_that_fail, "", "async for ctx.buy in add_order(desk, ctx.buy):\n        pass"),
        (barriers_that_fail, "", "async for ctx.buy in add_order(desk, ctx.sell):\n        yield"),
        (barriers_that_fail, "", "async for _ in add_order(desk, ctx.buy):\n        yield ctx"),
        (barriers_that_fail, "", "add_order(desk, ctx.buy)"),
        (things_a_machine_owns, "", "async with timeout(5):\n        yield ctx"),
        (things_a_machine_owns, "", "try:\n        yield ctx\n    finally:\n        pass"),
        (things_a_machine_owns, "", "try:\n        await x()\n    except:\n        pass"),
        (things_a_machine_owns, "", "asyncio.create_task(x())"),
        (things_a_machine_owns, "", "ctx.at = time.time()"),
        (inexact_numbers, "", "ctx.price = 0.1"),
        (inexact_numbers, "", "ctx.price = float(x)"),
        (unwieldy_shapes, "lib/helpers.py", "x = 1"),
        (unwieldy_shapes, "lib/a.py", "x = 1\n    " * FUNCTION_LINES_MAX + "x = 1"),
        (unwieldy_shapes, "lib/a.py", "x = (" + "\n" * FILE_LINES_MAX + "1)"),
        (speech_past_the_sinks, "lib/a.py", "print(1)"),
        (vague_test_names, "", "def test_basic_order_works(): ..."),
        (vague_test_names, "", "def test_order(): ..."),
    ],
)
def test_each_rule_finds_what_it_forbids(rule: Rule, name: str, source: str) -> None:
    assert list(rule(name, ast.parse(IN_A_MACHINE + source)))


def test_misspelt_cancellations_are_found_and_those_of_asyncio_are_not() -> None:
    assert misspelt_cancellations("was cancelled, cancelling") == ["cancelled", "cancelling"]
    assert misspelt_cancellations("asyncio.CancelledError task.cancelled() canceled") == []
