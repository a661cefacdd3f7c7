"""Fetches files from an address, each with its checksum, into a folder that may be thrown away."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from lib.data.vision import CHECKSUM, BrokenFile, series_of
from lib.errors import Unavailable

TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
CHUNK: Final = 1 << 20
CHECKSUM_MAX: Final = 4_096
ABSENT: Final = frozenset({403, 404})


def is_address(text: str) -> bool:
    """Say whether this is an address and no path."""
    return text.startswith(("http://", "https://"))


async def download(address: str, folder: Path) -> Path:
    """Fetch one file and its checksum, without which it is not believed.

    Raises BrokenFile for a name that holds nothing we know, or a file that is not there;
    Unavailable when the other side cannot be asked.
    """
    name = Path(urlsplit(address).path).name
    series_of(name)
    path = folder / name
    try:
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            checksum = path.with_name(path.name + CHECKSUM)
            await _fetch(session, address + CHECKSUM, checksum, most=CHECKSUM_MAX)
            await _fetch(session, address, path)
    except (aiohttp.ClientError, TimeoutError) as weather:
        raise Unavailable(f"{address}: {type(weather).__name__}") from None
    return path


async def _fetch(
    session: aiohttp.ClientSession, address: str, path: Path, *, most: int | None = None
) -> None:
    async with session.get(address) as answer:
        if answer.status in ABSENT:
            raise BrokenFile(f"there is no {address}")
        if answer.status != 200:
            raise Unavailable(f"{address} was answered with {answer.status}")
        with path.open("wb") as file:
            async for chunk in answer.content.iter_chunked(CHUNK):
                file.write(chunk)
                _check_length(address, file.tell(), most)


def _check_length(address: str, length: int, most: int | None) -> None:
    if most is not None and length > most:
        raise BrokenFile(f"{address} is no checksum: it is too long")
