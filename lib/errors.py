"""What can go wrong, sorted by who reacts and how.

BotError
├── OutcomeUnknown   the request left, no answer came    the machine looks before it acts again
├── Refused          the exchange said no, for good      the machine records it as a final state
│   ├── FilterRefused    by a rule of the symbol         the desk asks for its rules again
│   ├── UnknownOrder     no open order by that id        the machine asks how it ended
│   └── DuplicateOrder   an open order has that id       the machine asks whose it is
├── Unavailable      nothing was changed, try later      the supervisor restarts, with back-off
│   └── NotSent          no byte left this process       the machine may use the same id again
│       ├── Unreached    there is not even a connection  `STATUS=` says since when
│       └── MarketClosed     its symbol does not trade       the order waits until it does
├── Busy             another runner has the ctx folder   the command line says so (lib/shelf.py)
└── Halt             a human must look                   the supervisor parks the bot and alerts
    ├── BadCredentials   the key is unknown or may not trade
    ├── BooksDisagree    our records and the exchange's cannot both be true
    ├── CorruptContext   a context file holds no whole generation
    ├── ForeignContext   a context of another bot, venue, account or installation
    ├── LaterContext     a context that a later version of this program wrote
    ├── DiskFailed       a save failed twice, or the disk refused to open
    ├── UnfitFolder      contexts are not safe in this ctx folder (lib/shelf.py)
    └── MissingBarrier   a request was not announced on disk: a `yield` is missing

ConfError (not a BotError): a mistake in a file that a person edits; carries every mistake at once.

An outcome is a state; an exception is the absence of an outcome. Exceptions do not survive a
restart, so nothing a bot must remember is ever told by one.
"""


class BotError(Exception):
    """Base of every error this program raises on purpose."""


class OutcomeUnknown(BotError):
    """The request left and no answer came: it may or may not have happened."""


class Refused(BotError):
    """The exchange said no, and asking again would change nothing."""


class FilterRefused(Refused):
    """A filter of the symbol said no: by the rules as they are now, which may be new ones."""


class UnknownOrder(Refused):
    """The matching engine has no *open* order by that id: filled, gone, or never arrived."""


class DuplicateOrder(Refused):
    """An *open* order carries that id already: ours, if it may have left before."""


class Unavailable(BotError):
    """Nothing was changed. Asking again later is safe."""


class NotSent(Unavailable):
    """No byte of the request left this process."""


class Unreached(NotSent):
    """No connection was had: the network is down, or nobody listens at that address."""


class MarketClosed(NotSent):
    """Turned away before the matching engine, for the symbol does not trade at the moment."""


class Halt(BotError):
    """Going on could lose money. The context stays as it is until a human looks."""


class BadCredentials(Halt):
    """The exchange does not know our key, or the key may not trade."""


class BooksDisagree(Halt):
    """Our records and the exchange's cannot both be true."""


class CorruptContext(Halt):
    """A context file holds no whole generation. It is neither absent nor empty."""


class ForeignContext(Halt):
    """A context that belongs to another bot, venue, account or installation."""


class LaterContext(Halt):
    """A context that a later version of this program wrote. It stays untouched."""


class DiskFailed(Halt):
    """A save failed twice: no request may leave for this bot until one succeeds."""


class MissingBarrier(Halt):
    """A bot asked for a request whose intent is not on disk. A `yield` is missing before it."""
