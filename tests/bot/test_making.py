"""Every command that makes something, from Enter to a held job; and what does not apply, refused before it."""

import io
import wave
from typing import Any

import pytest

from bot.choices import of_files
from bot.files import MOST_TOGETHER
from providers.orders import Problem, Rule
from sandbox.discord import EPHEMERAL
from storage import jobs as job_facts
from storage.words import Job
from tests.bot.harness import Set, Upload, picture
from tests.bot.test_commands import refused
from tests.jobs.test_attachments import film


def recording(seconds: float = 1.0) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(int(16000 * seconds)))
    return out.getvalue()


@pytest.fixture(scope="module")
def dance(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return film(tmp_path_factory.mktemp("films") / "dance.mp4")


PNG = Upload("a.png", picture())


def roles(job: Job) -> list[str]:
    return [stored.role for stored in job.inputs]


async def test_references_keep_their_order(films: Set) -> None:
    given = {"image1": PNG, "image2": Upload("b", picture(200, 300)), "image7": Upload("c", picture(400, 400))}
    job, card = await films.taken(films.make("/reference", prompt="they meet", **given))
    assert (job.operation, roles(job)) == ("reference_to_video", ["reference"] * 3)
    assert [stored.width for stored in job.inputs] == [320, 200, 400]
    assert "they meet" in card.text


async def test_a_template_needs_no_prompt(films: Set) -> None:
    job, _ = await films.taken(films.make("/template", template_id="hugging", image1=PNG, duration=8))
    assert (job.operation, job.prompt, job.options["duration"]) == ("template_to_video", "", 8)
    assert job.options["extras"] == {"template_id": "hugging"}


async def test_a_picture_is_made_of_pictures(films: Set) -> None:
    job, _ = await films.taken(films.make("/image", prompt="a hat", image1=PNG, aspect_ratio="16:9"))
    assert (job.operation, job.model, job.options["aspect_ratio"]) == ("reference_to_image", "draw-1", "16:9")


async def test_a_picture_moves_like_a_video(films: Set, dance: bytes) -> None:
    options: dict[str, Any] = {"character_orientation": "image", "keep_original_sound": False}
    job, _ = await films.taken(films.make("/motion", image=PNG, video=Upload("d.txt", dance), **options))
    assert (job.operation, roles(job)) == ("motion_control", ["first_frame", "motion"])
    assert job.options["extras"] == options
    assert job.inputs[1].mime == "video/mp4"
    assert (films.ctx.media_dir / "inputs" / job.inputs[1].file).read_bytes() == dance


async def test_a_face_follows_a_recording_or_says_a_text(films: Set) -> None:
    sound = Upload("v.wav", recording(2))
    heard, _ = await films.taken(films.make("/avatar", image=PNG, audio=sound))
    said, _ = await films.taken(films.make("/avatar", image=PNG, text="hello"))
    assert (heard.operation, roles(heard), heard.inputs[1].seconds) == ("avatar", ["face", "audio"], 2.0)
    assert heard.options["extras"] == {}
    assert (roles(said), said.options["extras"]) == (["face"], {"text": "hello"})


async def test_a_brush_takes_masks_and_strokes(films: Set) -> None:
    masks = {"static_mask": PNG, "dynamic_mask1": PNG, "dynamic_mask2": PNG}
    job, _ = await films.taken(
        films.make("/brush", image=PNG, prompt="it flows", strokes="1,2 3,4; 10,10 40,80", **masks)
    )
    assert job.operation == "image_to_video"
    assert roles(job) == ["first_frame", "static_mask", "dynamic_mask", "dynamic_mask"]
    assert job.options["strokes"] == [[[1, 2], [3, 4]], [[10, 10], [40, 80]]]


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("/avatar", {"image": PNG}, ["needs the text to say", "`text`"]),
        ("/avatar", {"image": PNG, "text": "x" * 101}, ["101 characters", "100"]),
        ("/motion", {"character_orientation": "sideways"}, ["image, video"]),
        ("/brush", {"image": PNG, "prompt": "x", "strokes": "1,2 3"}, ["279,219 417,65; 10,10 40,80"]),
        ("/brush", {"image": PNG, "prompt": "x", "strokes": "1,2"}, ["Each dynamic mask needs a stroke"]),
        ("/brush", {"image": PNG, "prompt": "x", "dynamic_mask1": PNG}, ["Each dynamic mask needs a stroke"]),
        ("/reference", {"prompt": "x", "image1": PNG, "duration": 99}, ["99 s", "4, 8 s"]),
        ("/image", {"prompt": "x", "image1": PNG, "aspect_ratio": "2:1"}, ["1:1, 16:9"]),
        ("/video", {"prompt": "x", "provider": "nobody"}, ["no provider called nobody"]),
        ("/video", {}, ["needs a prompt"]),
    ],
)
async def test_what_does_not_apply_is_refused_at_once(
    films: Set, dance: bytes, command: str, options: dict[str, Any], words: list[str]
) -> None:
    if command == "/motion":
        options = {"image": PNG, "video": Upload("d.mp4", dance), **options}
    answer = await films.make(command, **options).answered()
    assert answer.flags & EPHEMERAL
    await refused(films, answer, *words)
    assert films.channel.messages == []


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("/motion", {"video": PNG}, ["not an MP4 or MOV video"]),
        ("/avatar", {"audio": PNG}, ["The audio file is not an MP3, WAV, AAC or M4A recording"]),
        ("/avatar", {"audio": Upload("v.wav", recording(61))}, ["61.0 s long", "0.1 to 60 s"]),
        ("/avatar", {"image": Upload("v.png", recording()), "text": "x"}, ["The face is not a PNG"]),
    ],
)
async def test_a_file_of_the_wrong_kind_is_refused_with_what_is_needed(
    films: Set, command: str, options: dict[str, Any], words: list[str]
) -> None:
    needed = {"character_orientation": "image"} if command == "/motion" else {}
    answer = await films.make(command, **{"image": PNG, **needed, **options}).answered()
    assert not answer.flags & EPHEMERAL
    await refused(films, answer, *words)


async def test_files_too_large_are_not_even_fetched(films: Set) -> None:
    films.ada.upload_limit = 200 * 2**20
    large = Upload("s.wav", bytes(100 * 10**6 + 1))
    answer = await films.make("/avatar", image=PNG, audio=large).answered()
    await refused(films, answer, "The audio file is larger than 100 MB")
    many = {f"image{n}": Upload("a.png", bytes(45 * 2**20)) for n in range(1, 6)}
    answer = await films.make("/reference", prompt="x", **many).answered()
    await refused(films, answer, f"together are larger than {MOST_TOGETHER // 2**20} MB")
    assert "pictures read" not in films.steps()


async def test_a_model_nobody_knows_passes_with_a_warning_on_its_card(films: Set) -> None:
    job, card = await films.accepted(model="brand-new", duration=7)
    assert (job.model, job.options["duration"]) == ("brand-new", 7)
    assert "brand-new is not in my list for Acme" in card.text


async def test_further_options_are_suggested_from_the_vendors_lists(films: Set) -> None:
    typed = {"image": "1", "video": "2"}
    offers = await films.ada.autocomplete(films.channel, "/motion", typed, "character_orientation")
    assert [offer["value"] for offer in offers] == ["image", "video"]
    offers = await films.ada.autocomplete(films.channel, "/reference", {"prompt": "x"}, "duration")
    assert [offer["value"] for offer in offers] == [4, 8]
    offers = await films.ada.autocomplete(films.channel, "/image", {"prompt": "x"}, "aspect_ratio")
    assert [offer["value"] for offer in offers] == ["1:1", "16:9"]


async def test_a_refusal_names_models_that_would_take_it_as_it_is(films: Set) -> None:
    answer = await films.ask(model="fast-1", duration=8).answered()
    await refused(films, answer, "8 s", "It works as it is with slow-1 at Acme.")
    answer = await films.ask(duration=3).answered()
    await refused(films, answer, "4, 8 s")
    assert "works as it is" not in answer.text
    answer = await films.ask(image=Upload("a.webp", picture(form="WEBP"))).answered()
    await refused(films, answer, "WebP")
    assert "works as it is" not in answer.text


def test_a_point_outside_of_a_picture_nobody_has_seen_yet_is_not_judged() -> None:
    far = Problem("strokes", Rule.ONE_OF, "9000,1", ("0,0", "1023,1023"))
    assert of_files(far)
    assert not of_files(Problem("duration", Rule.ONE_OF, "9"))


async def test_two_members_at_once_get_what_each_asked_for(films: Set) -> None:
    first = films.make("/reference", films.ada, prompt="one", image1=PNG)
    second = films.make("/template", films.ben, template_id="two", image1=PNG)
    (one, _), (two, _) = await films.taken(first), await films.taken(second)
    assert (one.user_name, one.operation, one.prompt) == ("Ada", "reference_to_video", "one")
    assert (two.user_name, two.operation) == ("Ben", "template_to_video")
    assert await films.ctx.database.read(job_facts.count_by_state) == {"queued": 2}
