"""The bad input, kind by kind: what is sent, what may be answered, and what it may leave behind (nothing, mostly).

Each kind makes requests without end from a generator of numbers, so that a seed names them all. A kind whose requests
a server may have to hang up on is sent last on its connection.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from tests.attack import shapes, signed
from tests.attack.aims import Aims

Make = Callable[[Random, Aims, int], bytes]  # the number is that of the kind: its jobs are its own


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of attack."""

    name: str
    threats: str  # its rows of THREAT_MODEL.md
    make: Make
    answers: frozenset[int]  # what may be answered; 0: hanging up without a word
    closes: bool = False  # the connection may end with it
    rows: int = 0  # callbacks of each of its jobs that may be stored
    weight: int = 4


def _kinds() -> tuple[Kind, ...]:
    table: Mapping[str, tuple[str, Make, set[int]]] = {
        "guessed address": ("1", shapes.guessed, {404}),
        "address of another job, vendor or key": ("1", shapes.crossed, {404}),
        "address bent": ("9", shapes.bent, {404}),
        "address of a trial": ("1", shapes.trial, {404}),
        "nothing that proves anything": ("1", signed.unsigned, {401}),
        "guessed signature": ("1", signed.guessed, {401}),
        "signed with another key": ("1", signed.other_key, {401}),
        "signed for another job": ("8", signed.cross_job, {401}),
        "signed for another vendor": ("8", signed.cross_vendor, {401}),
        "signed body altered": ("3", signed.body_altered, {401}),
        "one byte altered": ("1", signed.byte_altered, {401, 404}),
        "fewer, other or more headers signed": ("4", signed.downgraded, {401}),
        "a header that counts, twice": ("5", signed.doubled, {401}),
        "a header that counts, under another name": ("6", signed.aliased, {401}),
        "another algorithm or key name": ("7", signed.confused, {401}),
        "dates that are none": ("14", signed.dateless, {401}),
        "Standard Webhooks, misread": ("4", signed.webhook_misread, {401}),
        "echoed secret, nearly": ("1", signed.echo_misread, {401}),
        "forwarding headers": ("10", signed.forwarded, {401}),
        "other methods": ("9", shapes.method, {405}),
        "compressed": ("13", shapes.compressed, {415}),
        "JSON that breaks parsers, unsigned": ("14", signed.hostile_unsigned, {401}),
        "JSON that breaks parsers, signed": ("14", signed.hostile_signed, {400}),
        "links to files, forged": ("21", shapes.media, {404}),
    }
    closing: Mapping[str, tuple[str, Make, set[int]]] = {
        "too large, said": ("12", shapes.large, {413, 400}),
        "too large, in chunks": ("12", shapes.large_chunks, {413}),
        "framing that can be read in two ways": ("9", shapes.framing, {400, 411, 413, 415}),
        "heads that break parsers": ("14", shapes.odd_head, {400, 401, 404}),
        "no HTTP at all": ("14", shapes.junk, {400, 404, 405, 0}),
    }
    # An authentic callback that is sent again or late: answered, so that its sender stops, and good for nothing.
    again: Mapping[str, tuple[str, Make, set[int], int]] = {
        "replayed": ("2", signed.replayed, {200}, len(signed.SEEN)),
        "replayed with another body": ("2, 3", signed.replayed_altered, {200}, len(signed.SEEN)),
        "authentic, but late or early": ("2", signed.late, {401}, signed.MOST_STALE),
    }
    return (
        *(Kind(name, threats, make, frozenset(answers)) for name, (threats, make, answers) in table.items()),
        *(
            Kind(name, threats, make, frozenset(answers), closes=True, weight=1)
            for name, (threats, make, answers) in closing.items()
        ),
        *(
            Kind(name, threats, make, frozenset(answers), rows=rows, weight=1)  # each may cost a transaction
            for name, (threats, make, answers, rows) in again.items()
        ),
    )


KINDS = _kinds()


def shares(count: int) -> list[int]:
    """Split a number of requests between the kinds by weight, one each at the least."""
    whole = sum(kind.weight for kind in KINDS)
    return [max(1, count * kind.weight // whole) for kind in KINDS]
