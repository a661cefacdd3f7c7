"""The ways in which a runner and its exchange die.

Each takes an arena whose runner is dead, leaves it dead again, and answers at which kinds of
moments something died, how often each. What is drawn by chance is drawn from the arena's seed.
"""

import signal
import time
from collections import ChainMap, Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from lib.simulator.server.faults import (
    Fault,
    Rule,
    delay_event,
    delay_reply,
    delay_request,
    lose_request,
)
from lib.torture.arena import Arena, Lives
from lib.torture.processes import Stuck

Deaths: TypeAlias = Counter[str]
Way: TypeAlias = Callable[[Arena], Deaths]

AWAITED: Final = 4  # starts, for a chosen moment to come once the bots trade
WAVE: Final = 5  # deaths of one crowd of bots
END_MAX: Final = 1.0  # seconds that a SIGTERM may take
BY_CHANCE: Final = "SIGKILL while trading"
REQUESTS: Final = (
    ("POST", "/api/v3/order"),
    ("POST", "/api/v3/order"),
    ("DELETE", "/api/v3/order"),
    ("POST", "/api/v3/orderList/*"),
    ("DELETE", "/api/v3/orderList"),
    ("PUT", "/api/v3/order/amend/*"),
)
MOMENTS: Final[tuple[tuple[str, Fault], ...]] = (
    ("never to be acted on", lose_request(delay_ms=6_000)),
    ("before it was acted on", delay_request(700)),
    ("after it was acted on", delay_reply(6_000)),
)
EVENTS: Final = ("executionReport", "outboundAccountPosition", "listStatus")


def killed_at_random(arena: Arena) -> Deaths:
    """Kill it while it starts, or some time after its bots' first word."""
    arena.live_a_while()
    runner = arena.runner
    assert runner is not None
    spoke = runner.first_of_a_bot() is not None
    arena.kill()
    return Deaths({BY_CHANCE if spoke else "SIGKILL while starting": 1})


def killed_once_born(arena: Lives) -> Deaths:
    """Let the present bots come into being, then kill it: they are met amid their trading later."""
    arena.start()
    arena.await_births()
    arena.kill()
    return Deaths({"SIGKILL as soon as the bots were born": 1})


def in_waves(arena: Lives, crowd: Callable[[int], Mapping[str, Any]], deaths: int) -> Iterator[int]:
    """Count so many deaths, with the next crowd of bots after every few of them.

    All are born in one life before the first: who dies amid a birth has nothing to lose, and the
    bots of a former wave soon all wait for the end of a doubt.
    """
    waves = [crowd(wave) for wave in range(-(-deaths // WAVE))]
    arena.renew(dict(ChainMap(*map(dict, waves))))
    killed_once_born(arena)
    for death in range(deaths):
        if death % WAVE == 0:
            arena.renew(waves[death // WAVE])
        yield death


def ended_at_random(arena: Arena) -> Deaths:
    """Ask it to end as systemd would. Raises Stuck if that takes more than a second."""
    arena.live_a_while()
    if arena.kill(signal.SIGTERM) > max(END_MAX, arena.start_seconds):
        raise Stuck("SIGTERM did not end it at once")
    return Deaths({"SIGTERM": 1})


def killed_at_a_request(arena: Arena) -> Deaths:
    """Kill it when the exchange has seen the n-th request of a kind, before or after it acted."""
    method, path = arena.chance.choice(REQUESTS)
    when, fault = arena.chance.choice(MOMENTS)
    skip = arena.chance.randrange(6)
    rule = Rule(fault=fault, method=method, path=path, skip=skip, times=1)
    return _killed_when_struck(arena, rule, f"SIGKILL at {method} {path}, {when}")


def killed_at_an_event(arena: Arena) -> Deaths:
    """Kill it when the exchange has something to tell and has not told it yet."""
    event, skip = arena.chance.choice(EVENTS), arena.chance.randrange(20)
    rule = Rule(fault=delay_event(6_000), event=event, skip=skip, times=1)
    return _killed_when_struck(arena, rule, f"SIGKILL before it heard an {event}")


def both_killed(arena: Arena) -> Deaths:
    """Kill runner and exchange at once; the exchange begins again."""
    arena.live_a_while()
    arena.exchange.process.send(signal.SIGKILL)
    arena.kill()
    arena.exchange.kill()
    arena.exchange.start()
    return Deaths({"SIGKILL of runner and exchange at once": 2})


def exchange_killed_under_the_runner(arena: Arena) -> Deaths:
    """Kill the exchange under a runner that trades, thrice; in the end the runner as well."""
    runner = arena.start()
    arena.await_first_word()
    for _ in range(3):
        time.sleep(arena.chance.uniform(0, arena.start_seconds))
        arena.exchange.kill()
        time.sleep(arena.chance.choice((0.0, 0.3, 2.0)))
        back_from = time.monotonic()
        arena.exchange.start()
        runner.until("the user stream is back", after=back_from)
    arena.kill()
    return Deaths({"SIGKILL of the exchange under the runner": 3, BY_CHANCE: 1})


def _killed_when_struck(arena: Arena, rule: Rule, point: str) -> Deaths:
    exchange = arena.exchange
    exchange.command("DELETE", "log")
    exchange.command("POST", "faults", [rule.model_dump(mode="json", exclude_defaults=True)])
    runner, struck = arena.start(), False
    arena.await_first_word()
    deadline = time.monotonic() + AWAITED * arena.start_seconds
    while not struck and runner.alive and time.monotonic() < deadline:
        struck = any(entry["rule"] for entry in exchange.command("GET", "log"))
        time.sleep(0 if struck else 0.01)
    arena.kill()
    exchange.command("DELETE", "faults")
    return Deaths({point if struck else BY_CHANCE: 1})
