"""What conf.json says of a bot's money: the keys that every bot's section may have.

{"lisa": {"symbol": "BTCUSDT", "budget": 500, ...}}               in the quote asset
{"bart": {"symbol": "ETHBTC", "budget": {"BTC": 0.01}, ...}}
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from lib.amounts import plain
from lib.limits import BotLimits
from lib.settings import Settings

Asset = Annotated[str, StringConstraints(pattern=r"^[^\sa-z]{1,20}$")]
Amount = Annotated[Decimal, Field(ge=0)]


class Terms(Settings):
    """On what terms a bot uses the account. Absent keys leave it to share."""

    budget: dict[Asset, Amount] | Amount | None = Field(
        default=None,
        description="What this bot may use of the account: an amount of the quote asset, or "
        'amounts by asset, {"USDT": 500}. What its trades bring is added, what they cost comes '
        "off. Without it the bot shares with others what no budget reserves.",
    )
    may_sell_your_coins: bool | None = Field(
        default=None,
        description="Whether the bot may sell coins that it did not buy itself.",
    )
    limits: BotLimits | None = Field(
        default=None, description="What this bot alone may not pass; `limits` at the top is of all."
    )

    def amounts(
        self, symbols: Iterable[str], quote_assets: Mapping[str, str]
    ) -> dict[str, Decimal] | None:
        """Answer the budget by asset; None without one. Raises ValueError where it is unclear.

        `quote_assets` are those of the symbols that are known.
        """
        if self.budget is None or isinstance(self.budget, dict):
            return self.budget
        quotes = {quote_assets[symbol] for symbol in symbols if symbol in quote_assets}
        if len(quotes) != 1:
            found = f"it trades for {' and '.join(sorted(quotes))}" if quotes else "no quote asset"
            raise ValueError(
                f"its budget is {plain(self.budget)}, of which asset? ({found}): name it, as in "
                '{"USDT": 500}'
            )
        return {quotes.pop(): self.budget}

    def written(self) -> dict[str, Any]:
        """Write what was set, as a section has it."""
        return self.model_dump(mode="json", exclude_none=True)


KEYS: Final = frozenset(Terms.model_fields)


def split_terms(section: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part the keys of a section that are about its money from the bot's own."""
    terms = {key: value for key, value in section.items() if key in KEYS}
    return terms, {key: value for key, value in section.items() if key not in KEYS}
