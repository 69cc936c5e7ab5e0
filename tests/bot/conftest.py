"""A running bot in a server with one channel and three people: ada, ben and a moderator."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from sandbox.discord import Member, Recorded
from tests.bot.harness import Set, open_set


@pytest.fixture
async def films(tmp_path: Path) -> AsyncGenerator[Set]:
    async with open_set(tmp_path) as made:
        await made.start()
        yield made
        await made.stop()
        # Whatever a test did: nobody was pinged, and every message said so itself.
        assert not [message for message in made.discord.messages.values() if message.pings]
        assert all(body["allowed_mentions"]["parse"] == [] for body in spoken(made.discord.requests))


@pytest.fixture
def admin(films: Set) -> Member:
    """Give the server somebody who may manage it, and nothing else."""
    boss = films.guild.add_member("boss")
    boss.permissions |= 1 << 5
    return boss


def spoken(requests: list[Recorded]) -> list[dict[str, Any]]:
    """List the bodies that carry words, those inside an interaction's answer included."""
    bodies: list[Any] = [request.json or {} for request in requests if not isinstance(request.json, list)]
    inner: list[Any] = [body.get("data") or body for body in bodies]
    return [body for body in inner if "content" in body or "embeds" in body]
