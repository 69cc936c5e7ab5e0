"""The sentences a member reads when something does not apply: what is wrong, and what would be right."""

import pytest

from bot import key_texts, problems, refusals, shots
from bot.labels import label, made, several
from bot.language import speaking
from jobs.intake import Hindered
from jobs.own_keys import Flaw, Put, Tried, Verdict
from providers.orders import Operation, Problem, Role, Rule
from storage.words import Limit, LimitKind, Period, Scope
from tests.bot.test_choices import VENDORS
from tests.bot.test_messages import job_with

BOTTOM, TOP = "0,0", "639,479"


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (
            Problem("style", Rule.NOT_OFFERED, "viduq3-pro", ("viduq1",)),
            "viduq3-pro does not take the style at Acme. Models that take it: viduq1.",
        ),
        (
            Problem("bgm", Rule.NOT_OFFERED, Operation.TEXT_TO_VIDEO),
            "Acme does not let you choose background music here. Leave it out.",
        ),
        (
            Problem(Role.LAST_FRAME, Rule.NOT_OFFERED, "reference_to_video"),
            "Acme takes no such file here: the last frame. Leave it out, or choose another provider or model.",
        ),
        (
            Problem("operation", Rule.NOT_OFFERED, "avatar"),
            "Acme can't make a talking face. Choose another provider or model.",
        ),
        (Problem(Role.FACE, Rule.REQUIRED), "Acme needs the face for this. Attach it and try again."),
        (
            Problem(Role.AUDIO, Rule.REQUIRED),
            "Acme needs something to be heard: attach an `audio`, or type a `text` where there is one.",
        ),
        (Problem("text", Rule.REQUIRED), "Acme needs the text to say for this. Fill in `text`."),
        (
            Problem("camera_type", Rule.REQUIRED),
            "Acme needs the camera's movement for this. Set it in the form that `advanced: True` opens.",
        ),
        (
            Problem(Role.REFERENCE, Rule.TOO_MANY, "9", limit=7),
            "Acme takes at most 7 reference pictures; you gave 9.",
        ),
        (Problem("voice_list", Rule.TOO_MANY, "3", limit=2), "Acme takes at most 2 voices; you gave 3."),
        (
            Problem(Role.WATERMARK, Rule.TOO_MANY, "2", limit=1),
            "Acme takes only one file as the watermark's picture. Leave the others out.",
        ),
        (
            Problem("wm_position", Rule.NOT_TOGETHER, "watermark: no"),
            "The watermark's place is of no use without the watermark. Set `watermark` to yes too, or leave it out.",
        ),
        (
            Problem("audio", Rule.NOT_OFFERED, "no"),
            "Acme can't switch the sound off here. Leave `audio` out, or choose another provider or model.",
        ),
        (
            Problem("voice_id", Rule.NOT_TOGETHER, "audio: no"),
            "The voice is of no use without sound. Set `audio` to True too, or leave it out.",
        ),
        (
            Problem("prompt", Rule.NOT_TOGETHER, "is_rec"),
            "The prompt does not go together with a recommended prompt at Acme. Leave one of them out.",
        ),
        (
            Problem("bgm", Rule.NOT_TOGETHER, "duration: 9"),
            "Background music does not go together with `duration: 9` at Acme. Leave one of them out.",
        ),
        (
            Problem(Role.LAST_FRAME, Rule.NOT_TOGETHER, Role.FIRST_FRAME, ("0.8", "1.25")),
            (
                "The last frame and the image must be about the same size at Acme: "
                "0.8 to 1.25 times as many pixels. Crop or scale one of them."
            ),
        ),
        (
            Problem(Role.DYNAMIC_MASK, Rule.NOT_TOGETHER, Role.STATIC_MASK, ("640x480",)),
            "A dynamic mask must have the same size as the static mask at Acme: 640x480.",
        ),
        (
            Problem("strokes", Rule.ONE_OF, "700,9", (BOTTOM, TOP), "639,9"),
            "A stroke leaves the image at 700,9. Points go from 0,0 (bottom left) to 639,479 (top right).",
        ),
        (Problem("strokes", Rule.ONE_OF, "1", ("2-77",), "2"), "A stroke has 1 point; Acme takes 2 to 77."),
        (
            Problem("strokes", Rule.NOT_READ, "a,b", ("1,2 3,4",)),
            "The strokes can't be understood at “a,b”. Write it like this: `1,2 3,4`.",
        ),
        (
            Problem("cfg_scale", Rule.ONE_OF, "7", ("0-1",), "1"),
            "The closeness to the prompt can't be 7 at Acme. Possible: 0 to 1. Closest: **1**.",
        ),
        (
            Problem(Role.MOTION, Rule.FILE_SECONDS, "", ("3", "30")),
            "The video to move like does not tell how long it is; Acme takes 3 to 30 s. Save it anew and try again.",
        ),
        (
            Problem(Role.MOTION, Rule.FILE_SECONDS, "31.5", ("3", "30")),
            "The video to move like is 31.5 s long; Acme takes 3 to 30 s. Cut it and try again.",
        ),
        (
            Problem(Role.MOTION, Rule.FILE_PIXELS, "64x48", ("340", "3850"), limit=340),
            "The video to move like has 64x48 pixels; at Acme each side needs 340 to 3,850.",
        ),
        (
            Problem(Role.AUDIO, Rule.FILE_FORMAT, "audio/aac", ("audio/mpeg", "audio/wav")),
            "The audio file is in AAC format; Acme takes MP3 or WAV.",
        ),
        (
            Problem("next_years_choice", Rule.ONE_OF, "x", ("a", "b")),
            "`next\\_years\\_choice` can't be x at Acme. Possible: a, b.",
        ),
    ],
)
def test_each_sentence_says_what_would_be_right(problem: Problem, text: str) -> None:
    assert problems.problem_text(problem, "Acme") == text


def test_where_nobody_can_do_it_no_other_provider_is_advised() -> None:
    text = refusals.refused([Problem("operation", Rule.NOT_OFFERED, "avatar")], None)
    assert text == f"No provider that is set up here can make a talking face.\n{refusals.nothing_spent()}"


def test_everything_of_the_contract_and_of_every_vendor_has_a_name_for_people() -> None:
    extras = {extra.name for one in VENDORS.values() for kind in one.operations() for extra in one.extras(kind)}
    assert not [name for name in (*Role, *extras) if label(name).startswith("`")]
    assert not [kind for kind in Operation if made(kind) == "that"]
    assert several(Role.REFERENCE) == "reference pictures"


def test_files_are_told_from_options_of_the_same_name() -> None:
    assert (label(Role.AUDIO), label("audio")) == ("the audio file", "sound")
    assert (label(Role.WATERMARK), label("watermark")) == ("the watermark's picture", "the watermark")


@pytest.mark.parametrize("spoken", ["ja", "zh-CN"])
def test_sentences_follow_a_wide_full_stop_without_a_space(spoken: str) -> None:
    with speaking(spoken):
        texts = [
            refusals.line_not_read("x", ["a"]),
            refusals.no_such_choice("x", ["a"]),
            refusals.no_such_provider("x", ["Acme"]),
            refusals.no_such_provider("x", []),
            *(refusals.hindered(Hindered(40, Limit(LimitKind.BUDGET, scope, Period.DAY, 9, 1, 5))) for scope in Scope),
            *(key_texts.flawed(flaw) for flaw in Flaw),
            *(key_texts.stored("Acme", Put(still_running=2), Tried(verdict, http=500)) for verdict in Verdict),
            *(
                problems.problem_text(Problem(field, Rule.NOT_OFFERED, given, ("m",)), "Acme")
                for field, given in (("audio", "no"), ("audio", "m"), ("style", "m"))
            ),
            shots.waits(None, Operation.EDIT_SHOT, job_with(operation="edit_shot")),
            shots.waits(None, Operation.COMPOSE_SHOTS, job_with(operation="compose_shots")),
        ]
    for text in texts:
        assert "。" in text
        assert "。 " not in text
