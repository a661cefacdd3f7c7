"""Resident memory of the runner, its bots trading on a simulator in another process; MB and KB."""

from bench.scene import scene

MANY, FEW = 100, 20


def measure() -> list[tuple[str, float]]:
    """Answer what all of it takes, and what one bot more takes."""
    many, few = _resident_kb(MANY), _resident_kb(FEW)
    return [
        (f"MB, {MANY} bots", many / 1024),
        ("KB for one bot more", (many - few) / (MANY - FEW)),
    ]


def _resident_kb(bots: int) -> int:
    with scene(bots) as stage, stage.runner() as runner:
        runner.wait_until_all_trade()
        return runner.resident_kb
