"""Whether a bot's file and its section of conf.json go together; and a bot without a section."""

from lib.conf import BotConf
from lib.context_file.generation import Generation
from lib.instructions import Instruction
from lib.life import FLATTENER, Life, function_path
from lib.orders import FINAL
from lib.settings import Settings


def changed_while_busy(life: Life, bot: BotConf) -> str:
    """Say why a bot may not go on with another symbol or function, if it may not."""
    generation = life.generation
    if generation.instruction is Instruction.FLATTEN:  # ended as it was
        return ""
    changes = [
        (what, old, new)
        for what, old, new in (
            ("function", generation.function, function_path(bot)),
            ("symbol", ", ".join(generation.symbols), ", ".join(bot.conf.symbols)),
        )
        if old != new
    ]
    if not changes:
        return ""
    unfinished = [order for order in life.orders if order.state not in FINAL]
    busy = f"{len(unfinished)} open orders" if unfinished else life.holding()
    if not busy:
        return ""
    what, old, new = changes[0]
    return (
        f"its {what} was changed from {old} to {new} while it has {busy}: change it back, let it "
        "finish, then change it"
    )


class Leaving(Settings):
    """What a bot is set by that conf.json has no more: only what it traded is known."""

    traded: tuple[str, ...]

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of its file."""
        return self.traded


def is_being_ended(generation: Generation) -> bool:
    """Say whether the end of everything of a bot was begun and is not over."""
    told = generation.instruction is Instruction.FLATTEN
    return told and not generation.context.get("over")


def leaving(generation: Generation) -> BotConf:
    """Answer what a bot is ended by that conf.json has no more."""
    module, _, function = generation.function.partition(".")
    traded = Leaving(traded=tuple(generation.symbols))
    return BotConf(generation.bot, module, function, FLATTENER, traded, raw={}, line=0)
