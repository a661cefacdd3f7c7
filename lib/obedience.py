"""How one bot is told something: in force at once where it forbids, on disk before it is believed.

Nothing here decides; lib/control/office.py does, on behalf of whoever asks.
"""

from collections.abc import Callable
from typing import Any, Final

from lib.context_file.generation import Generation, Memory
from lib.dealing.gate import is_entry
from lib.flatten import Flatten, plan_cancels, plan_flatten
from lib.floor import Floor
from lib.inbox import Signal, check_room, deliver
from lib.instructions import Instruction
from lib.life import Life
from lib.orders import FINAL, Order, OrderState, orders_inside

RESULTS: Final = ("net", "fees", "positions", "assets", "orders_done", "losses", "lost_at")
KEPT: Final = ("former", "newest_order", "entries_at", *RESULTS)
"""What a new life keeps of a bot's memory: its results, and what must not show up again."""

CANCELS_MAX: Final = 8  # requests that are remembered as done


async def instruct(life: Life, instruction: Instruction, *, by: str, at: int) -> None:
    """Tell a bot to trade, to pause or to stop."""

    def change(generation: Generation) -> None:
        generation.instruction = instruction
        generation.told_by, generation.told_at = by, at

    saving = life.note(change)
    if instruction is not Instruction.TRADE:
        life.forbid(instruction)
    await saving
    life.take_word()


async def signal_bot(life: Life, signal: Signal) -> None:
    """Put a signal into a bot's inbox. Raises ValueError for one too many."""
    check_room(life.generation.memory.inbox, signal)  # refused before anything is done
    await life.note(lambda generation: deliver(generation.memory.inbox, signal))
    life.wake()


async def cancel_entries(life: Life, floor: Floor, *, request: str) -> list[Order]:
    """Have the entries that are open now be canceled; answer them.

    A request that is repeated, as after a crash before its answer, cancels nothing more.
    """
    name = life.bot.name
    if request in life.generation.cancels_done:
        return [order for order in _out(floor, name) if order.id in life.generation.canceled]
    entries = [order for order in _out(floor, name) if is_entry(floor, name, order)]

    def change(generation: Generation) -> None:
        known = {*(order.id for order in _out(floor, name)), *(order.id for order in entries)}
        ids = {*generation.canceled, *(order.id for order in entries)}
        generation.canceled = sorted(ids & known)
        before = [done for done in generation.cancels_done if done != request]
        generation.cancels_done = [*before, request][-CANCELS_MAX:]

    await life.note(change)
    life.take_word()
    return entries


async def flatten_bot(life: Life, *, by: str, at: int) -> None:
    """Have everything of a bot ended, in place of whatever it was about to do."""
    await _end(life, plan_flatten, by=by, at=at)


async def cancel_all(life: Life, *, by: str, at: int) -> None:
    """Have all orders of a bot ended, in place of whatever it was about to do; nothing is sold."""
    await _end(life, plan_cancels, by=by, at=at)


async def _end(life: Life, plan_end: Callable[[Any], Flatten], *, by: str, at: int) -> None:
    def anew(generation: Generation) -> Generation:
        plan = plan_end(generation.context).model_dump(mode="json")
        said = _told(Instruction.FLATTEN, by, at)
        return generation.model_copy(update={**said, "context": plan})

    life.forbid(Instruction.FLATTEN)
    await life.begin(anew)


async def begin_afresh(life: Life, *, by: str, at: int) -> None:
    """Begin a bot's life anew. Its results are kept, its ids carry a new birth."""

    def anew(old: Generation) -> Generation:
        kept = Memory.model_validate({name: getattr(old.memory, name) for name in KEPT})
        said = _told(Instruction.TRADE, by, at)
        born = max(old.saved_at, old.birth) + 1  # exchange ms, also before the exchange is reached
        return old.model_copy(update={**said, "birth": born, "memory": kept, "context": {}})

    await life.begin(anew)


def unfinished(life: Life) -> list[Order]:
    """Answer what of a bot is at the exchange, or may be, as last saved."""
    orders = orders_inside(life.file.newest_object["context"])
    return [order for order in orders if order.state not in FINAL | {OrderState.PLANNED}]


def _told(instruction: Instruction, by: str, at: int) -> dict[str, Any]:
    """Answer what changes in a generation with the beginning of something else."""
    said = {"instruction": instruction, "told_by": by, "told_at": at}
    return {**said, "parked": None, "finished": False, "canceled": []}


def _out(floor: Floor, bot: str) -> list[Order]:
    orders = floor.wallets.of(bot).orders.values()
    return [order for order in orders if order.state not in FINAL | {OrderState.PLANNED}]
