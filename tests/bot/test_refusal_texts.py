"""Every refusal fits, says what would be right and that nothing was spent, and lets no stranger's words through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import problems, refusals
from jobs.attachments import Flaw
from jobs.intake import Hindered
from providers.orders import Problem, Rule
from storage.words import Limit, LimitKind, Period, Scope
from tests.bot.test_plain import ANY
from tests.samples_of import NOON

FIELDS = st.sampled_from(
    [
        "prompt",
        "model",
        "duration",
        "resolution",
        "aspect_ratio",
        "seed",
        "audio",
        "first_frame",
        "last_frame",
        "operation",
    ]
)
PROBLEMS = st.builds(
    Problem,
    field=FIELDS | ANY,
    rule=st.sampled_from(Rule),
    given=ANY,
    allowed=st.lists(st.sampled_from(["16:9", "1", "2", "3", "image/png"]), max_size=40).map(tuple),
    nearest=st.none() | ANY,
    limit=st.none() | st.integers(0, 2**60),
)


@given(st.lists(PROBLEMS, min_size=1, max_size=30), st.none() | st.just("Acme"))
def test_every_refusal_fits_and_is_safe(wrong: list[Problem], title: str | None) -> None:
    text = refusals.refused(wrong, title)
    assert len(text) <= 4096
    assert "@everyone" not in text
    assert text.endswith(refusals.nothing_spent())
    assert len(text.splitlines()) <= 7


@pytest.mark.parametrize("rule", list(Rule))
@pytest.mark.parametrize("field", ["prompt", "duration", "first_frame", "audio", "operation"])
def test_every_rule_has_its_sentence(rule: Rule, field: str) -> None:
    text = problems.problem_text(Problem(field, rule, "12", ("5", "10"), "10", 7), "Acme")
    assert text[0].isupper() or text.startswith("12")
    assert text.endswith(".")


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (
            Problem("duration", Rule.ONE_OF, "20", tuple(str(n) for n in range(1, 17)), "16"),
            "The duration can't be 20 s at Acme. Possible: 1 to 16 s. Closest: **16 s**.",
        ),
        (
            Problem("resolution", Rule.ONE_OF, "4k", ("720p", "1080p"), "1080p"),
            "The resolution can't be 4k at Acme. Possible: 720p, 1080p. Closest: **1080p**.",
        ),
        (
            Problem("prompt", Rule.TOO_LONG, "6000", limit=5000),
            "The prompt has 6,000 characters; at most 5,000 are taken.",
        ),
        (
            Problem("first_frame", Rule.FILE_BYTES, "12500000", limit=10_000_000),
            "The image has 12.5 MB; Acme takes at most 10 MB.",
        ),
        (
            Problem("last_frame", Rule.FILE_FORMAT, "image/webp", ("image/png", "image/jpeg")),
            "The last frame is in WebP format; Acme takes PNG or JPEG.",
        ),
        (
            Problem("seed", Rule.NOT_OFFERED, "7"),
            "Acme does not let you choose the seed here. Leave it out.",
        ),
    ],
)
def test_refusals_say_what_would_be_right(problem: Problem, text: str) -> None:
    assert problems.problem_text(problem, "Acme") == text


@given(ANY)
def test_a_provider_that_is_not_here_cannot_speak_through_the_refusal(given_name: str) -> None:
    text = refusals.no_such_provider(given_name, ["Acme"])
    assert "@everyone" not in text
    assert len(text.splitlines()) == 2


LIMITS = (
    Limit(LimitKind.BLOCKED),
    Limit(LimitKind.BLOCKED, until=NOON),
    Limit(LimitKind.RUNNING, most=1, used=1),
    Limit(LimitKind.RUNNING, most=3, used=5),
    Limit(LimitKind.COOLDOWN, most=90, until=NOON),
    *(Limit(LimitKind.BUDGET, scope, period, 50, 20, NOON) for scope in Scope for period in Period),
    Limit(LimitKind.BUDGET),
)


def test_every_flaw_and_trouble_says_that_nothing_was_spent() -> None:
    texts = [refusals.flawed("first_frame", flaw) for flaw in Flaw]
    texts += [
        *(refusals.hindered(Hindered(40, limit)) for limit in LIMITS),
        refusals.storage_trouble(),
        refusals.may_not_post(),
    ]
    assert all("Nothing was sent and nothing was spent." in text for text in texts)
