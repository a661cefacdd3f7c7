"""Where a log file may not be: a log is appended to and renamed, whatever file it is."""

from pathlib import Path

from lib.conf import RunnerSettings
from lib.control.options import ENV_FILE, Options


def misplaced(options: Options, settings: RunnerSettings) -> str:
    """Say which file of the program a log would ruin; empty if none."""
    if settings.log_file.path is None:
        return ""
    path, ctx = Path(settings.log_file.path).resolve(), options.ctx.resolve()
    if path == ctx or ctx in path.parents:
        return f"a log in {options.ctx}, where the bots' files are, would ruin them"
    for own in (options.conf, ENV_FILE):
        if path == own.resolve():
            return f"{own} is no log: it would be written into"
    return ""
