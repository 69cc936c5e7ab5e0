"""A job's number: when it was made and a part nobody can guess; and the code by which people and vendors see it."""

import re
import secrets

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u to misread
_CODE = re.compile(rf"[{_DIGITS}]{{13}}")  # 63 bits, five a digit
_SHIFTS = range(60, -1, -5)
_AS_PYTHON = str.maketrans(_DIGITS, "0123456789abcdefghijklmnopqrstuv")  # the digits of int(..., 32)
RANDOM_BITS = 21  # of a job's id; the rest is time


def new_job_id(now_ms: int) -> int:
    """Make an id that grows with time, so that rows are appended, and that nobody can guess by counting."""
    return (now_ms << RANDOM_BITS) | secrets.randbits(RANDOM_BITS)


def first_id_at(now_ms: int) -> int:
    """Tell the smallest id a job made at that moment may have."""
    return max(now_ms, 0) << RANDOM_BITS


def moment_of(job_id: int) -> int:
    """Tell when a job was made, in milliseconds, by its id."""
    return job_id >> RANDOM_BITS


def job_code(job_id: int) -> str:
    """Write a job's id as people and vendors see it: 13 characters."""
    return "".join([_DIGITS[(job_id >> shift) & 31] for shift in _SHIFTS])


def job_id_of(code: str) -> int | None:
    """Read a job's code; None when it is none."""
    if not _CODE.fullmatch(code):
        return None
    value = int(code.translate(_AS_PYTHON), 32)
    return value if value < 1 << 63 else None
