"""Chaos on purpose: it comes as forecast, and the link is good again however it ends."""

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lib.torture.chaos import (
    Words,
    can_shape,
    forecast,
    main,
    make_weather,
    weathers,
)
from lib.torture.processes import ROOT

LINK = "eth9"


class Computer:
    """A link that remembers what was done to it."""

    def __init__(self) -> None:
        self.up = True
        self.plain = True
        self.worst = 0

    def run(self, words: Words) -> bool:
        match words:
            case ("ip", "link", "set", _, way):
                self.up = way == "up"
            case ("tc", "qdisc", way, *_):
                self.plain = way == "del"
        self.worst += not self.good
        return True

    @property
    def good(self) -> bool:
        return self.up and self.plain


def plan(seed: int) -> Iterator[tuple[float, object, float]]:
    return forecast(weathers(LINK, shaping=True), random.Random(seed), 3_600)


@pytest.mark.parametrize("seed", range(5))
def test_the_link_is_good_between_any_two_weathers_and_in_the_end(seed: int) -> None:
    computer = Computer()
    calms = {calm for calm, _, _ in plan(seed)}
    fair: list[bool] = []

    def sleep(seconds: float) -> None:
        if seconds in calms:
            fair.append(computer.good)

    make_weather(LINK, plan(seed), run=computer.run, sleep=sleep, say=lambda _: None)  # type: ignore[arg-type]

    assert all(fair)
    assert computer.good
    assert computer.worst >= len(calms) > 10


@pytest.mark.parametrize("wrong", [KeyboardInterrupt, OSError])
def test_the_link_is_good_again_when_it_is_ended_amid_bad_weather(
    wrong: type[BaseException],
) -> None:
    computer = Computer()

    def sleep(_: float) -> None:
        if not computer.good:
            raise wrong

    with pytest.raises(wrong):
        make_weather(LINK, plan(1), run=computer.run, sleep=sleep, say=lambda _: None)  # type: ignore[arg-type]

    assert computer.worst
    assert computer.good


def test_the_same_seed_is_the_same_weather() -> None:
    assert list(plan(4)) == list(plan(4)) != list(plan(5))


def test_trying_whether_the_kernel_can_shape_leaves_the_link_plain() -> None:
    computer = Computer()

    assert can_shape(LINK, computer.run)
    assert computer.good


def test_nothing_is_done_unless_it_is_really_wanted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "if_nameindex", lambda: [(1, "lo"), (2, LINK)])
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a tool was run"))

    assert main([LINK, "--seed", "1"]) == 0
    assert "nothing was done; --really does it" in capsys.readouterr().out


@pytest.mark.parametrize("link", ["lo", "nowhere0"])
def test_a_link_that_is_none_is_refused(link: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([link]) == 2
    assert "is no link of this computer" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.needs_root
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_real_link_is_up_again_after_a_signal(number: signal.Signals) -> None:
    """In a network of its own: nobody else's link is touched."""
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", STORY],
        cwd=ROOT,
        env={**os.environ, "PYTHON": sys.executable, "NUMBER": str(int(number))},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert "weather: down" in done.stdout, done.stdout + done.stderr
    assert "in the end: up" in done.stdout, done.stdout + done.stderr


STORY = """
set -e
ip link add spare0 type veth peer name spare1
ip link set spare1 up
ip link set spare0 up
look() { ip link show spare0 | grep -q 'UP' && echo "$1: up" || echo "$1: down"; }
CODE='
import lib.torture.chaos as chaos
chaos.CALM = (0, 0)
chaos.can_shape = lambda *_: False
raise SystemExit(chaos.main(["spare0", "--really", "--seed", "1"]))
'
"$PYTHON" -c "$CODE" &
chaos=$!
while ip link show spare0 | grep -q UP; do sleep 0.02; done
look weather
kill -"$NUMBER" $chaos
wait $chaos || true
look "in the end"
"""
