"""Everything around the program: vendors, a Discord full of members, proxies between, and films that cost nothing."""

import asyncio
import base64
import itertools
import random
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sandbox.discord import Channel, Discord, Limit, Member, start_discord
from sandbox.scenery import free_port
from sandbox.vendors import Studio, Vendor, VendorKeys, start_vendor
from sandbox.vendors.book import Film, Picture
from sandbox.vendors.render import Rendered
from storage import Database, guilds
from storage.words import Period, Scope
from tests.chaos.plan import VENDORS, Plan
from tests.chaos.proxy import ARRIVED, CALLBACK, NEVER_ARRIVED, STRAYS, Proxy

SECRET_KEY: Final = "chaos-secret-key-0123456789abcdef"
_API_KEY: Final = "chaos-api-key-0123456789"
_WEBHOOK_SECRET: Final = "whsec_" + base64.b64encode(b"chaos webhook secret 0123456789").decode()
_GUILDS, _CHANNELS, _MEMBERS = 3, 8, 40
_UNBOUND: Final = Limit(10**9, 1.0)
PURSE: Final = 9  # credits a member may spend in a month in the server where credits are scarce
PACE: Final = 0.04  # seconds a task stays in each state


class Reel(Studio):
    """Has every film ready: one small real MP4, with a number in it that no other film has."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._numbers = itertools.count(1)
        self._blank: bytes | None = None
        self._lock = asyncio.Lock()

    async def film(self, film: Film, pictures: tuple[Picture, ...]) -> Rendered:
        """Hand out a film of its own."""
        async with self._lock:
            if self._blank is None:
                blank = await super().film(Film(1, 64, 16 / 9, text="chaos", fps=8), ())
                self._blank, self._cover = blank.video.read_bytes(), blank.cover
        video = self.folder / f"film-{next(self._numbers)}.mp4"
        # A box that players pass over, as MP4 has it for the purpose.
        video.write_bytes(self._blank + struct.pack(">I4s", 8 + 32, b"free") + video.name.encode().ljust(32))
        return Rendered(video, self._cover, 114, 64)


@dataclass
class World:
    """The world of one run."""

    folder: Path
    vendors: dict[str, Vendor]
    discord: Discord
    proxies: list[Proxy]
    values: dict[str, Any]  # the program's settings
    channels: list[Channel]
    members: list[Member]
    poor: Channel  # where credits are scarce
    count: Counter[str]
    spoiled: float = 0.0  # the share of requests that the proxies spoil
    port: int = 0
    hear: Callable[[str, dict[str, Any]], None] = field(default=lambda _event, _facts: None)

    @property
    def database(self) -> Path:
        """The program's database."""
        return self.folder / "program" / "rushes.db"

    def settings(self, *, signed: bool) -> dict[str, Any]:
        """Give the program's settings, Kling's callbacks signed or not."""
        self.vendors["kling"].keys = VendorKeys(_API_KEY, webhook_secret=_WEBHOOK_SECRET if signed else None)
        return {**self.values, **({"kling_webhook_secret": _WEBHOOK_SECRET} if signed else {})}

    async def close(self) -> None:
        """End it."""
        for vendor in self.vendors.values():
            await vendor.close()
        for proxy in self.proxies:
            await proxy.close()
        await self.discord.close()


async def create(folder: Path, plan: Plan) -> World:
    """Start everything but the program."""
    count: Counter[str] = Counter()
    world: World | None = None

    def told(event: str, facts: dict[str, Any]) -> None:
        if world is not None:
            world.hear(event, facts)

    reel = Reel(folder / "films")
    keys = {name: VendorKeys(_API_KEY) for name in VENDORS}
    vendors = {
        name: await start_vendor(name, keys=keys[name], workdir=folder, studio=reel, pace=PACE, tell=told)
        for name in VENDORS
    }
    discord = await start_discord(token="chaos-discord-token", tell=told)
    discord.limits.messages = discord.limits.routes = discord.limits.overall = _UNBOUND
    port = free_port()
    # Vendor and Discord addresses, links to files included, lead through the proxies; and so do the callbacks.
    proxies = {
        name: Proxy(name, _chooser(plan.seed, name, lambda: world), count) for name in (*VENDORS, "discord", "program")
    }
    for name, proxy in proxies.items():
        await proxy.open()
        if name in vendors:
            proxy.upstream = int(vendors[name].url.rpartition(":")[2])
            vendors[name].url = proxy.url
    proxies["discord"].upstream = int(discord.address.rpartition(":")[2])
    proxies["program"].upstream = port
    discord.world.base_url = discord.cdn_url = proxies["discord"].url
    values: dict[str, Any] = {
        "discord_token": "chaos-discord-token",
        "discord_api_url": proxies["discord"].url + "/api/v10",
        "public_url": proxies["program"].url,
        "host": "127.0.0.1",
        "port": port,
        "database_url": f"sqlite+aiosqlite:///{folder}/program/rushes.db",
        "media_dir": folder / "program" / "media",
        "secret_keys": SECRET_KEY,
        "callback_grace": plan.grace,
        "allowed_private_hosts": ",".join(f"127.0.0.1:{proxies[name].port}" for name in VENDORS),
    }
    for name in VENDORS:
        values |= {f"{name}_api_key": _API_KEY, f"{name}_base_url": proxies[name].url}
    places = [discord.add_guild(f"Studio {number}") for number in range(_GUILDS)]
    channels = [guild.add_channel(f"films-{number}") for guild in places for number in range(_CHANNELS)]
    members = [guild.add_member(f"member{number}") for guild in places for number in range(_MEMBERS)]
    purse = discord.add_guild("Purse")
    world = World(
        folder,
        vendors,
        discord,
        list(proxies.values()),
        values,
        channels,
        members,
        purse.add_channel("films"),
        count,
        port=port,
    )
    database = await Database.open(values["database_url"])
    await database.write(guilds.budget_set, purse.id, Scope.MEMBER, 0, Period.MONTH, PURSE)
    await database.close()
    return world


def _chooser(seed: int, name: str, world: Callable[[], World | None]) -> Callable[[str, str], str | None]:
    """Draw what happens to each request on its way, by a dice of each proxy's own."""
    dice = random.Random(f"{seed} {name}")
    faults = CALLBACK if name == "program" else (*NEVER_ARRIVED, *ARRIVED)

    def choose(method: str, path: str) -> str | None:
        now = world()
        if now is None or dice.random() >= now.spoiled:
            return None
        # Whoever cannot even say hello is not there at all; and a command's first answer has three seconds.
        if name == "discord" and ("/gateway" in path or path.endswith(("/@me", "/commands"))):
            return None
        submits = name in VENDORS and method == "POST" and not path.endswith(("/fetch", "/cancel"))
        return dice.choice((*faults, STRAYS, STRAYS, STRAYS) if submits else faults)

    return choose
