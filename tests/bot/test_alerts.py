"""Alerts: told once in the channel the admins chose, later when Discord does not take them, and never for ever."""

import re

import pytest

from bot import alerts
from bot.alerts import text_of
from sandbox.discord import Channel, Fault
from storage import Connection, guilds, outputs
from storage import alerts as alert_facts
from storage.words import Alert, AlertKind, GuildSettings, Job
from tests.bot.harness import Set
from tests.bot.test_messages import job_with

SEND = r"/channels/\d+/messages$"
DAY = 24 * 3600


async def raised(films: Set, *kinds: AlertKind, channel: Channel | None) -> Job:
    """Raise alerts about a job, told in `channel`."""
    job, _ = await films.accepted()
    settings = GuildSettings(films.guild.id, alerts_channel_id=channel.id if channel else None)
    await films.ctx.database.write(guilds.decided, settings, films.ctx.now())

    def raise_all(connection: Connection) -> None:
        for kind in kinds:
            alert_facts.raised(connection, job, kind, films.ctx.now())

    await films.ctx.database.write(raise_all)
    return job


async def tell(films: Set) -> bool:
    return await alerts.work(films.ctx, films.bot).once()


async def waiting(films: Set) -> list[Alert]:
    return await films.ctx.database.read(alert_facts.due, films.ctx.now() + 1000 * DAY * 1000, 99)


@pytest.fixture
def room(films: Set) -> Channel:
    return films.guild.add_channel("alerts")


async def test_each_kind_is_told_once_with_what_to_do(films: Set, room: Channel) -> None:
    await raised(films, AlertKind.CREDIT, AlertKind.ACCESS, AlertKind.STRAY, channel=room)
    assert await tell(films)
    assert not await tell(films)
    texts = [message.content for message in room.messages]
    assert len(texts) == 3
    assert any("out of credits" in text and "Acme" in text for text in texts)
    assert any("does not let this bot in" in text for text in texts)
    assert any("nobody's budget pays for it" in text for text in texts)
    assert await waiting(films) == []
    assert not [message for message in room.messages if message.pings or message.embeds]
    assert films.steps().count("alert told") == 3


async def test_without_a_channel_the_log_is_told_and_that_is_all(
    films: Set, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(films.discord.messages)
    job = await raised(films, AlertKind.CREDIT, channel=None)
    assert await tell(films)
    assert await waiting(films) == []
    assert len(films.discord.messages) == before + 1  # the card
    heard = capsys.readouterr().out
    assert "admins are needed" in heard
    assert job.code in heard


async def test_a_result_that_waits_names_its_host_and_the_setting(films: Set, room: Channel) -> None:
    job = await raised(films, AlertKind.HOST, channel=room)
    job = await films.finished(job, lost=1)
    [output] = await films.ctx.database.read(outputs.of_job, job.id)
    problem = "strange: cdn.evil.example is none of the hosts that results may come from"
    await films.ctx.database.write(outputs.not_fetched, output, films.ctx.now(), refused=False, problem=problem)
    assert await tell(films)
    [text] = [message.content for message in room.messages]
    assert "`cdn.evil.example`" in text
    assert "`ACME_RESULT_HOSTS`" in text
    assert job.code in text


@pytest.mark.parametrize(
    "fault",
    [
        Fault("POST", SEND, status=503),
        Fault("POST", SEND, status="cut"),
        Fault("POST", SEND, status=403, body={"code": 50013, "message": "no"}),
        Fault("POST", SEND, status=429, body={"message": "slow down", "retry_after": 1.0}),
    ],
)
async def test_what_discord_does_not_take_is_told_later(films: Set, room: Channel, fault: Fault) -> None:
    await raised(films, AlertKind.CREDIT, channel=room)
    films.discord.faults.append(fault)
    assert await tell(films)
    [alert] = await waiting(films)
    assert alert.attempts == 1
    assert not await tell(films)
    films.clock.ahead += 60
    assert await tell(films)
    assert len(room.messages) == 1
    assert await waiting(films) == []


async def test_stored_but_answered_with_an_error_is_one_message(films: Set, room: Channel) -> None:
    await raised(films, AlertKind.CREDIT, channel=room)
    films.discord.faults.append(Fault("POST", SEND, status=503, when="after"))
    await tell(films)
    films.clock.ahead += 60
    await tell(films)
    assert len(room.messages) == 1


async def test_tries_grow_rarer_and_end_after_a_day(films: Set, room: Channel) -> None:
    await raised(films, AlertKind.CREDIT, channel=room)
    room.delete()
    pauses: list[int] = []
    while left := await waiting(films):
        pauses.append((left[0].due_at or 0) - films.ctx.now())
        films.clock.ahead += max(pauses[-1], 0) / 1000 + 0.1
        await tell(films)
        assert len(pauses) < 50
    assert pauses[1] < pauses[4] <= 3_600_000
    assert pauses[-1] > 3_500_000
    assert len(pauses) > 20


async def test_one_alert_that_breaks_does_not_hold_up_the_others(
    films: Set, room: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await raised(films, AlertKind.CREDIT, AlertKind.LOST, channel=room)

    def broken(alert: Alert, title: str, job: Job, _host: str) -> str:
        if alert.kind is AlertKind.CREDIT:
            raise RuntimeError("a bug")
        return text_of(alert, title, job)

    monkeypatch.setattr(alerts, "text_of", broken)
    await tell(films)
    assert len(room.messages) == 1
    assert [alert.kind for alert in await waiting(films)] == [AlertKind.CREDIT]
    assert not await tell(films)


async def test_without_a_connection_nothing_is_tried(films: Set, room: Channel) -> None:
    await raised(films, AlertKind.CREDIT, channel=room)
    bot = films.bot
    await films.stop()
    assert not await alerts.work(films.ctx, bot).once()
    assert len(await waiting(films)) == 1
    await films.start()


@pytest.mark.parametrize("kind", list(AlertKind))
def test_no_alert_holds_a_strangers_words(kind: AlertKind) -> None:
    job = job_with(prompt="@everyone", user_name="@here", detail="sk-123")
    text = text_of(Alert(1, 2, kind, "acme", job.id, 0, 0, 0), "Acme", job)
    assert re.sub("@(?=\u200b)|<@[0-9]+>", "", text).count("@") == 0
    assert "sk-123" not in text
    assert job.code in text
    assert "pent" in text or "reserved" in text or "costs" in text
    assert len(text) <= 2000
