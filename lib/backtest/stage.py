"""An exchange in process, its market, and the one clock that both of them and the bots go by.

The stage outlives the runner's lives: when the power fails, time goes on here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson

from lib.backtest.ledger import Ledger
from lib.backtest.market import Playback
from lib.backtest.untold import Touch
from lib.backtest.virtual_time import VirtualLoop
from lib.binance.transport import Reply
from lib.quotes import ANY, Bounds
from lib.simulator.exchange import Exchange
from lib.simulator.protocol import Answer, Request

ACCOUNT: Final = "backtest"
INDIFFERENT: Final = frozenset({
    *("/api/v3/time", "/api/v3/exchangeInfo", "/api/v3/account", "/api/v3/openOrders"),
    *("/api/v3/order", "/api/v3/allOrders", "/api/v3/myTrades", "/api/v3/orderList"),
})
"""Questions whose answers no price changes: what comes near an open order is played in its time."""


class Listener(Protocol):
    """The runner's end of the exchange's streams."""

    def hear_user(self, event: Mapping[str, Any]) -> None: ...

    def hear_market(self, symbol: str, touch: Touch, sent_at: int) -> None:
        """Take in how a market stands since `sent_at`, exchange ms."""
        ...

    def follows(self, symbol: str) -> bool: ...

    def waited_for(self, symbol: str) -> Bounds: ...

    @property
    def follows_any(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Departure:
    """A changing request that left, and when it arrives, exchange ms."""

    arrives_at: int
    method: str
    path: str
    params: Mapping[str, str]


class Stage:
    """Owns the time of a back-test. `begins` is when it starts, exchange ms."""

    def __init__(self, begins: int, ledger: Ledger, *, thorough: bool = False) -> None:
        self.begins = begins
        self.ledger = ledger
        self.exchange: Exchange
        self.playback: Playback
        self.listener: Listener | None = None
        self.on_instant: Callable[[str], None] = lambda _: None
        self._thorough = thorough  # plays what nobody looks at, too
        self._loop: VirtualLoop | None = None
        self._seconds = 0.0  # since the beginning
        self._under_way: dict[int, Departure] = {}
        self._late: dict[str, int] | None = None  # when what is played late last moved, by symbol

    def attach(self, exchange: Exchange, playback: Playback) -> None:
        """Take what is moved here, and show its first moment."""
        self.exchange, self.playback = exchange, playback
        exchange.on_user_event = self._hear
        self._catch_up()

    # --- time

    def now(self) -> int:
        """Tell the exchange's time, ms."""
        return self.begins + round(self.seconds * 1000)

    @property
    def seconds(self) -> float:
        """How long it has been since the beginning, as the loop of the present life says."""
        return self._loop.time() if self._loop is not None else self._seconds

    def enter(self, loop: VirtualLoop, listener: Listener) -> None:
        """Let a life of the runner begin."""
        self._loop, self.listener = loop, listener
        loop.passing, loop.looks_outside = self._pass, False

    def leave(self) -> None:
        """Let it end: time stands still until the next one."""
        self._seconds, self._loop, self.listener = self.seconds, None, None

    def wait(self, seconds: float) -> None:
        """Let time pass while no runner lives."""
        assert self._loop is None, "a living runner's time passes in its loop"
        end = self._seconds + seconds
        for left in sorted(self._under_way.values(), key=lambda left: left.arrives_at):
            self._seconds = max(self._seconds, (left.arrives_at - self.begins) / 1000)
            self.answer(left.method, left.path, left.params, signed=True)
        self._under_way.clear()
        self._seconds = max(self._seconds, end)
        self._catch_up()

    def _pass(self, until: float) -> None:
        """Play the market up to a moment, or until the runner has something to do."""
        loop, playback = self._loop, self.playback
        assert loop is not None, "only a living runner waits"
        loop.stirred = False
        ends = self.begins + int(until * 1000)
        while self._attentive:
            playback.pass_over(ends)
            at = (playback.next_at - self.begins) / 1000
            if at > until:
                break
            loop.move_to(at)
            playback.play()
            if loop.stirred:
                return
        loop.move_to(until)

    @property
    def _attentive(self) -> bool:
        """Say whether anybody could notice what the market does."""
        return self._is_followed or self._thorough or self.ledger.has_open

    @property
    def _is_followed(self) -> bool:
        return self.listener is not None and self.listener.follows_any

    def catch_up(self, *, before_ms: int) -> None:
        """Play what was passed over and could be known by now, so many ms later."""
        if self.playback.passing:
            self._catch_up(before_ms)

    def _catch_up(self, before_ms: int = 0) -> None:
        """Play what was passed over, before something depends on it."""
        now, self._late = self.now() - before_ms, {}
        self.playback.catch_up(now)
        self._play_all(now)
        late, self._late = self._late, None
        for symbol, at in late.items():
            self._show(symbol, at)

    def waited_for(self, symbol: str) -> Bounds:
        """Answer at or beyond which prices of a symbol somebody has something to do."""
        if self._thorough:
            return ANY
        return Bounds() if self.listener is None else self.listener.waited_for(symbol)

    def moved(self, symbol: str, at: int) -> None:
        """Show who follows a symbol what happened there at a moment, exchange ms."""
        if self._late is not None:
            self._late[symbol] = at
        else:
            self._show(symbol, at)

    def _play_all(self, until: int) -> None:
        while self.playback.next_at <= until:
            self.playback.play()

    # --- what is asked and told

    def depart(self, departure: Departure) -> None:
        """Note a request that left: it arrives even if its sender dies."""
        self._under_way[id(departure)] = departure

    def arrive(self, departure: Departure) -> None:
        """Note that its sender lived to see it arrive."""
        del self._under_way[id(departure)]

    def answer(self, method: str, path: str, params: Mapping[str, str], *, signed: bool) -> Reply:
        """Have the exchange answer one request that has arrived there."""
        if method != "GET" or path not in INDIFFERENT:
            self._catch_up()
        answer = self.exchange.answer(Request(method, path, params, ACCOUNT if signed else None))
        body = orjson.loads(orjson.dumps(answer.body))
        if method != "GET":
            self._follow_change(f"{method} {path.removeprefix('/api/v3/')}", params, answer)
        return Reply(answer.status, body, answer.headers)

    def _follow_change(self, name: str, params: Mapping[str, str], answer: Answer) -> None:
        """Write down what was refused; show what an order of ours has made of its market."""
        if answer.status != 200:
            self.ledger.refuse(self.now(), name, params, answer.body)
        elif symbol := params.get("symbol"):
            self.show(symbol)

    def show(self, symbol: str) -> None:
        """Tell who follows a symbol how its market stands now."""
        self._show(symbol, self.now())

    def _show(self, symbol: str, at: int) -> None:
        listener = self.listener
        if listener is None or not listener.follows(symbol):
            return
        market = self.exchange.shown[symbol].market
        bids, asks = market.book.bids, market.book.asks
        listener.hear_market(symbol, Touch(bids.best or 0, asks.best or 0, market.last or 0), at)

    def _hear(self, account: str, event: dict[str, Any]) -> None:
        assert account == ACCOUNT, "there is but one"
        self.ledger.hear(event)
        if self.listener is not None:
            self.listener.hear_user(event)
