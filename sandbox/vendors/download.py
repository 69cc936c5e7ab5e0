"""How a stand-in fetches what a request names by address: at most so many bytes, within ten seconds."""

from urllib.parse import urlsplit

import aiohttp


class DownloadFailed(Exception):  # noqa: N818 - the vendor turns it into its own refusal
    """An address that gave nothing; the message says what came instead."""


def is_address(source: str) -> bool:
    """Tell an address from base64."""
    return urlsplit(source[:2000]).scheme in {"http", "https"}


async def download(session: aiohttp.ClientSession, address: str, most: int) -> bytes:
    """Fetch an address, stopping once there are more than `most` bytes; raises DownloadFailed."""
    try:
        async with session.get(address, timeout=aiohttp.ClientTimeout(total=10)) as answer:
            if answer.status != 200:
                raise DownloadFailed(f"status {answer.status}")
            data = bytearray()
            async for piece in answer.content.iter_chunked(1 << 16):
                data += piece
                if len(data) > most:
                    break  # enough to refuse it
            return bytes(data)
    except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
        raise DownloadFailed(type(problem).__name__) from problem
