"""What nobody caught is shown without secrets: an error of the program, a thread, a destructor."""

import logging
import sys
import threading
import traceback
from types import TracebackType

log = logging.getLogger(__name__)


def keep_secrets_to_the_end() -> None:
    """Show from now on whatever nobody caught free of secrets."""
    sys.excepthook = _program_ends
    threading.excepthook = _thread_ended
    sys.unraisablehook = _unraisable


def _program_ends(
    kind: type[BaseException], wrong: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    _say("".join(traceback.format_exception(kind, wrong, trace)))


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is None or issubclass(ended.exc_type, SystemExit):
        return
    name = ended.thread.name if ended.thread else "?"
    _note(f"the thread {name} ended", ended.exc_value)


def _unraisable(found: "sys.UnraisableHookArgs") -> None:
    if found.exc_value is not None:
        _note(found.err_msg or "an error that could not be raised", found.exc_value)


def _note(what: str, wrong: BaseException) -> None:
    """Leave it to the log of a runner at work, else say it."""
    if logging.getLogger().handlers:
        log.error("%s", what, exc_info=wrong)
    else:
        _say(f"{what}\n{''.join(traceback.format_exception(wrong))}")


def _say(text: str) -> None:
    from lib.control.spoken import complain  # it reads .env for what is secret

    complain(text.rstrip("\n"))
