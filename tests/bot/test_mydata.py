"""/mydata: the file holds all that is a member's and nothing else; deletion takes words and files and keeps sums."""

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bot import export, mydata
from bot.export import MOST_PARTS, Parts
from jobs import files
from jobs.transitions import Event
from sandbox.discord import EPHEMERAL, Channel, Fault, Member, Message
from storage import deliveries, guilds, ledger, moderation, outputs
from storage.words import Act, Block, Period, Preset, Scope, State
from tests.bot.harness import Set, Upload, picture, ready
from tests.samples_of import NOON, a_job

REFUSED = "I can't do that for you"
HOSTILE = '[win](https://evil.example) @everyone "quoted" \\ \u202e 👩‍👩‍👧 <@1>'


async def asked(films: Set, who: Member, line: str, channel: Channel | None = None) -> Message:
    message = await who.type(channel or films.channel, line, {}).answered()
    await films.settled()
    assert message.flags & EPHEMERAL
    assert not message.pings
    return message


async def pressed(films: Set, who: Member, message: Message, custom_id: str | None = None) -> str:
    """Press the button that is there, or plant another id on it, and read the answer."""
    if custom_id is not None:
        message.components[0]["components"][0]["custom_id"] = custom_id
    answer = await who.press_custom_id(message, custom_id or message.buttons[0].custom_id or "").answered()
    await films.settled()
    assert answer.flags & EPHEMERAL
    assert answer is not message
    return answer.text


def broken(folder: Path) -> None:
    with contextlib.closing(sqlite3.connect(folder / "rushes.db")) as file:
        file.execute("ALTER TABLE jobs RENAME TO elsewhere")


def whole(message: Message) -> dict[str, Any]:
    [file] = message.attachments
    assert file.filename == "rushes-mydata.json"
    found: dict[str, Any] = json.loads(file.data)
    assert (found["part"], found["of"]) == (1, 1)
    return found


def kept_files(films: Set) -> list[str]:
    return sorted(path.name for path in films.ctx.media_dir.glob("*/*"))


async def posted(films: Set, **options: Any) -> Any:
    """Have something made and posted, all its files in the store."""
    job = await ready(films, **options)
    assert await films.deliver()
    return job


# Export


async def test_the_file_holds_the_members_jobs_in_every_server_with_words_and_credits(films: Set) -> None:
    done = await posted(films, prompt=HOSTILE, charged=33, image=Upload("a.png", picture()))
    elsewhere = films.discord.add_guild("Elsewhere")
    lobby, again = elsewhere.add_channel("lobby"), elsewhere.add_member("ada", user=films.ada.user)
    other, _ = await films.taken(again.type(lobby, "/video", {"prompt": "the sea"}))
    await films.taken(films.ask(films.ben, prompt="a secret of ben's"))
    seen = await asked(films, films.ada, "/mydata export")
    found = whole(seen)
    assert found["about"]["discord_user"] == str(films.ada.id)
    assert [job["job"] for job in found["jobs"]] == [other.code, done.code]
    first, second = found["jobs"]
    assert (first["server"], first["state"], first["credits"]["charged"]) == (str(elsewhere.id), "queued", None)
    assert second["prompt"] == HOSTILE
    assert second["state"] == "succeeded"
    assert second["your_name"] == "Ada"
    assert second["credits"]["price"] == 40
    assert second["credits"]["charged"] == 33
    assert [row["kind"] for row in second["credits"]["ledger"]] == ["hold", "settle"]
    assert [given["role"] for given in second["files_given"]] == ["first_frame"]
    assert second["options"]["resolution"]
    assert [result["kept"] for result in second["results"]] == [True]
    assert second["result_message"] == str(films.results()[0].id)
    assert second["asked_at"].endswith("+00:00")


async def test_the_file_holds_no_address_no_detail_and_nobody_elses_number(films: Set) -> None:
    job, _ = await films.accepted()
    await films.happen(job, Event.SUBMIT)
    await films.happen(job, Event.REJECTED, reason="access", detail="bad key sk-123")
    await posted(films)
    queued, card = await films.accepted()
    await films.mod.press(card, "Cancel").answered()
    await films.settled()
    block = Block(films.ada.id, None, films.mod.id, "a nuisance", films.ctx.now())
    await films.ctx.database.write(moderation.blocked, films.guild.id, block)
    found = whole(await asked(films, films.ada, "/mydata export"))
    text = json.dumps(found)
    for secret in (
        "https://",
        "vendor.example",
        "sk-123",
        "a nuisance",
        str(films.mod.id),
        str(films.ben.id),
        "media/",
    ):
        assert secret not in text
    [cancelled] = [one for one in found["jobs"] if one["job"] == queued.code]
    assert cancelled["cancelled_by"] == "somebody else"
    assert found["about"]["acts"] == [
        {
            "server": str(films.guild.id), "what": "cancel", "at": found["about"]["acts"][0]["at"],
            "by": "somebody else", "about": "you", "subject": queued.code,
        }
    ]  # fmt: skip
    assert found["about"]["blocks"][0]["until"] is None


async def test_blocks_budgets_presets_and_own_acts_are_in_it(films: Set) -> None:
    guild, ada, now = films.guild.id, films.ada.id, films.ctx.now()
    preset = Preset("noir", "black and white", {"seed": 2**60}, ada, now)
    await films.ctx.database.write(guilds.preset_saved, guild, preset)
    await films.ctx.database.write(guilds.budget_set, guild, Scope.MEMBER, ada, Period.DAY, 90)
    await films.ctx.database.write(moderation.acted, guild, ada, "block", str(films.ben.id), now, reason="spam")
    await films.ctx.database.write(moderation.acted, guild, films.mod.id, "block", str(ada), now, until=now)
    about = whole(await asked(films, films.ada, "/mydata export"))["about"]
    assert about["presets"][0]["words"] == "black and white"
    assert about["presets"][0]["options"] == {"seed": str(2**60)}
    assert about["budgets"] == [{"server": str(guild), "each": "day", "credits": 90}]
    acts = [{name: act.get(name) for name in ("what", "by", "about", "subject")} for act in about["acts"]]
    assert acts == [
        {"what": "block", "by": "somebody else", "about": "you", "subject": None},
        {"what": "block", "by": "you", "about": None, "subject": None},
    ]
    assert about["acts"][0]["until"].startswith("20")
    assert str(films.ben.id) not in json.dumps(about)


async def test_who_is_not_known_gets_a_file_that_says_so(films: Set) -> None:
    found = whole(await asked(films, films.ben, "/mydata export"))
    assert found["jobs"] == []


async def test_an_export_that_cannot_be_read_says_so(films: Set, tmp_path: Path) -> None:
    broken(tmp_path)
    seen = await asked(films, films.ada, "/mydata export")
    assert "can't look anything up just now" in seen.text
    assert seen.attachments == []


async def test_many_jobs_are_read_page_by_page(films: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mydata, "_PAGE", 2)
    many = [(await films.accepted(prompt=f"film {number}"))[0] for number in range(4)]
    found = whole(await asked(films, films.ada, "/mydata export"))
    assert [job["job"] for job in found["jobs"]] == [job.code for job in reversed(many)]


def test_what_is_too_much_for_one_file_goes_into_several_and_each_is_whole() -> None:
    parts = Parts({"who": "ada"}, 1000)
    jobs = [{"job": number, "prompt": "é" * 40} for number in range(12)]
    assert parts.add(jobs[:5])
    assert parts.add(jobs[5:])
    written = parts.files()
    assert all(len(data) <= 1000 for data in written)
    read = [json.loads(data) for data in written]
    assert [job for part in read for job in part["jobs"]] == jobs
    assert [part.get("about") for part in read] == [{"who": "ada"}] + [None] * (len(read) - 1)
    assert {part["of"] for part in read} == {len(read)}


def test_words_stand_in_the_file_as_they_were_typed() -> None:
    parts = Parts({"who": "ada"}, 400)
    parts.add(
        [{"job": 1, "prompt": "夜明けの舟" * 10}, {"job": 2, "prompt": "\ud800"}, {"job": 3, "prompt": "舟" * 80}]
    )
    written = parts.files()
    assert "夜明けの舟" in written[0].decode()
    assert all(len(data) <= 400 for data in written)
    assert [job["job"] for data in written for job in json.loads(data)["jobs"]] == [1, 2, 3]


async def test_many_files_come_in_several_messages(films: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [(await films.accepted(prompt=f"film {number} " + "x" * 300))[0] for number in range(7)]
    monkeypatch.setattr(mydata, "_MOST_BYTES", 1800)
    typed = films.make("/mydata export")
    first = await typed.answered()
    await films.settled()
    sent = [len(first.attachments), *(len(one.attachments) for one in typed.followups)]
    assert len(sent) > 1
    assert max(sent) <= 3
    files = [file for one in (first, *typed.followups) for file in one.attachments]
    found = [job["job"] for file in files for job in json.loads(file.data)["jobs"]]
    assert found == [job.code for job in reversed(jobs)]
    assert all(one.flags & EPHEMERAL for one in (first, *typed.followups))


def test_what_fits_no_file_is_counted() -> None:
    parts = Parts({}, 400)
    assert not parts.add({"job": number, "prompt": "x" * 200} for number in range(MOST_PARTS + 3))
    assert parts.left_out == 3
    assert len(parts.files()) == MOST_PARTS


def test_acts_of_others_tell_nobody_elses_number() -> None:
    act = Act(1, 2, 10**18, "odd", str(10**18 + 1), {"member": 5, "credits": 3, "note": "by 1000000000000000000"}, NOON)
    written = export.act_of(act, 5)
    assert written["by"] == "somebody else"
    assert written["credits"] == 3
    assert "note" not in written


# Deletion


async def test_words_and_files_go_the_sums_stay_and_the_links_die(films: Set) -> None:
    job = await posted(films, prompt="a secret", image=Upload("a.png", picture()))
    assert len(kept_files(films)) == 2
    spent = await films.ctx.database.read(ledger.spent_this_month, films.guild.id, films.ctx.now())
    seen = await asked(films, films.ada, "/mydata delete")
    for words in ("your **1 job** that is over", "can't be undone", "**What stays:**"):
        assert words in seen.text
    assert len(kept_files(films)) == 2
    answer = await pressed(films, films.ada, seen)
    assert "the words of **1 job** are gone for good.\n2 files are gone for good." in answer
    assert "the budgets are sums of them" in answer
    after = await films.job(job.id)
    assert (after.prompt, after.user_name, after.inputs, after.asked) == ("", "", (), {})
    assert (after.state, after.price, after.charged, after.user_id) == (State.SUCCEEDED, 40, 40, films.ada.id)
    assert kept_files(films) == []
    [output] = await films.ctx.database.read(outputs.of_job, job.id)
    assert (output.file, output.url) == (None, "")
    assert await films.ctx.database.read(ledger.spent_this_month, films.guild.id, films.ctx.now()) == spent
    assert "a secret" not in json.dumps(whole(await asked(films, films.ada, "/mydata export")))
    assert ("data deleted", None) in [(step, about) for step, about, _ in films.told]


async def test_a_job_that_was_silenced_is_still_drawn_listed_and_posted_nowhere_again(films: Set) -> None:
    await posted(films)
    await pressed(films, films.ada, await asked(films, films.ada, "/mydata delete"))
    assert "a video from words alone" in (await asked(films, films.ada, "/jobs")).text
    assert not await films.deliver()
    await films.edit_cards()
    assert len(films.results()) == 1


async def test_what_is_under_way_is_left_and_named(films: Set) -> None:
    await posted(films, prompt="the first")
    waiting = await ready(films, prompt="[not](https://evil.example) posted")
    going, _ = await films.accepted(prompt="the sea")
    seen = await asked(films, films.ada, "/mydata delete")
    answer = await pressed(films, films.ada, seen)
    for text in (seen.text, answer):
        assert "**2 jobs** not over yet stay as they are" in text
        assert f"the sea · {going.code}" in text
        assert "](https://evil" not in text
    assert (await films.job(going.id)).prompt == "the sea"
    assert await films.deliver()
    assert (await films.job(waiting.id)).prompt
    await films.happen(going, Event.CANCEL)
    again = await pressed(films, films.ada, await asked(films, films.ada, "/mydata delete"))
    assert "the words of **2 jobs** are gone for good.\n1 file is gone for good." in again
    assert "not over yet" not in again


async def test_nobody_elses_jobs_are_touched(films: Set) -> None:
    job, _ = await films.taken(films.ask(films.ben, prompt="ben's own"))
    await films.finished(job)
    assert await films.deliver()
    await posted(films)
    await pressed(films, films.ada, await asked(films, films.ada, "/mydata delete"))
    assert (await films.job(job.id)).prompt == "ben's own"
    assert kept_files(films) == [f"{job.code}-0.mp4"]


async def test_the_button_lives_on_after_a_restart(films: Set) -> None:
    job = await posted(films)
    seen = await asked(films, films.ada, "/mydata delete")
    await films.stop()
    await films.start()
    assert "gone for good" in await pressed(films, films.ada, seen)
    assert (await films.job(job.id)).prompt == ""


async def test_a_second_press_and_a_second_command_find_nothing_left(films: Set) -> None:
    await posted(films)
    seen = await asked(films, films.ada, "/mydata delete")
    button = seen.buttons[0].custom_id or ""
    first, second = (films.ada.press_custom_id(seen, button) for _ in range(2))
    texts = [(await first.answered()).text, (await second.answered()).text]
    await films.settled()
    assert sum("the words of **1 job**" in text for text in texts) == 1
    assert "There is nothing to delete" in await pressed(films, films.ada, seen)
    later = await asked(films, films.ada, "/mydata delete")
    assert "There is nothing to delete" in later.text
    assert later.buttons == []


async def test_another_person_another_server_and_forged_ids_are_refused_alike(films: Set) -> None:
    job = await posted(films)
    seen = await asked(films, films.ada, "/mydata delete")
    right = seen.buttons[0].custom_id or ""
    elsewhere = films.discord.add_guild("Elsewhere")
    lobby, again = elsewhere.add_channel("lobby"), elsewhere.add_member("ada", user=films.ada.user)
    own = await again.type(lobby, "/jobs", {}).answered()
    own.components = [{"type": 1, "id": 1, "components": [{"type": 2, "style": 1, "custom_id": right, "id": 2}]}]
    answers = {
        await pressed(films, films.ben, seen),
        await pressed(films, films.mod, seen),
        await pressed(films, again, own, right),
        await pressed(films, films.ben, seen, right.replace(str(films.guild.id), "1")),
        await pressed(films, films.ada, seen, f"mydata:{films.guild.id}:{films.ben.id}:delete"),
        await pressed(films, films.ada, seen, f"mydata:{films.guild.id}:x:delete"),
        await pressed(films, films.ada, seen, right + "x"),
    }
    [only] = answers
    assert REFUSED in only
    assert (await films.job(job.id)).prompt == "a boat at dawn"


async def test_a_press_that_is_not_on_the_message_is_refused(films: Set) -> None:
    job = await posted(films)
    seen = await asked(films, films.ada, "/jobs")
    answer = await films.ada.press_custom_id(seen, f"mydata:{films.guild.id}:{films.ada.id}:delete").answered()
    assert REFUSED in answer.text
    assert (await films.job(job.id)).prompt


async def test_a_database_that_does_not_store_is_told(films: Set, tmp_path: Path) -> None:
    await posted(films)
    seen = await asked(films, films.ada, "/mydata delete")
    broken(tmp_path)
    answer = await pressed(films, films.ada, seen)
    assert "can't store anything just now. Nothing was deleted." in answer
    assert len(kept_files(films)) == 1
    assert "can't look anything up just now" in (await asked(films, films.ada, "/mydata delete")).text


async def test_a_file_that_cannot_be_deleted_is_told(films: Set) -> None:
    job = await posted(films)
    [name] = kept_files(films)
    path = files.locate(films.ctx.media_dir, files.OUTPUTS, name)
    path.unlink()
    path.mkdir()  # whoever runs the tests may delete any file, but a folder is none
    answer = await pressed(films, films.ada, await asked(films, films.ada, "/mydata delete"))
    assert "1 file could not be deleted just now" in answer
    assert (await films.job(job.id)).prompt == ""
    path.rmdir()


async def test_a_parked_result_leaves_the_card_without_a_link(films: Set) -> None:
    job, card = await films.accepted()
    await films.finished(job)
    await films.ctx.database.write(deliveries.parked, job.id, "no permission")
    await pressed(films, films.ada, await asked(films, films.ada, "/mydata delete"))
    await films.edit_cards()
    assert "/media/" not in card.text
    assert "/media/" not in (await asked(films, films.ada, "/jobs")).text


async def test_an_answer_that_discord_does_not_take_deletes_all_the_same(films: Set) -> None:
    job = await posted(films)
    seen = await asked(films, films.ada, "/mydata delete")
    films.discord.faults.append(Fault("PATCH", "/webhooks/", status=400))
    films.ada.press(seen, "Delete for good")
    await films.until_told("data deleted")
    await films.settled()
    assert (await films.job(job.id)).prompt == ""


def test_every_text_fits_whatever_the_words() -> None:
    left = [a_job(number, prompt="@[*_" * 1250) for number in range(40)]
    for text in (mydata.question(10**6, left), mydata.answer(10**6, 10**6, 3, left), mydata.question(0, left)):
        assert len(text) < 4096
        assert "- and 35 more" in text


def test_the_question_counts_in_good_english() -> None:
    assert "your **1 job** that is over" in mydata.question(1, [])
    assert "your **1,000 jobs** that are over" in mydata.question(1000, [])
