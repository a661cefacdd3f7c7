"""The exchange's time, as measured from here."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.clock import ExchangeClock, read_boottime
from lib.errors import Unavailable

EPOCH = 1_700_000_000_000


class Counter:
    """A local counter that the test turns."""

    def __init__(self) -> None:
        self.ticks = 5_000

    def __call__(self) -> int:
        return self.ticks


def answered(clock: ExchangeClock, counter: Counter, *, offset: int, out: int, back: int) -> None:
    """Let one question travel there and back."""
    sent = counter.ticks
    server = sent + out + offset
    counter.ticks += out + back
    clock.measured(server, sent, counter.ticks)


def test_does_not_know_the_time_before_it_was_told() -> None:
    clock = ExchangeClock(Counter())

    assert not clock.known
    with pytest.raises(Unavailable):
        clock.now()


def test_carries_the_time_on_by_the_local_counter() -> None:
    counter = Counter()
    clock = ExchangeClock(counter)

    answered(clock, counter, offset=EPOCH, out=10, back=10)
    counter.ticks += 3_600_000

    assert clock.now() == EPOCH + counter.ticks


def test_trusts_the_quickest_answer_most() -> None:
    counter = Counter()
    clock = ExchangeClock(counter)

    answered(clock, counter, offset=EPOCH, out=5, back=5)
    answered(clock, counter, offset=EPOCH, out=900, back=10)

    assert clock.now() == EPOCH + counter.ticks


def test_follows_an_exchange_whose_time_was_set() -> None:
    counter = Counter()
    clock = ExchangeClock(counter)

    answered(clock, counter, offset=EPOCH, out=2, back=2)
    counter.ticks += 60_000
    answered(clock, counter, offset=EPOCH - 7_000, out=50, back=50)

    assert clock.now() == EPOCH - 7_000 + counter.ticks


def test_forgets_what_it_measured_when_the_exchange_calls_it_wrong() -> None:
    counter = Counter()
    clock = ExchangeClock(counter)
    answered(clock, counter, offset=EPOCH, out=2, back=2)

    clock.doubt()
    doubted = clock.doubted
    answered(clock, counter, offset=EPOCH + 30, out=40, back=40)

    assert doubted
    assert not clock.doubted
    assert clock.now() == EPOCH + 30 + counter.ticks


def test_proves_only_what_really_arrived() -> None:
    counter = Counter()
    clock = ExchangeClock(counter)
    answered(clock, counter, offset=EPOCH, out=10, back=10)
    proven = clock.proven

    counter.ticks += 86_400_000

    assert proven == EPOCH + 5_010
    assert clock.proven == proven
    assert clock.now() > proven


def test_proof_never_goes_back() -> None:
    counter = Counter()
    clock = ExchangeClock(counter)

    proofs = []
    for offset in (EPOCH, EPOCH - 50_000, EPOCH + 20_000):
        answered(clock, counter, offset=offset, out=1, back=1)
        proofs.append(clock.proven)

    assert all(earlier <= later for earlier, later in pairwise(proofs))


def test_lets_old_samples_go_however_quick_they_were() -> None:
    counter = Counter()
    clock = ExchangeClock(counter)
    answered(clock, counter, offset=EPOCH, out=1, back=1)

    counter.ticks += 3_600_000
    answered(clock, counter, offset=EPOCH + 90, out=100, back=100)

    assert clock.now() == EPOCH + 90 + counter.ticks


@settings(max_examples=60, deadline=None)
@given(
    trips=st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 2_000)), min_size=1, max_size=12)
)
def test_is_never_further_off_than_half_the_quickest_answer(trips: list[tuple[int, int]]) -> None:
    counter = Counter()
    clock = ExchangeClock(counter)

    for out, back in trips:
        answered(clock, counter, offset=EPOCH, out=out, back=back)

    quickest = min(out + back for out, back in trips[-8:])
    assert abs(clock.now() - (EPOCH + counter.ticks)) <= quickest / 2 + 1


def test_the_local_counter_only_goes_forward() -> None:
    assert 0 < read_boottime() <= read_boottime()
