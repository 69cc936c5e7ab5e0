"""The form of further choices: opened over a command, sent by its member, and answered whatever became of it since."""

from pathlib import Path
from typing import Any

import pytest

from bot.modals import MOST_WAITING
from providers.orders import Extra, Operation
from sandbox.discord import EPHEMERAL, Typed
from sandbox.discord.members import Member
from storage import jobs as job_facts
from tests.bot.harness import FakeVendor, Set, Upload, open_set, picture
from tests.bot.test_commands import HOSTILE, refused

PNG = Upload("a.png", picture())


async def opened(films: Set, command: str = "/video", who: Member | None = None, /, **options: Any) -> Typed:
    given = {"prompt": "a boat", **options} if command == "/video" else options
    typed = films.make(command, who, advanced=True, **given)
    await typed.modal_shown()
    return typed


def parts(typed: Typed) -> dict[str, dict[str, Any]]:
    """List what the form asks, by custom_id."""
    assert typed.modal is not None
    return {part["component"]["custom_id"]: part["component"] for part in typed.modal["components"]}


async def test_what_is_chosen_in_the_form_lands_in_the_job(films: Set) -> None:
    shown = await opened(films, image=PNG, duration=8, seed=3)
    assert await films.ctx.database.read(job_facts.count_by_state) == {}
    values = [option["value"] for option in parts(shown)["pick:0"]["options"]]
    assert values[:4] == ["style: general", "style: anime", "bgm: yes", "bgm: no"]
    sent = films.ada.submit(
        shown,
        {
            "pick:0": ["style: anime", "bgm: no", "watermark: yes"],
            "text:negative_prompt": "rain,\nsnow",
            "lines": "cfg_scale: 0.5",
            "mark": [Upload("m.png", picture(200, 200))],
        },
    )
    job, card = await films.taken(sent)
    assert job.operation == "image_to_video"
    assert (job.prompt, job.options["duration"], job.options["seed"]) == ("a boat", 8, 3)
    assert job.options["extras"] == {
        "style": "anime", "bgm": False, "watermark": True, "negative_prompt": "rain,\nsnow", "cfg_scale": 0.5,
    }  # fmt: skip
    assert [stored.role for stored in job.inputs] == ["first_frame", "watermark"]
    assert card.id == job.card_message_id
    assert "40 credits" in card.text or "80 credits" in card.text


async def test_an_empty_form_is_as_good_as_none(films: Set) -> None:
    sent = films.ada.submit(await opened(films), {})
    job, _ = await films.taken(sent)
    assert job.options["extras"] == {}
    answers = [request for request in films.discord.requests if request.path.startswith(f"/interactions/{sent.id}/")]
    assert len(answers) == 1  # the form's own, and none for a form that is not known


async def test_options_of_the_command_are_not_asked_again(films: Set) -> None:
    shown = await opened(films, "/template", template_id="hug", image1=PNG)
    assert "template_id" not in str(parts(shown))
    job, _ = await films.taken(films.ada.submit(shown, {"lines": "cfg_scale: 1"}))
    assert job.options["extras"] == {"template_id": "hug", "cfg_scale": 1}


async def test_choices_the_model_does_not_take_are_not_offered(films: Set) -> None:
    assert "style: anime" not in str(parts(await opened(films, model="fast-1")))
    assert "style: anime" in str(parts(await opened(films, model="slow-1")))
    assert "style: anime" in str(parts(await opened(films, model="brand-new")))


async def test_a_form_speaks_of_what_is_possible(films: Set) -> None:
    shown = await opened(films)
    assert shown.modal is not None
    texts = [part.get("description") or "" for part in shown.modal["components"]]
    assert "cfg_scale: 0 to 1" in texts
    hints = [option["description"] for option in parts(shown)["pick:0"]["options"]]
    assert "The style; only slow-1" in hints


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"pick:0": ["style: anime", "style: general"]}, ["The style can be only one thing", "anime and general"]),
        ({"pick:0": ["style: baroque"]}, ["baroque", "general, anime"]),
        ({"pick:0": [HOSTILE]}, ["no choice called"]),
        ({"pick:0": ["nonsense"]}, ["can't read the line"]),
        ({"lines": "cfg_scale: 7"}, ["7", "0 to 1", "Closest: **1**"]),
        ({"lines": HOSTILE}, ["I can't read the line"]),
        ({"lines": "speed: 3"}, ["no choice called speed", "cfg"]),
        ({"text:negative_prompt": "x" * 501}, ["501 characters", "500"]),
        ({"mark": [PNG]}, ["no use without the watermark", "`watermark`"]),
    ],
)
async def test_what_cannot_be_is_refused_to_the_asker_alone(
    films: Set, values: dict[str, Any], words: list[str]
) -> None:
    answer = await films.ada.submit(await opened(films), values).answered()
    assert answer.flags & EPHEMERAL
    await refused(films, answer, *words)
    assert films.channel.messages == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"duration": 99}, ["99 s", "Closest: **8 s**"]),
        ({"provider": "nobody"}, ["no provider called nobody"]),
        ({"resolution": "8k" * 40}, ["resolution"]),
        ({"model": "slow-1", "image": Upload("a.png", bytes(51 * 2**20))}, ["larger than 50 MB"]),
    ],
)
async def test_what_no_form_could_mend_is_refused_before_it_opens(
    films: Set, options: dict[str, Any], words: list[str]
) -> None:
    films.ada.upload_limit = 60 * 2**20
    typed = films.make("/video", prompt="x", advanced=True, **options)
    await refused(films, await typed.answered(), *words)
    assert typed.modal is None


async def test_where_there_is_nothing_more_to_choose_no_form_opens(tmp_path: Path) -> None:
    class Simple(FakeVendor):
        def extras(self, operation: Operation) -> tuple[Extra, ...]:
            return ()

    async with open_set(tmp_path, Simple("acme")) as films:
        await films.start()
        typed = films.make("/video", prompt="x", advanced=True)
        await refused(films, await typed.answered(), "no further choices", "Leave `advanced` out")
        await films.stop()


@pytest.mark.parametrize("lines", ["cfg_scale: much", "cfg_scale: 7"])
async def test_what_was_filled_in_is_shown_again_with_a_refusal(films: Set, lines: str) -> None:
    values = {"pick:0": ["bgm: yes"], "text:negative_prompt": "rain ```x", "lines": lines}
    answer = await films.ada.submit(await opened(films), values).answered()
    assert answer.flags & EPHEMERAL
    assert f"```\nbgm: yes\n{lines}\nnegative_prompt: rain '''x\n```" in answer.text


async def test_a_refusal_speaks_for_a_vendor_that_offers_the_choice(tmp_path: Path) -> None:
    class Plain(FakeVendor):
        def extras(self, operation: Operation) -> tuple[Extra, ...]:
            return ()

    async with open_set(tmp_path, Plain("aaa"), FakeVendor("bolt")) as films:
        await films.start()
        answer = await films.ada.submit(await opened(films), {"lines": "cfg_scale: 7"}).answered()
        await refused(films, answer, "at Bolt", "0 to 1")
        await films.stop()


async def test_a_form_that_is_sent_after_a_restart_is_answered(films: Set) -> None:
    shown = await opened(films, image=PNG)
    await films.stop()
    await films.start()
    answer = await films.ada.submit(shown, {"pick:0": ["bgm: yes"]}).answered()
    assert answer.flags & EPHEMERAL
    await refused(films, answer, "type the command again")


async def test_a_form_that_is_sent_much_later_is_answered(films: Set) -> None:
    shown = await opened(films)
    films.clock.ahead += 15 * 60 + 1
    await refused(films, await films.ada.submit(shown, {}).answered(), "type the command again")


async def test_a_form_is_taken_once(films: Set) -> None:
    shown = await opened(films)
    first, second = films.ada.submit(shown, {}), films.ada.submit(shown, {})
    await films.taken(first)
    assert "type the command again" in (await second.answered()).text
    assert await films.ctx.database.read(job_facts.count_by_state) == {"queued": 1}


async def test_only_so_many_forms_are_remembered_and_the_oldest_goes_first(films: Set) -> None:
    oldest = await opened(films)
    for _ in range(MOST_WAITING - 1):
        await opened(films, "/video", films.guild.add_member("somebody"))
    newest = await opened(films)
    client: Any = films.bot.client
    kept: dict[str, Any] = client._connection._view_store._modals  # discord.py tells nobody what it keeps
    await films.discord.until(lambda: newest.modal and newest.modal["custom_id"] in kept)
    assert len(kept) == MOST_WAITING
    await refused(films, await films.ada.submit(oldest, {}).answered(), "type the command again")
    await films.taken(films.ada.submit(newest, {}))


async def test_two_members_fill_in_their_forms_at_once(films: Set) -> None:
    ada, ben = await opened(films, prompt="adas"), await opened(films, "/video", films.ben, prompt="bens")
    second = films.ben.submit(ben, {"lines": "cfg_scale: 1", "pick:0": ["style: anime"]})
    first = films.ada.submit(ada, {"lines": "cfg_scale: 0"})
    (one, _), (two, _) = await films.taken(first), await films.taken(second)
    assert (one.user_name, one.prompt, one.options["extras"]) == ("Ada", "adas", {"cfg_scale": 0})
    assert (two.user_name, two.prompt, two.options["extras"]) == ("Ben", "bens", {"cfg_scale": 1, "style": "anime"})


async def test_a_bug_behind_a_form_becomes_one_sentence(films: Set, capsys: pytest.CaptureFixture[str]) -> None:
    shown = await opened(films)
    vendor = films.ctx.providers["acme"]
    assert isinstance(vendor, FakeVendor)
    vendor.broken = True
    answer = await films.ada.submit(shown, {}).answered()
    assert "Something went wrong on my side" in answer.text
    assert "command failed" in capsys.readouterr().out


async def test_the_forms_of_two_vendors_are_one(tmp_path: Path) -> None:
    async with open_set(tmp_path, FakeVendor("acme"), FakeVendor("bolt", rate=1)) as films:
        await films.start()
        shown = await opened(films)
        values = [option["value"] for option in parts(shown)["pick:0"]["options"]]
        assert len(values) == len(set(values)) == 6
        job, _ = await films.taken(films.ada.submit(shown, {"pick:0": ["bgm: yes"]}))
        assert (job.provider, job.options["extras"]) == ("bolt", {"bgm": True})
        await films.stop()
