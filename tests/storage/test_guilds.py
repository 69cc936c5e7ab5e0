"""What a server's admins and moderators decide and do is kept as it was said."""

from storage import Database, guilds, moderation
from storage.words import Block, GuildSettings, Preset
from tests.samples_of import NOON

WHOLE = GuildSettings(
    10,
    default_provider="vidu",
    default_models={"text_to_video": "viduq3-pro"},
    fallback=True,
    confirm_above=100,
    approve_above=1000,
    most_running=3,
    cooldown=30,
    channels=(1 << 62, 2),
    nsfw_only=True,
    spoiler=True,
    forbidden=("naïve", "二"),
    moderator_role_id=5,
    moderators_channel_id=6,
    alerts_channel_id=7,
    log_channel_id=8,
    language="ja",
)


async def test_every_setting_is_read_as_it_was_stored(database: Database) -> None:
    assert await database.read(guilds.settings_of, 10) == GuildSettings(10)
    for settings in (WHOLE, GuildSettings(10), WHOLE):
        await database.write(guilds.decided, settings, NOON)
        assert await database.read(guilds.settings_of, 10) == settings
    assert await database.read(guilds.settings_of, 11) == GuildSettings(11)


async def test_presets_are_kept_by_name_replaced_and_dropped(database: Database) -> None:
    noir = Preset("noir", "black and white, rain", {"aspect_ratio": "21:9"}, 30, NOON)
    assert await database.write(guilds.preset_saved, 10, noir)
    assert await database.write(guilds.preset_saved, 10, Preset("anime", "cel shading", {}, 30, NOON))
    assert await database.write(guilds.preset_saved, 10, Preset("noir", "rain", {}, 31, NOON))
    assert [preset.words for preset in await database.read(guilds.presets_of, 10)] == ["cel shading", "rain"]
    assert await database.read(guilds.presets_of, 11) == []
    assert await database.write(guilds.preset_dropped, 10, "noir")
    assert not await database.write(guilds.preset_dropped, 10, "noir")


async def test_a_server_keeps_a_hundred_presets_and_loses_none_to_the_next(database: Database) -> None:
    for number in range(guilds.MOST_PRESETS):
        assert await database.write(guilds.preset_saved, 10, Preset(f"{number:03}", "", {}, 30, NOON))
    assert not await database.write(guilds.preset_saved, 10, Preset("one more", "", {}, 30, NOON))
    assert await database.write(guilds.preset_saved, 10, Preset("007", "changed", {}, 30, NOON))
    assert len(await database.read(guilds.presets_of, 10)) == guilds.MOST_PRESETS


async def test_who_is_blocked_is_listed_while_it_lasts(database: Database) -> None:
    short, long = Block(30, NOON + 5, 1, "spam", NOON), Block(31, None, 1, "", NOON + 1)
    for block in (short, long):
        await database.write(moderation.blocked, 10, block)
    assert await database.read(moderation.blocks_of, 10, NOON) == [long, short]
    assert await database.read(moderation.blocks_of, 10, NOON + 5) == [long]
    assert await database.read(moderation.blocks_of, 11, NOON) == []


async def test_acts_are_told_once_and_stay(database: Database) -> None:
    for number in range(3):
        await database.write(moderation.acted, 10, 1, "cancel", f"job-{number}", NOON + number, member=30)
    due = await database.read(moderation.acts_due, NOON + 1, 5)
    assert [act.subject for act in due] == ["job-0", "job-1"]
    await database.write(moderation.act_told, due[0].id)
    await database.write(moderation.act_postponed, due[1], NOON + 9)
    assert [act.subject for act in await database.read(moderation.acts_due, NOON + 2, 5)] == ["job-2"]
    acts = await database.read(moderation.acts_of, 10, 2)
    assert [(act.subject, act.detail, act.kind) for act in acts] == [
        ("job-2", {"member": 30}, "cancel"),
        ("job-1", {"member": 30}, "cancel"),
    ]
    assert [act.subject for act in await database.read(moderation.acts_of, 10, 5, acts[-1].id)] == ["job-0"]
    assert await database.read(moderation.acts_of, 11, 5) == []
