"""A vendor of music videos, and the ways to bring one to where its shots can be changed."""

import contextlib
import io
import wave
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from jobs.transitions import Event
from providers.orders import Extra, Kind, Model, Operation, Order, Problem
from sandbox.discord import EPHEMERAL, Member, Message, Typed
from sandbox.discord.world import walk
from storage import jobs as job_facts
from storage.words import Job, StoredShot
from tests.bot.harness import FakeVendor, Set, Upload, open_set, picture

REFUSED = "I can't change that music video for you"
SHOTS = (
    StoredShot("s-1", "succeeded", "a boat leaves", 3),
    StoredShot("s-2", "succeeded", "[win](https://evil.example) @everyone", 4.5),
    StoredShot("s-3", "succeeded", "the sea"),
)
MUSIC = (Operation.MUSIC_VIDEO, Operation.EDIT_SHOT, Operation.COMPOSE_SHOTS)


class Studio(FakeVendor):
    """A vendor that makes music videos, and cannot stop them."""

    def operations(self) -> tuple[Operation, ...]:
        return (*super().operations(), *MUSIC)

    def can_cancel(self, operation: Operation) -> bool:
        return operation not in MUSIC

    def extras(self, operation: Operation) -> tuple[Extra, ...]:
        if operation is not Operation.MUSIC_VIDEO:
            return ()
        flags = (Extra("add_subtitle", Kind.FLAG), Extra("lip_sync", Kind.FLAG))
        return (*flags, Extra("language", Kind.CHOICE, choices=("en", "zh")))

    def models(self, operation: Operation) -> tuple[Model, ...]:
        return () if operation in MUSIC else super().models(operation)

    def fill(self, order: Order) -> Order:
        return order if order.operation in MUSIC else super().fill(order)

    def problems(self, order: Order) -> list[Problem]:
        return [] if order.operation in MUSIC else super().problems(order)

    def price(self, order: Order) -> int | None:
        return 60 if order.operation in MUSIC else super().price(order)


@contextlib.asynccontextmanager
async def open_studio(folder: Path) -> AsyncGenerator[Set]:
    async with open_set(folder, Studio("acme"), Studio("other", rate=1)) as made:
        await made.start()
        yield made
        await made.stop()
        assert not [message for message in made.discord.messages.values() if message.pings]


def song() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16_000 * 12))
    return out.getvalue()


async def last_job(films: Set) -> Job:
    job_id = next(job_id for step, job_id, _ in reversed(films.told) if step == "held")
    return await films.job(job_id or 0)


async def quiet(films: Set) -> None:
    """Wait until nothing that was begun by a command or a press is under way."""
    await films.discord.until(lambda: films.bot.client is not None and not films.bot.client._at_work)  # pyright: ignore[reportPrivateUsage] -- nothing else tells


async def created(films: Set, who: Member | None = None, **more: Any) -> tuple[Job, Message]:
    """Type /mv create and wait for the card."""
    given = {"audio": Upload("song.wav", song()), "image1": Upload("a.png", picture()), "prompt": "a boat at dawn"}
    typed = (who or films.ada).type(films.channel, "/mv create", given | more)
    card = await typed.answered()
    await quiet(films)
    return await last_job(films), card


async def with_shots(
    films: Set, shots: tuple[StoredShot, ...] = SHOTS, who: Member | None = None
) -> tuple[Job, Message]:
    """Bring a music video to where its shots are known, and show them."""
    job, card = await created(films, who)
    await films.happen(job, Event.SUBMIT)
    await films.happen(job, Event.ACCEPTED, task_id=f"mv-{job.code}", submitted_at=films.ctx.now())
    await films.happen(job, Event.RUNNING)
    await films.ctx.database.write(job_facts.show_shots, job.id, shots, films.ctx.now())
    await films.edit_cards()
    return await films.job(job.id), card


def menus(message: Message) -> list[dict[str, Any]]:
    return [part for part in walk(message.components) if part["type"] == 3]


def pick(films: Set, who: Member, card: Message, number: str) -> Typed:
    return who.choose(card, menus(card)[0]["custom_id"], [number])


def forged(who: Member, message: Message, custom_id: str, values: Any) -> Typed:
    """Send a pick that no Discord client would."""
    return who._use(message, {"custom_id": custom_id, "component_type": 3, "values": values})  # pyright: ignore[reportPrivateUsage] -- likewise


async def refusal(films: Set, typed: Typed) -> str:
    """Read an answer that only the one who asked sees, and that begins nothing."""
    before = films.steps().count("held")
    answer = await typed.answered()
    await quiet(films)
    assert answer.flags & EPHEMERAL
    assert films.steps().count("held") == before
    assert "Nothing was sent and nothing was spent." in answer.text
    return answer.text
