"""/setup: who may, what each form changes, what is refused, and that panel and forms outlive a restart."""

import contextlib
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.acts import text_of
from bot.setup import not_admin, not_stored
from bot.setup_forms import PARTS, Here, Rules, Wrong
from sandbox.discord import EPHEMERAL, Fault, Member, Message, NotOfferedError, Typed
from sandbox.discord.world import walk
from storage import guilds, moderation
from storage.words import Budget, GuildSettings, Period, Scope
from tests.bot.harness import Set

HERE = Here({"acme": "Acme"}, {"text_to_video": frozenset({"slow-1", "fast-1"})})
QUICK = {"forbidden": "gore", "nsfw_only": ["yes"], "language": ["none"], "spoiler": ["yes"]}
MAKER = {"provider": ["acme"], "fallback": ["yes"], "models": "text_to_video: slow-1"}


async def opened(films: Set, who: Member) -> Message:
    panel = await who.type(films.channel, "/setup", {}).answered()
    assert panel.flags & EPHEMERAL
    return panel


def words(panel: Message) -> str:
    return "\n".join(str(part.get("content", "")) for part in walk(panel.components))


async def form(films: Set, who: Member, part: str, panel: Message | None = None) -> Typed:
    shown = who.press_custom_id(panel or await opened(films, who), f"setup:{part}")
    await shown.modal_shown()
    return shown


async def sent(films: Set, who: Member, part: str, values: Mapping[str, Any]) -> str:
    """Fill in a part's form; return what the panel, or the refusal, says then."""
    panel = await opened(films, who)
    typed = who.submit(await form(films, who, part, panel), values)
    await typed.acknowledged()
    await films.settled()
    refusals = [message.text for message in typed.followups]
    return "\n".join([words(panel), *refusals])


async def stored(films: Set) -> GuildSettings:
    return await films.ctx.database.read(guilds.settings_of, films.guild.id)


async def test_the_panel_shows_everything_and_changes_nothing(films: Set, admin: Member) -> None:
    text = words(await opened(films, admin))
    for word in ("the cheapest that can", "never", "no limit", "everywhere", "none forbidden", "0 credits used"):
        assert word in text
    assert all(part.title in text for part in PARTS.values())
    assert await stored(films) == GuildSettings(films.guild.id)


async def test_who_makes_it(films: Set, admin: Member) -> None:
    text = await sent(films, admin, "maker", MAKER)
    assert "Acme, where it can" in text
    assert "text to video: slow-1" in text
    assert "Changed: default models, default provider and fallback to another provider." in text
    settings = await stored(films)
    assert (settings.default_provider, settings.fallback) == ("acme", True)
    assert settings.default_models == {"text_to_video": "slow-1"}
    job, _ = await films.accepted()
    assert job.model == "slow-1"


async def test_prices_and_pace(films: Set, admin: Member) -> None:
    values = {"confirm_above": "1,000", "approve_above": " 5 000 ", "most_running": "3", "cooldown": "90"}
    text = await sent(films, admin, "asking", values)
    for word in ("above 1,000 credits", "above 5,000 credits", "each member: 3", "1 min 30 s"):
        assert word in text
    settings = await stored(films)
    assert (settings.confirm_above, settings.approve_above) == (1000, 5000)
    await sent(films, admin, "asking", dict.fromkeys(values, ""))
    assert await stored(films) == GuildSettings(films.guild.id)


async def test_budgets_for_everybody_change_and_those_for_single_ones_stay(films: Set, admin: Member) -> None:
    await films.ctx.database.write(guilds.budget_set, films.guild.id, Scope.ROLE, 7, Period.DAY, 5)
    values = {"guild_month": "500", "guild_day": "", "member_month": "100", "member_day": "0"}
    text = await sent(films, admin, "budgets", values)
    for word in ("This server, a month: 500 credits", "Each member, a day: 0 credits", "1 more for a single channel"):
        assert word in text
    found = await films.ctx.database.read(guilds.budgets_of, films.guild.id)
    assert {(one.scope, one.period, one.credits) for one in found} == {
        (Scope.GUILD, Period.MONTH, 500),
        (Scope.MEMBER, Period.MONTH, 100),
        (Scope.MEMBER, Period.DAY, 0),
        (Scope.ROLE, Period.DAY, 5),
    }
    await sent(films, admin, "budgets", dict.fromkeys(values, ""))
    assert len(await films.ctx.database.read(guilds.budgets_of, films.guild.id)) == 1


async def test_places_and_people(films: Set, admin: Member) -> None:
    room, log = films.guild.add_channel("alerts"), films.guild.add_channel("log")
    role = films.guild.add_role("crew")
    values = {
        "channels": [str(films.channel.id)],
        "role": [str(role)],
        "moderators": [str(room.id)],
        "alerts": [str(room.id)],
        "log": [str(log.id)],
    }
    text = await sent(films, admin, "places", values)
    for word in (f"<#{films.channel.id}>", f"<@&{role}>", f"<#{room.id}>", f"<#{log.id}>"):
        assert word in text
    settings = await stored(films)
    assert (settings.moderator_role_id, settings.log_channel_id, settings.channels) == (
        role,
        log.id,
        (films.channel.id,),
    )
    assert [len(channel.messages) for channel in (room, log)] == [1, 1]
    answer = await films.ada.type(room, "/video", {"prompt": "x"}).answered()
    assert "let me work in" in answer.text


async def test_a_channel_the_bot_may_not_post_in_is_refused(films: Set, admin: Member) -> None:
    room = films.guild.add_channel("closed")
    room.deny("SEND_MESSAGES")
    text = await sent(films, admin, "places", {"log": [str(room.id)]})
    assert f"I can't post in <#{room.id}>" in text
    assert await stored(films) == GuildSettings(films.guild.id)


async def test_of_two_new_channels_none_is_spoken_in_when_one_is_closed(films: Set, admin: Member) -> None:
    room, closed, blind = (films.guild.add_channel(name) for name in ("open", "closed", "blind"))
    closed.deny("SEND_MESSAGES")
    blind.deny("VIEW_CHANNEL")
    chosen = {"moderators": [str(room.id)], "alerts": [str(closed.id)], "log": [str(blind.id)]}
    text = await sent(films, admin, "places", chosen)
    assert f"I can't post in <#{closed.id}> and <#{blind.id}>" in text
    assert room.messages == []
    assert await stored(films) == GuildSettings(films.guild.id)


async def test_a_greeting_that_fails_does_not_lose_the_choice(films: Set, admin: Member) -> None:
    room, log = films.guild.add_channel("alerts"), films.guild.add_channel("log")
    films.discord.faults = [Fault("POST", rf"/channels/{room.id}/messages$", status=403)]
    text = await sent(films, admin, "places", {"alerts": [str(room.id)], "log": [str(log.id)]})
    assert "Changed: channel for alerts and log channel." in text
    assert f"I could not post in <#{room.id}> just now" in text
    settings = await stored(films)
    assert (settings.alerts_channel_id, settings.log_channel_id) == (room.id, log.id)
    assert [len(channel.messages) for channel in (room, log)] == [0, 1]


async def test_a_price_for_approval_without_a_channel_to_ask_in_is_warned_of(films: Set, admin: Member) -> None:
    warning = "or no moderator hears of them"
    assert warning not in words(await opened(films, admin))
    assert warning in await sent(films, admin, "asking", {"approve_above": "50"})
    room = films.guild.add_channel("approvals")
    assert warning not in await sent(films, admin, "places", {"moderators": [str(room.id)]})
    assert warning in await sent(films, admin, "places", {"moderators": []})
    assert warning not in await sent(films, admin, "places", {"alerts": [str(room.id)]})


async def test_the_pause_is_told_with_its_unit_in_the_log(films: Set, admin: Member) -> None:
    await sent(films, admin, "asking", {"cooldown": "90"})
    [act] = await films.ctx.database.read(moderation.acts_of, films.guild.id, 5)
    assert "(pause between two jobs: 1 min 30 s)" in text_of(act)


async def test_channels_and_roles_of_other_servers_or_of_none_get_the_uniform_refusal(
    films: Set, admin: Member
) -> None:
    elsewhere = films.discord.add_guild("Elsewhere")
    room, role, huge = elsewhere.add_channel("general"), elsewhere.add_role("crew"), "9999999999999999999"
    for field in ("channels", "moderators", "alerts", "log"):
        for forged in (str(room.id), huge):
            assert "I can't do that for you" in await sent(films, admin, "places", {field: [forged]})
    for forged in (str(role), huge):
        assert "I can't do that for you" in await sent(films, admin, "places", {"role": [forged]})
    assert room.messages == []
    assert await stored(films) == GuildSettings(films.guild.id)


async def test_a_choice_that_was_deleted_since_stands_in_no_way(films: Set, admin: Member) -> None:
    gone = GuildSettings(films.guild.id, channels=(7,), moderator_role_id=8, log_channel_id=9)
    await films.ctx.database.write(guilds.decided, gone, films.ctx.now())
    thread = films.channel.add_thread("scenes")
    await sent(films, admin, "places", {"channels": ["7", str(thread.id)], "role": ["8"], "log": ["9"]})
    assert await stored(films) == replace(gone, channels=(7, thread.id))


async def test_content(films: Set, admin: Member) -> None:
    text = await sent(
        films,
        admin,
        "content",
        {"forbidden": "Blood\n\n gore \nblood", "nsfw_only": ["no"], "language": ["none"], "spoiler": ["yes"]},
    )
    assert "3 that no prompt may hold" in text
    assert (await stored(films)).forbidden == ("Blood", "gore", "blood")
    for prompt in ("a BLOOD moon", "\uff47ore", "no\u200b blood"):
        answer = await films.ask(prompt=prompt).answered()
        assert "do not allow a word" in answer.text
    await films.accepted(prompt="bloodhound")


async def test_the_language_of_what_all_can_see(films: Set, admin: Member) -> None:
    rest = {"forbidden": "", "nsfw_only": ["no"], "spoiler": ["no"]}
    text = await sent(films, admin, "content", {**rest, "language": ["ja"]})
    assert "Language of what all can see: 日本語" in text
    assert "Changed: language." in text
    assert (await stored(films)).language == "ja"
    job, _ = await films.accepted()
    assert job.language == "ja"
    [act] = await films.ctx.database.read(moderation.acts_of, films.guild.id, 5)
    assert "(language: 日本語)" in text_of(act)
    text = await sent(films, admin, "content", {**rest, "language": ["none"]})
    assert "as each member's Discord is set" in text
    assert await stored(films) == GuildSettings(films.guild.id)
    job, _ = await films.accepted()
    assert job.language == "en"


async def test_what_is_changed_is_written_down_and_the_words_are_not(films: Set, admin: Member) -> None:
    await sent(
        films,
        admin,
        "content",
        {"forbidden": "secretword", "nsfw_only": ["no"], "language": ["none"], "spoiler": ["no"]},
    )
    await sent(films, admin, "budgets", {"guild_month": "500"})
    acts = await films.ctx.database.read(moderation.acts_of, films.guild.id, 5)
    assert [(act.kind, act.actor_id) for act in acts] == [("settings", admin.id)] * 2
    assert "secretword" not in str(acts)
    assert acts[0].detail == {"budget of the server a month": 500}


@pytest.mark.parametrize(
    ("part", "values", "wrong"),
    [
        ("asking", {"confirm_above": "many"}, "no whole number"),
        ("asking", {"confirm_above": "-5"}, "no whole number"),
        ("asking", {"cooldown": "86401"}, "at most a day"),
        ("asking", {"most_running": "1001"}, "At most 1000"),
        ("asking", {"most_running": "0"}, "nobody could ask for anything"),
        ("budgets", {"guild_month": "1" * 13}, "no whole number"),
        ("maker", {**MAKER, "models": "slow-1"}, "no line like"),
        ("maker", {**MAKER, "models": "text_to_video: @everyone"}, "knows the model"),
        (
            "content",
            {"forbidden": "x" * 61, "nsfw_only": ["no"], "language": ["none"], "spoiler": ["no"]},
            "at most 60 characters",
        ),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words(
    films: Set, admin: Member, part: str, values: dict[str, Any], wrong: str
) -> None:
    text = await sent(films, admin, part, values)
    assert wrong in text
    assert "Nothing was changed." in text
    assert "@everyone" not in text.replace("@\u200b", "")
    assert await stored(films) == GuildSettings(films.guild.id)


async def test_what_another_admin_changed_meanwhile_stays(films: Set, admin: Member) -> None:
    other, log = films.guild.add_member("boss too"), films.guild.add_channel("log")
    other.permissions |= 1 << 5
    places, content = await form(films, admin, "places"), await form(films, other, "content")
    await other.submit(content, QUICK).acknowledged()
    await films.until_told("settings changed")
    await admin.submit(places, {"channels": [], "log": [str(log.id)]}).acknowledged()
    await films.settled()
    now = await stored(films)
    assert (now.forbidden, now.nsfw_only, now.spoiler, now.log_channel_id) == (("gore",), True, True, log.id)
    last = (await films.ctx.database.read(moderation.acts_of, films.guild.id, 1))[0]
    assert last.detail == {"log_channel_id": log.id}


async def test_panel_and_form_work_after_restarts(films: Set, admin: Member) -> None:
    panel = await opened(films, admin)
    await films.stop()
    await films.start()
    shown = await form(films, admin, "asking", panel)
    await films.stop()
    await films.start()
    typed = admin.submit(shown, {"confirm_above": "7"})
    await typed.acknowledged()
    await films.settled()
    assert (await stored(films)).confirm_above == 7
    assert "above 7 credits" in words(panel)


async def test_who_is_no_admin_any_more_changes_nothing(films: Set, admin: Member) -> None:
    panel = await opened(films, admin)
    shown = await form(films, admin, "asking", panel)
    admin.permissions &= ~(1 << 5)
    answer = await admin.press_custom_id(panel, "setup:asking").answered()
    assert answer.text == not_admin()
    answer = await admin.submit(shown, {"confirm_above": "7"}).answered()
    assert answer.text == not_admin()
    assert await stored(films) == GuildSettings(films.guild.id)


async def test_members_are_not_offered_it_and_are_refused_where_it_was_shown_to_them(films: Set) -> None:
    with pytest.raises(NotOfferedError):
        films.ada.type(films.channel, "/setup", {})
    for command in films.discord.world.commands[None]:
        command["default_member_permissions"] = None
    assert (await films.mod.type(films.channel, "/setup", {}).answered()).text == not_admin()


async def test_a_server_decides_for_itself_alone(films: Set, admin: Member) -> None:
    elsewhere = films.discord.add_guild("Elsewhere")
    lobby, eve = elsewhere.add_channel("lobby"), elsewhere.add_member("eve")
    eve.permissions |= 1 << 5
    panel = await eve.type(lobby, "/setup", {}).answered()
    shown = eve.press_custom_id(panel, "setup:asking")
    await shown.modal_shown()
    await eve.submit(shown, {"confirm_above": "7"}).acknowledged()
    await films.settled()
    assert await stored(films) == GuildSettings(films.guild.id)


async def test_a_forged_part_gets_the_uniform_refusal(films: Set, admin: Member) -> None:
    panel = await opened(films, admin)
    for custom_id in ("setup:nothing", "setup:", "setup:asking:x", "setup:Asking"):
        answer = await admin.press_custom_id(panel, custom_id).answered()
        assert "I can't do that for you" in answer.text


async def test_a_database_that_does_not_store_is_told(films: Set, admin: Member, tmp_path: Path) -> None:
    panel = await opened(films, admin)
    shown = await form(films, admin, "asking", panel)
    with contextlib.closing(sqlite3.connect(tmp_path / "rushes.db")) as file:
        file.execute("ALTER TABLE guild_settings RENAME TO elsewhere")
    typed = admin.submit(shown, {"confirm_above": "7"})
    await typed.acknowledged()
    await films.settled()
    assert [message.text for message in typed.followups] == [not_stored()]


def test_the_largest_panel_fits_and_a_vendor_that_is_gone_is_still_named() -> None:
    settings = GuildSettings(
        1,
        default_provider="kling",
        default_models={f"kind-{number}": "m" * 64 for number in range(11)},
        channels=tuple(10**18 + number for number in range(25)),
        forbidden=("word",) * 200,
    )
    budgets = tuple(Budget(Scope.ROLE, number, Period.DAY, 10**11) for number in range(1, 50))
    rules = Rules(settings, budgets, 10**11)
    shown = {name: part.shown(rules, HERE) for name, part in PARTS.items()}
    assert "Kling, where it can" in "\n".join(shown["maker"])
    for part in PARTS.values():
        assert len(part.fields(rules, HERE)) <= 5


def test_unknown_choices_of_a_forged_form_are_refused_or_ignored() -> None:
    rules = Rules(GuildSettings(1))
    with pytest.raises(Wrong):
        PARTS["maker"].read(rules, HERE, {"provider": ["nobody"]})
    with pytest.raises(Wrong):
        PARTS["content"].read(rules, HERE, {"language": ["tlh"]})
    spoken = Rules(GuildSettings(1, language="es"))
    assert PARTS["content"].read(spoken, HERE, {}) == spoken  # a form that was opened before it asked for this
    after = PARTS["places"].read(rules, HERE, {"channels": ["x", "9" * 30, "\u0663"], "log": ["-1"]})
    assert after == rules
