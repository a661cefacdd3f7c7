"""The folder of contexts as somebody sees it who only looks: nothing is locked or touched."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lib.atomic_json import read_generations
from lib.context_file.generation import Generation, check_identity, decode
from lib.control.runner_place import LOCK as LOCK
from lib.control.runner_place import runner_at_work as runner_at_work
from lib.disk import REAL_DISK
from lib.errors import Halt
from lib.orders import Order, orders_inside
from lib.shelf import Shelf

INSTALLATION: Final = "installation.json"  # lib/shelf.py makes it


@dataclass(frozen=True, slots=True)
class Page:
    """One bot's file: its newest generation, or why it cannot be read."""

    name: str
    generation: Generation | None
    orders: tuple[Order, ...] = ()
    problem: str = ""


def read_pages(folder: Path, installation: str = "") -> Iterator[Page]:
    """Read every bot's file there is. Never raises for what a file holds."""
    if not folder.is_dir():
        return
    shelf = Shelf(folder, REAL_DISK, lock=None, warnings=[])
    for name in shelf.names():
        yield read_page(shelf, name, installation)


def read_page(shelf: Shelf, name: str, installation: str = "") -> Page:
    """Read one bot's file; a corrupt or foreign one has a problem."""
    try:
        generation = decode(shelf.read(name))
    except (Halt, OSError, ValueError) as wrong:
        return Page(name, None, problem=f"{type(wrong).__name__}: {wrong}")
    try:
        orders = tuple(orders_inside(generation.context))
        check_identity(
            generation,
            bot=name,
            venue=generation.venue,
            account=generation.account,
            installation=installation,
        )
    except (Halt, ValueError) as wrong:
        return Page(name, generation, problem=f"{type(wrong).__name__}: {wrong}")
    return Page(name, generation, orders)


def installation_of(folder: Path) -> str:
    """Answer the installation's tag; empty where there is none that can be read."""
    with suppress(Halt, OSError, ValueError):
        return str(read_generations(folder / INSTALLATION).get("installation", ""))
    return ""
