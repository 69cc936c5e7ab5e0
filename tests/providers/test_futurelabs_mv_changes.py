"""Changes of a music video: how they are asked for, under which ids, and how their results are found."""

import aiohttp
import pytest

from providers.contract import ErrorKind, Progress, ProviderError, Reason, Submission, Task
from providers.futurelabs import Futurelabs
from providers.orders import Order, Rule
from tests.providers.futurelabs_music import (
    COMPOSE,
    EDIT,
    EDITED,
    FILM,
    FIRST,
    NEW,
    SECOND,
    SONG,
    Ask,
    asking,
    compose,
    customer,
    edit,
    faces,
    send,
    wrong,
)
from tests.providers.lab import Vendor, reply, sample
from tests.providers.orders import CALLBACK


@pytest.fixture
async def futurelabs(vendor: Vendor, session: aiohttp.ClientSession) -> Futurelabs:
    return customer(vendor, session)


@pytest.fixture
def ask(futurelabs: Futurelabs, vendor: Vendor) -> Ask:
    return asking(futurelabs, vendor)


def answering(vendor: Vendor, *answers: object) -> None:
    """Show a film that is as it was made, then answer each change."""
    film = reply(200, sample("futurelabs/mv_success.json"))
    vendor.answers = [each for answer in answers for each in (film, reply(200, answer))]


async def test_a_change_is_asked_of_its_music_video_and_its_id_holds_both(
    futurelabs: Futurelabs, vendor: Vendor
) -> None:
    answering(vendor, *[sample("futurelabs/mv_change_accepted.json")] * 2)
    assert await send(futurelabs, edit()) == EDITED
    assert [request.method for request in vendor.requests] == ["GET", "POST"]
    assert vendor.last.path == f"/ai/avu/one-click/mv/{FILM}/edit"
    assert vendor.last.json == {"job_id": FIRST, "prompt": "a lamp goes out", "callback_url": CALLBACK}
    assert await send(futurelabs, compose()) == f"{FILM}:compose:{NEW}:job-1"
    assert vendor.last.path == f"/ai/avu/one-click/mv/{FILM}/compose"
    assert vendor.last.json == {"job_ids": [SECOND, FIRST], "callback_url": CALLBACK}


@pytest.mark.parametrize("answered", [FILM, FIRST, SECOND, "930000000000000021"])
async def test_an_answer_that_names_what_was_there_before_stands_for_what_follows_it(
    futurelabs: Futurelabs, vendor: Vendor, answered: str
) -> None:
    answering(vendor, *[{"id": answered}] * 2)
    assert await send(futurelabs, edit()) == f"{FILM}:{FIRST}:~{FIRST}:job-1"
    assert await send(futurelabs, compose()) == f"{FILM}:compose:~930000000000000021:job-1"
    vendor.answers = [reply(200, sample("futurelabs/mv_long.json")), reply(200, {"id": answered})]
    if answered != "930000000000000021":
        assert await send(futurelabs, compose()) == f"{FILM}:compose:~:job-1"


async def test_two_changes_answered_alike_have_ids_of_their_own(futurelabs: Futurelabs, vendor: Vendor) -> None:
    answering(vendor, {"id": FILM}, {"id": FILM})
    orders = [Submission(futurelabs.fill(compose()), reference, CALLBACK) for reference in ("job-1", "job-2")]
    assert len({(await futurelabs.submit(each)).task_id for each in orders}) == 2


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(502, b""), ErrorKind.NOT_SENT),
        (reply(200, {"id": FILM}), ErrorKind.NOT_SENT),
        (reply(429, {}), ErrorKind.THROTTLED),
        (reply(404, {}), ErrorKind.REJECTED),
    ],
)
async def test_nothing_is_changed_while_what_was_there_before_is_not_known(
    futurelabs: Futurelabs, vendor: Vendor, answer: bytes, kind: ErrorKind
) -> None:
    vendor.answers = [answer]
    with pytest.raises(ProviderError) as caught:
        await send(futurelabs, compose())
    assert caught.value.kind is kind
    assert {request.method for request in vendor.requests} == {"GET"}


async def test_an_id_that_would_be_too_long_or_could_not_be_read_back_stays_bare(
    futurelabs: Futurelabs, vendor: Vendor
) -> None:
    answering(vendor, *[{"id": "n" * 57}] * 3)
    assert await send(futurelabs, edit(parent="m" * 57, shots=("s" * 7,))) == "n" * 57
    assert len(await send(futurelabs, edit(parent="m" * 57, shots=("s" * 6,)))) == 128
    assert await send(futurelabs, edit(parent="a:b")) == "n" * 57


async def test_an_old_id_is_never_kept_alone(futurelabs: Futurelabs, vendor: Vendor) -> None:
    answering(vendor, {"id": "m" * 120})
    assert await send(futurelabs, edit(parent="m" * 120)) == "job-1"


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        (edit(prompt=""), ("prompt", Rule.REQUIRED)),
        (edit(prompt="x" * 3001), ("prompt", Rule.TOO_LONG)),
        (edit(shots=()), ("shots", Rule.REQUIRED)),
        (edit(parent=""), ("shots", Rule.REQUIRED)),
        (edit(shots=(FIRST, SECOND)), ("shots", Rule.TOO_MANY)),
        (compose(shots=()), ("shots", Rule.REQUIRED)),
        (compose(aspect_ratio="1:1"), ("aspect_ratio", Rule.NOT_OFFERED)),
        (compose(pictures=faces(1)), ("reference", Rule.NOT_OFFERED)),
        (edit(clips=(SONG,)), ("audio", Rule.NOT_OFFERED)),
        (edit(extras={"lip_sync": True}), ("lip_sync", Rule.NOT_OFFERED)),
    ],
)
def test_what_a_change_needs_or_cannot_take_is_named(
    futurelabs: Futurelabs, order: Order, problem: tuple[str, Rule]
) -> None:
    assert wrong(futurelabs, order) == [problem]


async def test_a_change_of_nothing_is_never_sent(futurelabs: Futurelabs, vendor: Vendor) -> None:
    assert wrong(futurelabs, edit()) == wrong(futurelabs, compose()) == []
    for order in (edit(shots=()), compose(parent="")):
        with pytest.raises(ProviderError) as caught:
            await send(futurelabs, order)
        assert caught.value.kind is ErrorKind.NOT_SENT
    assert vendor.connections == 0


async def test_an_edited_shot_is_found_by_the_answered_id(ask: Ask, vendor: Vendor) -> None:
    status = await ask(EDITED, EDIT, sample("futurelabs/mv_edited.json"))
    assert [request.path for request in vendor.requests] == [f"/ai/avu/one-click/mv/{FILM}"]
    assert (status.task_id, status.progress) == (EDITED, Progress.SUCCEEDED)
    assert [output.url for output in status.outputs] == ["https://files.example/shot-0-new.mp4?sig=4"]
    assert [(shot.id, shot.origin) for shot in status.shots] == [(NEW, FIRST), (SECOND, SECOND)]
    assert status.created_at is None  # that of the music video would be older than the change


async def test_a_shot_whose_new_version_failed_stays_what_it_was(ask: Ask) -> None:
    status = await ask(f"{FILM}:{SECOND}:930000000000000032:job-1", EDIT, sample("futurelabs/mv_edited.json"))
    assert (status.progress, status.reason) == (Progress.FAILED, Reason.CONTENT)
    assert status.detail == "CreationPolicyViolation not allowed"
    second = status.shots[1]
    assert (second.id, second.progress) == (SECOND, Progress.SUCCEEDED)
    assert second.url == "https://files.example/shot-1.mp4?sig=2"


async def test_where_the_answer_named_something_old_the_next_version_is_the_change(ask: Ask, vendor: Vendor) -> None:
    edited = sample("futurelabs/mv_edited.json")
    status = await ask(f"{FILM}:{FIRST}:~{FIRST}:job-1", EDIT, edited)
    assert [output.url for output in status.outputs] == ["https://files.example/shot-0-new.mp4?sig=4"]
    status = await ask(f"{FILM}:{SECOND}:~{SECOND}:job-1", EDIT, edited)
    assert (status.progress, status.reason) == (Progress.FAILED, Reason.CONTENT)
    status = await ask(f"{FILM}:compose:~930000000000000021:job-1", COMPOSE, edited)
    assert [output.url for output in status.outputs] == ["https://files.example/composed-2.mp4?sig=5"]
    status = await ask(f"{FILM}:compose:~:job-2", COMPOSE, edited)  # and not what was made after it
    assert [output.url for output in status.outputs] == ["https://files.example/composed-1.mp4?sig=3"]
    assert {request.path for request in vendor.requests} == {f"/ai/avu/one-click/mv/{FILM}"}


async def test_where_times_are_told_they_say_what_follows(ask: Ask) -> None:
    edited = sample("futurelabs/mv_edited.json")
    films = edited["job_records"][2]["jobs"]
    films[0]["created_at"], films[1]["created_at"] = "2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z"
    status = await ask(f"{FILM}:compose:~930000000000000022:job-1", COMPOSE, edited)
    assert [output.url for output in status.outputs] == ["https://files.example/composed-1.mp4?sig=3"]


async def test_what_was_there_before_a_change_is_never_taken_for_it(ask: Ask) -> None:
    status = await ask(f"{FILM}:{FIRST}:~{FIRST}:job-1", EDIT, sample("futurelabs/mv_success.json"))
    assert (status.progress, status.outputs) == (Progress.WAITING, ())
    status = await ask(f"{FILM}:{FIRST}:~{NEW}:job-1", EDIT, sample("futurelabs/mv_edited.json"))
    assert (status.progress, status.outputs) == (Progress.WAITING, ())
    status = await ask(f"{FILM}:compose:~930000000000000021:job-1", COMPOSE, sample("futurelabs/mv_success.json"))
    assert (status.progress, status.outputs) == (Progress.WAITING, ())
    assert [shot.id for shot in status.shots] == [FIRST, SECOND]
    status = await ask(f"{FILM}:compose:~gone:job-1", COMPOSE, sample("futurelabs/mv_edited.json"))
    assert status.progress is Progress.WAITING
    status = await ask(FILM, EDIT, sample("futurelabs/mv_edited.json"))  # which shot, nobody knows
    assert status.progress is Progress.WAITING


async def test_a_change_that_is_not_listed_is_asked_for_by_itself(ask: Ask, vendor: Vendor) -> None:
    film, part = sample("futurelabs/mv_success.json"), sample("futurelabs/mv_part.json")
    status = await ask(EDITED, EDIT, film, part)
    assert [request.path for request in vendor.requests] == [
        f"/ai/avu/one-click/mv/{FILM}",
        f"/ai/avu/one-click/mv/{NEW}",
    ]
    assert (status.task_id, status.progress) == (EDITED, Progress.SUCCEEDED)
    assert [output.url for output in status.outputs] == ["https://files.example/shot-0-new.mp4?sig=4"]
    assert [shot.id for shot in status.shots] == [FIRST, SECOND]


async def test_a_change_that_nobody_knows_yet_is_waited_for(futurelabs: Futurelabs, vendor: Vendor) -> None:
    vendor.answers = [reply(200, sample("futurelabs/mv_success.json")), reply(404, {"message": "?"})]
    status = await futurelabs.query(Task(EDITED, EDIT, "job-1"))
    assert (status.task_id, status.progress, status.outputs) == (EDITED, Progress.WAITING, ())
    vendor.answers = [reply(200, sample("futurelabs/mv_success.json")), reply(502, b"")]
    with pytest.raises(ProviderError) as caught:
        await futurelabs.query(Task(EDITED, EDIT, "job-1"))
    assert caught.value.kind is ErrorKind.UNKNOWN


@pytest.mark.parametrize("answer", ["futurelabs/mv_edited.json", "futurelabs/mv_part.json"])
async def test_a_bare_id_is_judged_by_what_comes_back(ask: Ask, vendor: Vendor, answer: str) -> None:
    status = await ask(NEW, EDIT, sample(answer))
    assert vendor.last.path == f"/ai/avu/one-click/mv/{NEW}"
    assert (status.task_id, status.progress) == (NEW, Progress.SUCCEEDED)
    assert [output.url for output in status.outputs] == ["https://files.example/shot-0-new.mp4?sig=4"]
