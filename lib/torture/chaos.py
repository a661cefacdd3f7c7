"""Bad weather for a real computer: its network is taken away, slowed and thinned out, by chance.

    sudo python -m lib.torture.chaos eth0                 says what it would do
    sudo python -m lib.torture.chaos eth0 --really        does it, for ten minutes

For a spare Raspberry Pi on which the runner trades at a test exchange. `ip link` takes the link
down and up; `tc netem` delays, loses, repeats and damages packets that leave, where the kernel has
it. Whatever ends this program, but SIGKILL and a pulled plug, the link is up and plain again; after
those, `--restore` does the same. Who sits at the computer over that very link loses it meanwhile.
"""

import argparse
import os
import random
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Final

import click

Words = tuple[str, ...]
Run = Callable[[Words], bool]  # answers whether it succeeded

MINUTES: Final = 10.0
CALM: Final = (20.0, 60.0)  # seconds between two weathers
SEEDS: Final = 1_000_000
ENDS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Weather:
    """One thing that is done to a link, and for how many seconds at least and at most."""

    name: str
    commands: tuple[Words, ...]
    seconds: tuple[float, float]


def weathers(link: str, *, shaping: bool) -> list[Weather]:
    """List what can be done to this link."""
    found = [
        Weather("no link", (("ip", "link", "set", link, "down"),), (2.0, 45.0)),
        Weather("no link for long", (("ip", "link", "set", link, "down"),), (60.0, 180.0)),
    ]
    if shaping:
        found += [
            _shaped(link, "0.4 s of delay, varying", "delay", "400ms", "200ms"),
            _shaped(link, "3 s of delay", "delay", "3s"),
            _shaped(link, "one packet in ten lost", "loss", "10%"),
            _shaped(link, "three packets in ten lost", "loss", "30%"),
            _shaped(link, "every packet lost, the link up", "loss", "100%"),
            _shaped(link, "packets repeated, damaged, out of order", *_DISORDER),
            _shaped(link, "64 kbit a second", "rate", "64kbit"),
        ]
    return found


_DISORDER: Final = (
    *("delay", "50ms", "reorder", "25%", "50%"),
    *("duplicate", "5%", "corrupt", "1%"),
)


def _shaped(link: str, name: str, *words: str) -> Weather:
    return Weather(
        name, (("tc", "qdisc", "replace", "dev", link, "root", "netem", *words),), (10, 60)
    )


def restoring(link: str) -> tuple[Words, ...]:
    """List what makes a link good again, whatever was done to it."""
    return ("tc", "qdisc", "del", "dev", link, "root"), ("ip", "link", "set", link, "up")


def can_shape(link: str, run: Run) -> bool:
    """Try whether this kernel has netem; the link is as before."""
    shapes = run(("tc", "qdisc", "replace", "dev", link, "root", "netem", "delay", "0ms"))
    if shapes:
        run(restoring(link)[0])
    return shapes


def forecast(
    known: Sequence[Weather], chance: random.Random, seconds: float
) -> Iterator[tuple[float, Weather, float]]:
    """Draw weathers for so many seconds: the calm before each, the weather, how long it lasts."""
    left = seconds
    while left > 0:
        weather = chance.choice(known)
        calm, lasts = chance.uniform(*CALM), chance.uniform(*weather.seconds)
        yield calm, weather, lasts
        left -= calm + lasts


def make_weather(
    link: str,
    plan: Iterator[tuple[float, Weather, float]],
    *,
    run: Run,
    sleep: Callable[[float], None],
    say: Callable[[str], None],
) -> None:
    """Have it come and go; in the end, however that comes, the link is good."""
    try:
        for calm, weather, lasts in plan:
            sleep(calm)
            say(f"{weather.name}, for {lasts:.0f} s")
            for words in weather.commands:
                run(words)
            sleep(lasts)
            restore(link, run)
            say("fair weather")
    finally:
        restore(link, run)


def restore(link: str, run: Run) -> None:
    """Make the link good."""
    for words in restoring(link):
        run(words)


def run_quietly(words: Words) -> bool:
    """Run a tool to its end, also while somebody types Ctrl-C."""
    done = subprocess.run(words, capture_output=True, check=False, start_new_session=True)
    return done.returncode == 0


@contextmanager
def ended_as_by_a_person() -> Iterator[None]:
    """Have every polite signal end this program as Ctrl-C does, so that all is restored."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    former = {number: signal.signal(number, interrupt) for number in ENDS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says; answer an exit code."""
    asked = _parser().parse_args(words)
    if asked.link == "lo" or asked.link not in (name for _, name in socket.if_nameindex()):
        click.echo(f"{asked.link} is no link of this computer: see `ip link`", err=True)
        return 2
    if (asked.really or asked.restore) and os.geteuid() != 0:
        click.echo("only root may do this: sudo python -m lib.torture.chaos ...", err=True)
        return 2
    if asked.restore:
        restore(asked.link, run_quietly)
        return 0
    seed = secrets.randbelow(SEEDS) if asked.seed is None else asked.seed
    say(f"seed {seed}, {asked.minutes:g} minutes of weather on {asked.link}")
    if not asked.really:
        _describe(asked.link, seed, asked.minutes)
        return 0
    _really(asked.link, seed, asked.minutes)
    return 0


def _really(link: str, seed: int, minutes: float) -> None:
    with ended_as_by_a_person():
        try:
            known = weathers(link, shaping=can_shape(link, run_quietly))
            plan = forecast(known, random.Random(seed), minutes * 60)
            make_weather(link, plan, run=run_quietly, sleep=time.sleep, say=say)
        except KeyboardInterrupt:
            say("ended early; the link is up and plain again")


def _describe(link: str, seed: int, minutes: float) -> None:
    plan = forecast(weathers(link, shaping=True), random.Random(seed), minutes * 60)
    for calm, weather, lasts in plan:
        commands = "; ".join(map(shlex.join, weather.commands))
        say(f"after {calm:.0f} s, for {lasts:.0f} s: {weather.name}: {commands}")
    say(f"and after each: {'; '.join(map(shlex.join, restoring(link)))}")
    say("nothing was done; --really does it")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lib.torture.chaos", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("link", help="a network interface, such as eth0 or wlan0")
    parser.add_argument("--really", action="store_true", help="do it; needs root")
    parser.add_argument("--restore", action="store_true", help="make the link good, nothing else")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="for how long")
    parser.add_argument("--seed", type=int, help="what to repeat")
    return parser


def say(text: str) -> None:
    """Print a line at once."""
    click.echo(f"{time.strftime('%H:%M:%S')} {text}")


if __name__ == "__main__":
    sys.exit(main())
