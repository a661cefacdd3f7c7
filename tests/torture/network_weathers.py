"""The weathers: what each does to the line, the names or the exchange, and how it ends.

Each takes a sky whose runner trades. `wild` is called again and again while it lasts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lib.simulator.server.faults import Fault, FaultKind, Rule, refuse_too_many
from tests.proxy import Proxy
from tests.torture.network_names import Mood
from tests.torture.network_place import EXCHANGE, LINE, PORTAL, RUNNER, RUNNER_MOVED, Place

MAINTENANCE: Final = "<html><body>System maintenance</body></html>"
RESET: Final = "meta l4proto tcp reject with tcp reset"
SLOW: Final = 0.7  # seconds, for each piece and way


@dataclass(slots=True)
class Sky:
    """What the weather is made of."""

    place: Place
    proxy: Proxy
    command: Callable[..., object]  # to the exchange
    runner_at: str = RUNNER
    gusts: int = 0


Act = Callable[[Sky], None]


def nothing(_: Sky) -> None:
    """Let it be."""


def clear(sky: Sky) -> None:
    """Take every rule away."""
    sky.place.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """One kind of it. All of it is over when `end` returns."""

    name: str
    begin: Act
    end: Act = clear
    wild: Act = nothing
    seconds: float
    cuts: bool = True  # something does not pass at all: it has to be noticed
    heals: bool = False  # all is good again while it lasts, if the program finds the way
    proxied: bool = False  # it needs the bad line between the two


def black_hole(sky: Sky) -> None:
    sky.place.both_ways("drop")


def unplugged(sky: Sky) -> None:
    sky.place.unplug()


def plugged(sky: Sky) -> None:
    sky.place.plug()


def flap(sky: Sky) -> None:
    """Two seconds off, a bit more than one on."""
    sky.gusts += 1
    (sky.place.unplug if sky.gusts % 8 < 5 else sky.place.plug)()


def losing(percent: int) -> Act:
    return lambda sky: sky.place.both_ways(f"numgen random mod 100 < {percent} drop")


def resets(sky: Sky) -> None:
    sky.place.rules(heard=[RESET])


def half_open(sky: Sky) -> None:
    """Let nothing pass on the connections there are; new ones are good."""
    heard, said = _of_old_connections(sky, "drop")
    sky.place.rules(heard=heard, said=said)


def forgotten(sky: Sky) -> None:
    """Reset the old connections at their next word, as a router that was restarted does."""
    heard, _ = _of_old_connections(sky, "reject with tcp reset")
    sky.place.rules(heard=heard)


def _of_old_connections(sky: Sky, verdict: str) -> tuple[list[str], list[str]]:
    ports = ", ".join(map(str, sky.place.connections()))
    if not ports:
        return [], []
    return [f"tcp sport {{ {ports} }} {verdict}"], [f"tcp dport {{ {ports} }} {verdict}"]


def no_way_there(sky: Sky) -> None:
    sky.place.rules(heard=["drop"])


def no_way_back(sky: Sky) -> None:
    sky.place.rules(said=["drop"])


def only_small_packets(sky: Sky) -> None:
    """Pass handshakes, pings and small answers, and none that fills a packet."""
    sky.place.both_ways("meta length > 576 drop")


def a_trickle(sky: Sky) -> None:
    sky.place.both_ways("limit rate over 8 kbytes/second burst 16 kbytes drop")


def names_silent(sky: Sky) -> None:
    """Break all connections, with nobody left to tell where the exchange is."""
    sky.place.names.mood = Mood.SILENT
    resets(sky)


def names_lost(sky: Sky) -> None:
    """Drop everything, questions for the name and all."""
    sky.place.names.mood = Mood.SILENT
    black_hole(sky)


def names_failing(sky: Sky) -> None:
    sky.place.names.mood = Mood.FAILS
    resets(sky)


def names_denied(sky: Sky) -> None:
    sky.place.names.mood = Mood.DENIES
    resets(sky)


def names_answer(sky: Sky) -> None:
    sky.place.names.mood = Mood.ANSWERS
    clear(sky)


def exchange_moves(sky: Sky) -> None:
    """Have the exchange answer at another address from now on; the old one falls silent."""
    sky.place.names.leads_to = LINE
    sky.place.both_ways(f"ip saddr {EXCHANGE} drop", f"ip daddr {EXCHANGE} drop")


def exchange_moves_back(sky: Sky) -> None:
    sky.place.names.leads_to = EXCHANGE
    clear(sky)


def runner_moves(sky: Sky) -> None:
    """Move the runner to another network: its old connections are dead, and nobody says so."""
    new = RUNNER_MOVED if sky.runner_at == RUNNER else RUNNER
    sky.place.move_runner(sky.runner_at, new)
    sky.runner_at = new


def without_name_server(sky: Sky) -> None:
    """Take the wire and resolv.conf away, as where DHCP had no answer yet."""
    sky.place.tell_name_server("")
    sky.place.unplug()


def with_name_server(sky: Sky) -> None:
    sky.place.plug()
    sky.place.tell_name_server(LINE)


def portal(sky: Sky) -> None:
    """Lead the name to a page that wants its terms accepted; break all else."""
    sky.place.names.leads_to = PORTAL
    sky.place.rules(heard=[f"ip daddr {EXCHANGE} tcp dport != 53 reject with tcp reset"])


def frozen(sky: Sky) -> None:
    sky.proxy.freeze()


def thawed(sky: Sky) -> None:
    sky.proxy.thaw()


def slow(sky: Sky) -> None:
    sky.proxy.delay(SLOW)


def quick(sky: Sky) -> None:
    sky.proxy.delay(0)


def replies_lost(sky: Sky) -> None:
    sky.proxy.lose_replies(2)


def replies_cut(sky: Sky) -> None:
    sky.proxy.cut_replies(0, 1, 40, 300, 600)


def replies_good(sky: Sky) -> None:
    sky.proxy.lose_replies(0)
    sky.proxy.cut_replies()


def streams_half_open(sky: Sky) -> None:
    sky.proxy.half_open("user")
    sky.proxy.half_open("market")


def maintained(sky: Sky) -> None:
    """Refuse every request with a page, and end every stream."""
    refused = Fault(kind=FaultKind.REFUSE, status=503, body=MAINTENANCE)
    _refuse(sky, refused)
    sky.command("POST", "drop-connections")


def too_many(sky: Sky) -> None:
    _refuse(sky, refuse_too_many(3))


def banned(sky: Sky) -> None:
    sky.command("POST", "ban", {"seconds": 8, "address": sky.runner_at})
    sky.command("POST", "drop-connections")


def unbanned(sky: Sky) -> None:
    sky.command("POST", "ban", {"seconds": 0, "address": sky.runner_at})


def halted(sky: Sky) -> None:
    sky.command("POST", "maintenance", {"status": "HALT"})


def trading_again(sky: Sky) -> None:
    sky.command("POST", "maintenance", {"status": "TRADING"})


def without_faults(sky: Sky) -> None:
    sky.command("DELETE", "faults")


def _refuse(sky: Sky, fault: Fault) -> None:
    rule = Rule(fault=fault, path="*").model_dump(mode="json", exclude_defaults=True)
    sky.command("POST", "faults", [rule])


WEATHERS: Final = (
    Weather(name="everything is dropped", begin=black_hole, seconds=25),
    Weather(name="the cable is pulled", begin=unplugged, end=plugged, seconds=20),
    Weather(
        name="the cable is loose", begin=unplugged, wild=flap, end=plugged, seconds=20, cuts=False
    ),
    Weather(name="one packet in ten is lost", begin=losing(10), seconds=15, cuts=False),
    Weather(name="three packets in ten are lost", begin=losing(30), seconds=20, cuts=False),
    Weather(name="every connection is reset", begin=resets, seconds=15),
    Weather(name="old connections are half-open", begin=half_open, heals=True, seconds=20),
    Weather(name="old connections are forgotten", begin=forgotten, heals=True, seconds=8),
    Weather(name="requests are lost, replies are not", begin=no_way_there, seconds=20),
    Weather(name="replies are lost, requests are not", begin=no_way_back, seconds=20),
    Weather(name="only small packets pass", begin=only_small_packets, seconds=20, cuts=False),
    Weather(name="a trickle of 8 KB a second", begin=a_trickle, seconds=20, cuts=False),
    Weather(name="no name server, and reset", begin=names_silent, end=names_answer, seconds=25),
    Weather(
        name="everything is dropped, the name server too",
        begin=names_lost,
        end=names_answer,
        seconds=35,
    ),
    Weather(name="the name server fails", begin=names_failing, end=names_answer, seconds=15),
    Weather(name="the name is unknown", begin=names_denied, end=names_answer, seconds=15),
    Weather(
        name="the exchange moves to another address",
        begin=exchange_moves,
        end=exchange_moves_back,
        heals=True,
        seconds=30,
    ),
    Weather(name="the runner gets another address", begin=runner_moves, heals=True, seconds=20),
    Weather(
        name="no network and no resolv.conf",
        begin=without_name_server,
        end=with_name_server,
        seconds=15,
    ),
    Weather(name="a captive portal", begin=portal, end=exchange_moves_back, seconds=15),
    Weather(
        name="a stall of 20 s, then all at once",
        begin=frozen,
        end=thawed,
        seconds=20,
        proxied=True,
    ),
    Weather(
        name="each piece takes 0.7 s",
        begin=slow,
        end=quick,
        seconds=15,
        cuts=False,
        proxied=True,
    ),
    Weather(
        name="connections are reset instead of replies",
        begin=nothing,
        wild=replies_lost,
        end=replies_good,
        seconds=12,
        cuts=False,
        proxied=True,
    ),
    Weather(
        name="replies are cut short",
        begin=nothing,
        wild=replies_cut,
        end=replies_good,
        seconds=12,
        cuts=False,
        proxied=True,
    ),
    Weather(
        name="the streams are half-open",
        begin=streams_half_open,
        heals=True,
        seconds=20,
        proxied=True,
    ),
    Weather(
        name="maintenance: 503 and no streams",
        begin=maintained,
        end=without_faults,
        seconds=15,
    ),
    Weather(name="429 to everything", begin=too_many, end=without_faults, seconds=8),
    Weather(name="banned for 8 s (418)", begin=banned, end=unbanned, seconds=8),
    Weather(name="trading is halted", begin=halted, end=trading_again, seconds=10, cuts=False),
)
LONG: Final = Weather(
    name="ten minutes without network and names",
    begin=names_lost,
    end=names_answer,
    seconds=600,
)
