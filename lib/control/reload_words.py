"""How the answer to `reload` begins, for who says it and who reads it."""

from typing import Final

UNCHANGED: Final = "nothing was changed"
SAME: Final = "nothing has changed: conf.json is what the bots run by"
TAKEN: Final = "conf.json was taken over"
PARTLY: Final = "conf.json was taken over in part"


def is_whole(answer: str) -> bool:
    """Say whether an answer is of a conf.json of which nothing was refused."""
    return answer.startswith((f"{TAKEN}:", SAME))
