"""The contract's client of the engine in process: no socket, no signature."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from lib.simulator.exchange import Books, Exchange, Options, Request
from lib.simulator.paper.paper import exchange_info, machine_time
from tests.contract.client import Reply
from tests.contract.scene import GRANT, furnish

ACCOUNT = "contract"


class EngineClient:
    """One account at an exchange of its own."""

    def __init__(self, options: Options) -> None:
        books = Books.in_memory()
        books.open_account(ACCOUNT, 1, GRANT)
        self.exchange = Exchange(exchange_info(), clock=machine_time, books=books, options=options)
        self._events: deque[Mapping[str, Any]] = deque()
        self.exchange.on_user_event = lambda _, event: self._events.append(event)
        furnish(self.exchange)

    async def ask(self, call: str, params: Mapping[str, str], *, signed: bool) -> Reply:
        method, path = call.split()
        stamp = {"timestamp": str(machine_time())} if signed else {}
        request = Request(
            method, f"/api/v3/{path}", {**stamp, **params}, ACCOUNT if signed else None
        )
        answer = self.exchange.answer(request)
        return Reply(answer.status, answer.body, answer.headers)

    async def next_event(self) -> Mapping[str, Any]:
        assert self._events, "no event was told"
        return self._events.popleft()

    async def quiet(self) -> bool:
        return not self._events
