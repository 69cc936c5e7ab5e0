"""What goes to a server's own channels speaks the server's language, what one person asks for theirs; and all of it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from gettext import NullTranslations
from typing import Any

import discord
import pytest

from bot import acts, alerts, balance, budgets, credits, language, mydata, presets
from bot.language import LANGUAGES, speaking
from bot.setup_forms import PARTS, Here, Rules
from sandbox.discord import Channel
from storage import Connection, guilds
from storage import alerts as alert_facts
from storage.members import Allowance, Standing
from storage.spending import DAY, Spent
from storage.words import Act, Alert, AlertKind, Block, Budget, GuildSettings, Period, Preset, Scope
from tests.bot.harness import Set, ready
from tests.bot.test_delivery_doubts import cut_at
from tests.bot.test_messages import job_with
from tests.samples_of import NOON

HERE = Here({"acme": "5"}, {"text_to_video": frozenset({"slow-1"})})
FULL = GuildSettings(
    1,
    default_provider="acme",
    fallback=True,
    confirm_above=5,
    approve_above=5,
    most_running=3,
    cooldown=90,
    channels=(2,),
    nsfw_only=True,
    spoiler=True,
    forbidden=("x",),
    moderator_role_id=3,
    moderators_channel_id=4,
    alerts_channel_id=5,
    log_channel_id=6,
)
ALL = tuple(Budget(scope, number, period, 5) for scope in Scope for number in (0, 7) for period in Period)


class Marked(NullTranslations):
    """A language without letters: a mark, and what is put in."""

    def gettext(self, message: str) -> str:
        return "⟦" + re.sub(r"[A-Za-z](?![^{]*\})", "", message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


def catalogue(spoken: str) -> NullTranslations:
    return NullTranslations() if spoken == "en" else Marked()


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every language but English be the marked one."""
    monkeypatch.setattr(language, "catalogue", catalogue)


def left_in_english(text: str) -> str:
    """Take out what has no language; return the letters that are left."""
    text = re.sub(r"https://[^)]*|<t?[:@#&]+[0-9]+(:[A-Za-z])?>|`[^`]*`", "", text)
    return re.sub(r"[^A-Za-z]", "", text)


def panel_lines() -> Iterator[str]:
    for rules in (Rules(GuildSettings(1)), Rules(FULL, ALL, 5)):
        for part in PARTS.values():
            yield part.title
            yield from part.shown(rules, HERE)


def acts_told() -> Iterator[str]:
    details: list[tuple[str, dict[str, Any]]] = [
        *((kind, {"member": 5, "credits": 40}) for kind in ("cancel", "approve", "delete")),
        *((kind, {}) for kind in ("cancel", "approve", "delete", "block", "unblock", "read prompts", "preset")),
        ("block", {"until": NOON, "reason": "5"}),
        *(
            ("budget", {"scope": scope, "whose": whose, "period": period, "credits": amount})
            for scope in Scope
            for whose in (0, 7)
            for period in Period
            for amount in (None, 5)
        ),
        *(("settings", {name: value}) for name in [*asdict(FULL)][1:] for value in (None, True, 5)),
    ]
    return (acts.text_of(Act(1, 2, 3, kind, "55", detail, NOON)) for kind, detail in details)


def balances() -> Iterator[str]:
    for allowances in ([], [Allowance(one, 5, 2, NOON) for one in ALL]):
        for block in (None, Block(1, None, 2, "", NOON), Block(1, NOON, 2, "", NOON)):
            for pause, most in ((None, None), (90, 3)):
                card = balance.card_of(Standing(tuple(allowances), 1, most, pause, NOON + 1, block), NOON)
                yield from (card.title, card.body)


def months() -> Iterator[str]:
    since = 1_793_491_200_000
    spent = Spent(0, 1, "5", "avatar", 1, 100, 900, 0, 5, 4)
    for now in (since + 10 * DAY, since + 60 * DAY):
        books = credits.Books(since, since + 30 * DAY, now, [spent], [spent], 5, (), [(1, 5)])
        yield credits.text_of(books, {"5": "5"})


def data_told() -> Iterator[str]:
    job = job_with(prompt="")
    for left in ([], [job], [job] * 9):
        for count in (0, 1, 2):
            yield mydata.question(count, left).replace(job.code, "")
            yield from (
                mydata.answer(count, gone, stuck, left).replace(job.code, "") for gone in (0, 1) for stuck in (0, 1)
            )


@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize(
    "told",
    [
        panel_lines,
        acts_told,
        balances,
        months,
        data_told,
        lambda: [budgets.listing([]), budgets.listing(list(ALL) * 4)],
        lambda: [presets.shown(Preset("1", "2", {}, 3, NOON)), presets.unknown("1")],
    ],
)
def test_nothing_is_left_in_english(told: Callable[[], Iterator[str]]) -> None:
    with speaking("es"):
        assert [text for text in told() if left_in_english(text)] == []


@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize("kind", list(AlertKind))
def test_no_alert_is_left_in_english(kind: AlertKind) -> None:
    job = job_with(prompt="5", model="5", options={})
    with speaking("es"):
        text = alerts.text_of(Alert(1, 2, kind, "acme", job.id, 0, 0, 0), "5", job)
    assert left_in_english(text) == ""


@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize("spoken", ["es", None])
async def test_the_log_channel_speaks_the_servers_language(films: Set, spoken: str | None) -> None:
    room = films.guild.add_channel("log")
    settings = GuildSettings(films.guild.id, log_channel_id=room.id, language=spoken)
    await films.ctx.database.write(guilds.decided, settings, films.ctx.now())
    films.mod.locale = "ja"
    answer = await films.mod.type(films.channel, "/mod block", {"member": films.ada}).answered()
    assert answer.text.startswith("⟦")
    await acts.work(films.ctx, films.bot).once()
    assert room.messages[0].text.startswith("⟦") == (spoken is not None)


@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize("spoken", ["es", None])
@pytest.mark.parametrize("kind", [AlertKind.CREDIT, AlertKind.STRAY])
async def test_alerts_speak_the_servers_language(films: Set, spoken: str | None, kind: AlertKind) -> None:
    room: Channel = films.guild.add_channel("alerts")
    films.ada.locale = "ja"
    job, _ = await films.accepted()
    settings = GuildSettings(films.guild.id, alerts_channel_id=room.id, language=spoken)

    def store(connection: Connection) -> None:
        guilds.decided(connection, settings, films.ctx.now())
        alert_facts.raised(connection, job, kind, films.ctx.now())

    await films.ctx.database.write(store)
    await alerts.work(films.ctx, films.bot).once()
    assert ("⟦" in room.messages[0].content) == (spoken is not None)


@pytest.mark.usefixtures("marked")
async def test_a_chosen_channel_is_greeted_in_the_servers_language(films: Set) -> None:
    boss, room = films.guild.add_member("boss"), films.guild.add_channel("log")
    boss.permissions |= 1 << 5
    settings = GuildSettings(films.guild.id, language="es")
    await films.ctx.database.write(guilds.decided, settings, films.ctx.now())
    panel = await boss.type(films.channel, "/setup", {}).answered()
    shown = boss.press_custom_id(panel, "setup:places")
    await shown.modal_shown()
    await boss.submit(shown, {"log": [str(room.id)]}).acknowledged()
    await films.settled()
    assert room.messages[0].text.startswith("⟦")


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_the_forms_of_the_panel_fit_into_discord(spoken: str) -> None:
    with speaking(spoken):
        for part in PARTS.values():
            assert len(part.title) <= 45
            assert len("\n".join(part.shown(Rules(FULL, ALL, 5), HERE))) <= 600
            for label in part.fields(Rules(FULL, ALL, 5), HERE):
                assert len(label.text) <= 45
                assert len(label.description or "") <= 100
                if isinstance(label.component, discord.ui.Select):
                    assert all(len(option.label) <= 100 for option in label.component.options)


@pytest.mark.usefixtures("marked")
async def test_nothing_an_admin_or_a_member_asks_for_is_left_in_english(films: Set) -> None:
    boss = films.guild.add_member("boss")
    boss.permissions |= (1 << 5) | (1 << 13)
    boss.locale = films.ada.locale = "ja"
    job, _ = await films.taken(films.ask(boss, prompt="5"))
    other, _ = await films.taken(films.ask(boss, prompt="6"))
    await films.finished(other)
    queue: dict[str, dict[str, Any]] = {
        "queue": {},
        "prompts": {"member": boss},
        "unblock": {"member": boss},
        "log": {},
    }
    asked: list[tuple[str, dict[str, Any]]] = [
        *((f"/mod {name}", options) for name, options in queue.items()),
        ("/mod block", {"member": films.ben, "until": "2 days", "reason": "5"}),
        ("/mod block", {"member": films.ben, "until": "5"}),
        ("/preset list", {}),
        ("/preset save", {"name": "5", "words": "5"}),
        ("/preset list", {}),
        ("/preset delete", {"name": "5"}),
        ("/preset delete", {"name": "5"}),
        ("/budget", {"credits": 5, "member": films.ben}),
        ("/budget", {"credits": 5, "unlimited": True}),
        ("/balance", {}),
        ("/jobs", {}),
        ("/jobs", {"state": "running"}),
        ("/mydata delete", {}),
        ("/mydata export", {}),
        ("/credits", {}),
        ("/credits", {"month": "5"}),
        ("/help", {}),
    ]
    for command, options in asked:
        answer = await boss.type(films.channel, command, options).answered()
        assert "⟦" in answer.text
        text = re.sub(rf"{job.code}|{other.code}|Acme|slow-1|fast-1|Animate this image", "", answer.text)
        assert (command, left_in_english(text)) == (command, "")
        labels = [str(button.label) for button in answer.buttons]
        assert all(label.startswith("⟦") for label in labels)


@pytest.mark.usefixtures("marked")
async def test_what_is_offered_while_typing_is_translated_and_sent_as_it_is_read(films: Set) -> None:
    films.mod.locale = "ja"
    offers = await films.mod.autocomplete(films.channel, "/mod block", {"until": "1"}, "until")
    assert [offer["value"] for offer in offers] == ["1 hour", "1 day", "1 week"]
    assert all(offer["name"] == "⟦1 " for offer in offers)
    await films.accepted()
    [offer] = await films.mod.autocomplete(films.channel, "/cancel", {"job": ""}, "job")
    assert "ago" not in offer["name"]
    assert "by" not in offer["name"]


@pytest.mark.parametrize("denied", [(), ("EMBED_LINKS",)])
async def test_a_linked_result_is_known_again_though_its_language_has_other_words_now(
    films: Set, monkeypatch: pytest.MonkeyPatch, denied: tuple[str, ...]
) -> None:
    films.ada.locale = "ja"
    job = await ready(films, data=bytes(10 * 2**20 + 1))
    films.channel.deny(*denied)
    await cut_at(films, "posted")
    monkeypatch.setattr(language, "catalogue", catalogue)
    films.clock.ahead += 3600
    await films.deliver()
    [result] = films.results()
    assert (await films.delivery(job)).message_id == result.id
