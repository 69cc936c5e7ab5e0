"""A short attack is refused whole, and its counts do fail when nothing is verified."""

import asyncio
from collections.abc import Iterator
from random import Random

import pytest

from tests.attack import gun, outbound, slow
from tests.attack.__main__ import CLOCK, judge_answers, judge_doors, target
from tests.attack.aims import Aims
from tests.attack.corpus import KINDS, shares
from tests.attack.gun import Tally
from tests.attack.outbound import Door

COUNT = 1500


@pytest.fixture(scope="module")
def aims() -> Aims:
    return Aims()


def test_a_short_attack_is_refused_whole_and_authentic_callbacks_are_answered_beside_slow_ones(aims: Aims) -> None:
    with target() as aim:
        tally = asyncio.run(gun.fire(aim.port, aims, COUNT, seed=7))
        held = asyncio.run(slow.hold(aim.port, aims, connections=60, seconds=0.5))
        _, wrong = judge_answers(tally, aim.rows(aims))
        assert aim.look().rss_mb > 0
    assert wrong == []
    assert tally.sent == sum(shares(COUNT))
    assert held.answered >= 1
    assert held.refused == 0
    assert held.least > 0


def test_with_verification_switched_off_the_counts_fail(aims: Aims) -> None:
    with target(trusting=True) as aim:
        tally = asyncio.run(gun.fire(aim.port, aims, COUNT, seed=7))
        _, wrong = judge_answers(tally, aim.rows(aims))
    accepted = [kind.name for number, kind in enumerate(KINDS) if tally.answers[number][200]]
    unverified = {"guessed signature", "signed for another job", "one byte altered", "another algorithm or key name"}
    assert unverified <= set(accepted)
    assert {line.partition(":")[0] for line in wrong} >= unverified


def test_what_holds_the_counts_is_named(aims: Aims) -> None:
    tally, rows = Tally(), [0] * len(KINDS)
    assert judge_answers(tally, rows)[1] == []
    tally.answers[0][500] += 1
    tally.silent += 1
    rows[4] = 1
    said = " ".join(judge_answers(tally, rows)[1])
    assert "500" in said
    assert "neither answered nor closed" in said
    assert f"{KINDS[4].name}: 0 accepted, 1 stored" in said


def test_a_seed_names_an_attack(aims: Aims) -> None:
    def made(seed: int) -> Iterator[int]:
        for row in gun._rows(Random(seed), aims, 300):  # pyright: ignore[reportPrivateUsage] -- what is sent, unsent
            yield from (number for number, _ in row)

    assert [*made(3)] == [*made(3)]
    assert [*made(3)] != [*made(4)]
    assert {*made(3)} == set(range(len(KINDS)))


async def test_no_hostile_address_is_dialled_at_any_door() -> None:
    doors = await outbound.knock()
    assert judge_doors(doors)[1] == []
    assert all(door.tried >= 60 for door in doors)
    assert len({door.name for door in doors}) == 4


def test_a_door_that_lets_one_through_is_named() -> None:
    said = judge_doors([Door("a", tried=60), Door("b", tried=60, dialled=1), Door("c", tried=60, fetched=1)])[1]
    assert len(said) == 2
    assert not any(line.startswith(CLOCK) for line in said)
