"""What the bot's tests stand on: a real discord.py client, a local Discord, a real database, a vendor at the edge."""

import asyncio
import io
import time
import warnings
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from jobs import files, life
from jobs.addresses import Addresses
from jobs.context import Context, Timing
from jobs.loop import Work
from jobs.transitions import Event
from providers import checks
from providers.contract import (
    Accepted,
    Balance,
    Callback,
    Headers,
    NotAuthentic,
    OutputLink,
    Status,
    Submission,
    Task,
    Verified,
)
from providers.orders import Extra, Kind, Model, Operation, Order, Problem, Role, Rule
from sandbox.discord import Channel, Discord, Guild, Member, Message, Typed, Upload, start_discord
from storage import Database, deliveries, outputs
from storage import jobs as job_facts
from storage.words import Delivery, Job, State

with warnings.catch_warnings():
    # discord.py imports audioop, whose end Python 3.11 and 3.12 announce with a warning.
    warnings.simplefilter("ignore", DeprecationWarning)
    from bot import cards, delivery
    from bot.client import Bot, TokenRefused

TOKEN = "bot-token-that-must-not-leak"
FILM = b"\0\0\0\x18ftypisom" + bytes(2000)
PATIENCE = 60.0  # seconds the stand-in waits for an answer, where Discord has 3: whole machines stand still that long
QUICK = Timing(retry_least=2_000, retry_most=4_000, idle=20)

_SLOW = Model("slow-1", (4, 8), 4, ("720p", "1080p"), "720p", ("16:9", "1:1"), "16:9", audio=True, default_audio=False)
_FAST = Model("fast-1", (2,), 2, ("540p",), "540p", ("16:9",), "16:9")
_DRAW = Model("draw-1", aspect_ratios=("1:1", "16:9"), default_aspect_ratio="1:1")

_FRAME, _PICTURES = {Role.FIRST_FRAME: (1, 1)}, {Role.REFERENCE: (1, 7)}
_PLACES: dict[Operation, checks.Places] = {
    **checks.FRAMES,
    Operation.IMAGE_TO_VIDEO: {**_FRAME, Role.STATIC_MASK: (0, 1), Role.DYNAMIC_MASK: (0, 6)},
    Operation.REFERENCE_TO_VIDEO: _PICTURES,
    Operation.TEMPLATE_TO_VIDEO: _PICTURES,
    Operation.REFERENCE_TO_IMAGE: _PICTURES,
    Operation.MOTION_CONTROL: _FRAME,
    Operation.AVATAR: {Role.FACE: (1, 1)},
}
_FILMS = checks.ClipRules(("video/mp4", "video/quicktime"), 10**7, (1, 30), (40, 4000), required=True)
_SOUNDS = checks.ClipRules(("audio/mpeg", "audio/wav"), 5 * 10**6, (0.1, 60))
_CLIPS = {Operation.MOTION_CONTROL: {Role.MOTION: _FILMS}, Operation.AVATAR: {Role.AUDIO: _SOUNDS}}
_FURTHER = (
    Extra("style", Kind.CHOICE, ("general", "anime"), models=("slow-1",)),
    Extra("bgm", Kind.FLAG),
    Extra("watermark", Kind.FLAG),
    Extra("cfg_scale", Kind.DECIMAL, most=1),
    Extra("negative_prompt", Kind.TEXT, most=500),
)
_OWN = {
    Operation.TEMPLATE_TO_VIDEO: (Extra("template_id", Kind.TEXT, most=200, required=True),),
    Operation.MOTION_CONTROL: (
        Extra("character_orientation", Kind.CHOICE, ("image", "video"), required=True),
        Extra("keep_original_sound", Kind.FLAG),
    ),
    Operation.AVATAR: (Extra("text", Kind.TEXT, most=100),),
}


class FakeVendor:
    """A vendor that takes orders by a small table: a dear model with choices and a cheap one without."""

    can_find = False

    def __init__(self, name: str, *, rate: int = 10, stoppable: bool = True) -> None:
        self.name = name
        self.title = name.capitalize()
        self.rate = rate
        self.stoppable = stoppable
        self.broken = False
        self.left: Balance | Exception | None = None  # what it says of our account
        self.asked = 0  # times, for that
        self.gate: asyncio.Event | None = None  # holds that answer back
        self.rules = checks.PictureRules(("image/png", "image/jpeg"), 200_000, 200_000, shortest_side=100)

    def operations(self) -> tuple[Operation, ...]:
        return tuple(_PLACES)

    def can_cancel(self, operation: Operation) -> bool:
        return self.stoppable

    def extras(self, operation: Operation) -> tuple[Extra, ...]:
        own = _OWN.get(operation, ())
        return own if operation is Operation.REFERENCE_TO_IMAGE else (*own, *_FURTHER)

    def models(self, operation: Operation) -> tuple[Model, ...]:
        if operation is Operation.TEXT_TO_VIDEO:
            return (_SLOW, _FAST)
        if operation is Operation.REFERENCE_TO_IMAGE:
            return (_DRAW,)
        shapeless = tuple(replace(model, aspect_ratios=(), default_aspect_ratio=None) for model in (_SLOW, _FAST))
        return shapeless if operation is Operation.IMAGE_TO_VIDEO else shapeless[:1]

    def fill(self, order: Order) -> Order:
        return checks.fill(order, self.models(order.operation))

    def problems(self, order: Order) -> list[Problem]:
        marks = tuple(picture for picture in order.pictures if picture.role is Role.WATERMARK)
        shown = replace(order, pictures=tuple(picture for picture in order.pictures if picture not in marks))
        problems = [
            *checks.prompt_problems(order, required=order.operation not in _OWN, most=500),
            *checks.seed_problems(order, 1000),
            *checks.model_problems(order, self.models(order.operation)),
            *checks.picture_problems(shown, self.rules, _PLACES[order.operation]),
            *checks.clip_problems(order, _CLIPS.get(order.operation, {})),
            *checks.extra_problems(order, self.extras(order.operation)),
        ]
        if order.operation is Operation.AVATAR and "text" not in order.extras and not order.clips:
            problems.append(Problem("text", Rule.REQUIRED))
        if marks and not order.extras.get("watermark"):
            problems.append(Problem(Role.WATERMARK, Rule.NOT_TOGETHER, given="watermark: no"))
        return problems

    def price(self, order: Order) -> int | None:
        if self.broken:
            raise RuntimeError("a bug in an adapter")
        known = checks.model_of(self.models(order.operation), order.model)
        return None if known is None or order.duration is None else self.rate * order.duration

    async def submit(self, submission: Submission) -> Accepted:
        raise AssertionError(f"the bot must not submit {submission.reference}")

    async def query(self, task: Task) -> Status:
        raise AssertionError(f"the bot must not ask about {task.task_id}")

    async def find(self, task: Task, since: float, known: Collection[str] = ()) -> Status | None:
        raise AssertionError(f"the bot must not look for {task.reference} since {since}")

    async def cancel(self, task: Task) -> None:
        raise AssertionError(f"the bot must not cancel {task.task_id} itself")

    async def balance(self) -> Balance | None:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.left, Exception):
            raise self.left
        return self.left

    def verify(self, callback: Callback, now: float) -> Verified:
        raise NotAuthentic(f"nothing is authentic here: {callback.path} at {now}")

    def read_callback(self, body: bytes) -> Status:
        raise AssertionError(f"the bot must not read {len(body)} bytes")


def picture(width: int = 320, height: int = 180, form: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(out, form)
    return out.getvalue()


class Clock:
    """The real time, and as much more as a test says."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class Set:
    """Everything of one test."""

    ctx: Context
    clock: Clock
    discord: Discord
    guild: Guild
    channel: Channel
    ada: Member
    ben: Member
    mod: Member
    told: list[tuple[str, int | None, Mapping[str, object]]] = field(default_factory=list[Any])
    postman: Work[Delivery] = field(init=False)  # lives as long as the bot
    _bot: Bot | None = None
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _running: asyncio.Task[None] | None = None

    @property
    def bot(self) -> Bot:
        assert self._bot is not None
        return self._bot

    async def start(self) -> None:
        self._stopping = asyncio.Event()
        self._bot = Bot(self.ctx, TOKEN, api_url=self.discord.api_url, ready_timeout=0.02)
        self.postman = delivery.work(self.ctx, self._bot)
        self._running = asyncio.create_task(self._bot.run(self._stopping))
        await self.discord.until(lambda: self.bot.ready)

    async def stop(self) -> None:
        self._stopping.set()
        if self._running is not None:
            await self._running
        self._running = self._bot = None
        await self.discord.disconnected()

    def steps(self) -> list[str]:
        return [step for step, _, _ in self.told]

    async def until_told(self, step: str, times: int = 1) -> None:
        await self.discord.until(lambda: self.steps().count(step) >= times)

    def ask(self, who: Member | None = None, **options: Any) -> Typed:
        return (who or self.ada).type(self.channel, "/video", {"prompt": "a boat at dawn", **options})

    def make(self, command: str, who: Member | None = None, /, **options: Any) -> Typed:
        return (who or self.ada).type(self.channel, command, options)

    async def accepted(self, **options: Any) -> tuple[Job, Message]:
        """Type a command and wait until its job is stored and its card shown."""
        return await self.taken(self.ask(**options))

    async def taken(self, typed: Typed) -> tuple[Job, Message]:
        """Wait until what was typed or sent is stored and its card shown."""
        card = await typed.answered()
        await self.settled()
        job = await self.ctx.database.read(job_facts.by_interaction, typed.id)
        assert job is not None, card.text
        return job, card

    async def settled(self) -> None:
        """Wait until the bot has done with all that members began: a command writes once more after its card."""
        await self.discord.until(lambda: self.bot.client is not None and not self.bot.client._at_work)  # pyright: ignore[reportPrivateUsage] -- nothing else tells

    async def job(self, job_id: int) -> Job:
        job = await self.ctx.database.read(job_facts.by_id, job_id)
        assert job is not None
        return job

    async def happen(self, job: Job, *events: Event, **facts: Any) -> Job:
        """Let events happen to a job the way the loops do."""
        for event in events:
            await self.ctx.database.write(self._advance, job.id, event, facts)
        return await self.job(job.id)

    def _advance(self, connection: Any, job_id: int, event: Event, facts: dict[str, Any]) -> None:
        job = job_facts.by_id(connection, job_id)
        assert job is not None
        life.advance(connection, job, event, self.ctx.now(), self.ctx.timing, **facts)

    async def finished(self, job: Job, *, count: int = 1, data: bytes = FILM, lost: int = 0, charged: int = 40) -> Job:
        """Bring a job to its end, with its films in the media store (the last `lost` of them not fetched)."""
        now = self.ctx.now()
        await self.happen(job, Event.SUBMIT)
        await self.happen(job, Event.ACCEPTED, task_id=f"task-{job.code}", submitted_at=now)
        links = [OutputLink(f"https://vendor.example/{number}.mp4") for number in range(count)]
        job = await self.happen(job, Event.SUCCEEDED, links=links, credits=charged)
        for output in await self.ctx.database.read(outputs.of_job, job.id):
            if output.position >= count - lost:
                await self.ctx.database.write(outputs.not_fetched, output, None, refused=True, problem="HTTP 404")
                continue
            name = files.name_for(job.code, str(output.position), "video/mp4")
            files.save(self.ctx.media_dir, files.OUTPUTS, name, data)
            about: dict[str, Any] = {"seconds": 4.0, "width": 1280, "height": 720}
            await self.ctx.database.write(
                outputs.fetched, output.id, file=name, size=len(data), sha256="0" * 64, **about
            )
        await self.ctx.database.write(deliveries.ready, job.id, now)
        return job

    async def delivery(self, job: Job) -> Delivery:
        found = await self.ctx.database.read(deliveries.of_job, job.id)
        assert found is not None
        return found

    async def deliver(self) -> bool:
        return await self.postman.once()

    async def edit_cards(self) -> bool:
        """Show what is due, the pause between two edits being over."""
        self.clock.ahead += 3
        return await cards.work(self.ctx, self.bot).once()

    def results(self) -> list[Message]:
        """List the messages that bring a result: ours, with words outside a frame."""
        return [message for message in self.channel.messages if message.author is self.discord.bot and message.content]


@asynccontextmanager
async def open_set(
    folder: Path, *vendors: FakeVendor, upload_limit: int = 10 * 2**20, clock: Clock | None = None
) -> AsyncGenerator[Set]:
    """Start everything but the bot."""
    clock = clock or Clock()
    told: list[Any] = []

    def tell(step: str, job_id: int | None = None, /, **facts: object) -> None:
        told.append((step, job_id, facts))

    discord = await start_discord(token=TOKEN, clock=clock)
    discord.world.first_answer = PATIENCE
    guild = discord.add_guild("Studio", upload_limit=upload_limit)
    moderator = guild.add_member("mod")
    moderator.permissions |= 1 << 13
    database = await Database.open(f"sqlite+aiosqlite:///{folder}/rushes.db")
    ctx = Context(
        database=database,
        providers={vendor.name: vendor for vendor in vendors or (FakeVendor("acme"),)},
        addresses=Addresses("https://rushes.example", ["key"]),
        media_dir=folder / "media",
        clock=clock,
        tell=tell,
        timing=QUICK,
    )
    people = (guild.add_member("ada"), guild.add_member("ben"), moderator)
    try:
        yield Set(ctx, clock, discord, guild, guild.add_channel("films"), *people, told=told)
    finally:
        await database.close()
        await discord.close()


__all__ = [
    "FILM",
    "TOKEN",
    "Bot",
    "FakeVendor",
    "Headers",
    "Set",
    "State",
    "TokenRefused",
    "Upload",
    "cards",
    "delivery",
    "open_set",
    "picture",
]


async def ready(films: Set, **options: Any) -> Job:
    """Bring a job to the point where its result is due."""
    ending = {key: options.pop(key) for key in ("count", "data", "lost", "charged") if key in options}
    job, _ = await films.accepted(**options)
    return await films.finished(job, **ending)
