"""A member's files fetched from Discord and opened for what they are to be, before their addresses die.

Members give files, never addresses; where Discord says that a file lies, the guarded client goes, or does not.
"""

import asyncio
from collections.abc import Sequence

import aiohttp
import discord
import structlog
from discord.http import Route
from yarl import URL

from bot import refusals
from bot.choices import CLIPS, Files
from bot.talking import TROUBLES, said
from jobs import guard
from jobs.attachments import MOST_BYTES, MOST_CLIP_BYTES, Desk, Flaw, Heard, Seen, read_subtitles
from providers.orders import Clip, Picture, Role

MOST_SUBTITLES = 2**20  # bytes
MOST_TOGETHER = 200 * 2**20  # bytes of one command: they are in memory until they are stored
_SECONDS = 180.0  # for all files of a command
_log = structlog.get_logger("bot.files")

Given = Sequence[tuple[Role, discord.Attachment]]


def most_bytes(role: Role) -> int:
    """Say how large a file in a role may be at all."""
    if role is Role.SUBTITLES:
        return MOST_SUBTITLES
    return MOST_CLIP_BYTES if role in CLIPS else MOST_BYTES


def too_large(given: Given) -> str | None:
    """Say which file is too large, going by the size that Discord states, before anything is fetched."""
    for role, attachment in given:
        if attachment.size > most_bytes(role):
            return refusals.flawed(role, Flaw.TOO_MANY_BYTES, most_bytes(role))
    if sum(attachment.size for _, attachment in given) > MOST_TOGETHER:
        return refusals.too_much_together(MOST_TOGETHER)
    return None


async def read(desk: Desk, given: Given, url: str) -> Files | str:
    """Fetch and open files; or the sentence why one is of no use. `url`: of the kind they will have.

    Raise OSError or RuntimeError when files cannot be opened here.
    """
    pictures: list[Picture] = []
    clips: list[Clip] = []
    role = Role.FIRST_FRAME
    try:
        async with asyncio.timeout(_SECONDS), guard.session(_discord_itself()) as session:
            for role, attachment in given:
                opened = await _opened(desk, session, role, attachment)
                if isinstance(opened, Flaw):
                    return refusals.flawed(role, opened, most_bytes(role))
                data, found = opened
                if isinstance(found, Seen):
                    pictures.append(Picture(role, found.mime, len(data), found.width, found.height, data, url))
                else:
                    size = (found.width, found.height)
                    clips.append(Clip(role, found.mime, len(data), found.seconds, *size, data, url))
    except TimeoutError:
        return refusals.flawed(role, Flaw.NOT_RECEIVED, most_bytes(role))
    return Files(tuple(pictures), tuple(clips))


def _discord_itself() -> list[tuple[str, int]]:
    """Name the Discord that the operator chose, which may be on this machine or a private network."""
    home = URL(Route.BASE)
    return [(home.host or "", home.port or 443)]


async def fetched(session: aiohttp.ClientSession, url: str, most: int) -> bytes | Flaw:
    """Fetch a file by a session of jobs/guard.py, and no more of it than `most` bytes. Raise what TROUBLES names."""
    data = bytearray()
    async with session.get(guard.parse(url), allow_redirects=False) as answer:
        if answer.status != 200:
            _log.warning("attachment not read", trouble=f"HTTP {answer.status}")
            return Flaw.NOT_RECEIVED
        async for piece in answer.content.iter_any():
            data += piece
            if len(data) > most:
                return Flaw.TOO_MANY_BYTES
    return bytes(data)


async def _opened(
    desk: Desk, session: aiohttp.ClientSession, role: Role, attachment: discord.Attachment
) -> tuple[bytes, Seen | Heard] | Flaw:
    try:
        data = await fetched(session, attachment.url, most_bytes(role))
    except TimeoutError:
        raise
    except TROUBLES as error:
        _log.warning("attachment not read", trouble=said(error))
        return Flaw.NOT_RECEIVED
    if isinstance(data, Flaw):
        return data
    match role:
        case Role.MOTION:
            found = await desk.watch(data)
        case Role.AUDIO:
            found = await desk.listen(data)
        case Role.SUBTITLES:
            found = read_subtitles(data)
        case _:
            found = await desk.look(data)
    return found if isinstance(found, Flaw) else (data, found)
