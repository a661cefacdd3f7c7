"""Every venue that a test opens is audited and closed when the test is over."""

from collections.abc import Iterator

import pytest

from lib.simulator.books.audit import audit
from tests.simulator.venue import OPENED


@pytest.fixture(autouse=True)
def audited() -> Iterator[None]:
    OPENED.clear()
    yield
    findings = [finding for venue in OPENED for finding in audit(venue.books)]
    for venue in OPENED:
        venue.books.close()
    OPENED.clear()
    assert findings == []
