"""A vendor, a Discord with a server, a channel and a member, and the settings that point the program at them."""

import contextlib
import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.discord import Channel, Discord, Member, start_discord
from sandbox.vendors import Studio, Tell, Vendor, VendorKeys, ignore, start_vendor


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the program is given to keep."""

    discord_token: str
    secret_key: str
    vendor: VendorKeys


@dataclass(frozen=True, slots=True)
class Scenery:
    """Everything around the program, running."""

    vendor: Vendor
    discord: Discord
    channel: Channel
    member: Member
    values: dict[str, Any]  # the settings, by the names of their environment variables in lower case

    async def close(self) -> None:
        """End everything."""
        await self.vendor.close()
        await self.discord.close()


async def put_up(
    folder: Path,
    vendor_name: str,
    secrets: Secrets,
    *,
    studio: Studio | None = None,
    pace: float = 0.02,
    clock: Callable[[], float] = time.time,
    tell: Tell = ignore,
    upload_limit: int = 10 * 2**20,
) -> Scenery:
    """Start the stand-ins on loopback; `pace` is seconds per state of a task, files go below `folder`."""
    vendor = await start_vendor(
        vendor_name,
        keys=secrets.vendor,
        workdir=folder,
        pace=pace,
        clock=clock,
        tell=tell,
        studio=studio,
    )
    discord = await start_discord(token=secrets.discord_token, tell=tell)
    guild = discord.add_guild("Studio", upload_limit=upload_limit)
    channel, member = guild.add_channel("films"), guild.add_member("ada")
    return Scenery(vendor, discord, channel, member, _values(folder, vendor, discord, secrets))


def _values(folder: Path, vendor: Vendor, discord: Discord, secrets: Secrets) -> dict[str, Any]:
    port = free_port()
    keys: dict[str, Any] = {f"{vendor.name}_api_key": secrets.vendor.api_key}
    if secrets.vendor.access_key:
        keys = {
            f"{vendor.name}_access_key": secrets.vendor.access_key,
            f"{vendor.name}_secret_key": secrets.vendor.secret_key,
        }
    if secrets.vendor.webhook_secret:
        keys[f"{vendor.name}_webhook_secret"] = secrets.vendor.webhook_secret
    return {
        "discord_token": secrets.discord_token,
        "discord_api_url": discord.api_url,
        "public_url": f"http://127.0.0.1:{port}",
        "host": "127.0.0.1",
        "port": port,
        "database_url": f"sqlite+aiosqlite:///{folder}/rushes.db",
        "media_dir": folder / "media",
        "secret_keys": secrets.secret_key,
        f"{vendor.name}_base_url": vendor.url,
        "allowed_private_hosts": vendor.url.removeprefix("http://"),
        **keys,
    }


def free_port() -> int:
    """Find a port that is free now: the public address must be known before the program listens.

    Not among those that systems give out by themselves: another process may be given such a one in between.
    """
    for _ in range(100):
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")
