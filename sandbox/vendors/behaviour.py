"""How a stand-in behaves from now on: the switchboard of faults, of Python tests and of `PUT /_control/behaviour`."""

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, cast, get_args

Callbacks = Literal[
    "normal", "none", "only_final", "double", "hundred", "final_first", "before_answer", "late", "garbage"
]
Outcome = Literal["success", "failed", "success_without_outputs"]
SubmitFault = Literal[
    "throttle",
    "error500",
    "html",
    "cut_after_accept",
    "cut_before_accept",
    "garbage_answer",
    "out_of_credit",
    "hang",
    "none",
]
QueryFault = Literal["throttle", "error500", "html", "cut", "hang", "none"]
FileFault = Literal["404", "truncated", "html", "none"]
Cancel = Literal["confirm", "too_late"]
RetryHeaders = Literal["fresh", "same"]
QueryPath = Literal["creations", "videos", "tasks"]


@dataclass(slots=True)
class Behaviour:
    """What a stand-in does with the next requests; change a field or put another one in its place at any time."""

    callbacks: Callbacks = "normal"
    late_by: float = 1.0  # seconds before each callback, with callbacks="late"
    retries: int | None = None  # repeats of a refused final callback; None: as the vendor documents
    retry_every: float = 0.2  # seconds between those repeats
    retry_headers: RetryHeaders = "fresh"  # no vendor says whether a repeat is signed anew
    outcome: Outcome = "success"
    err_code: str = ""  # the word of a failure; "": a content refusal in the vendor's own word
    submit_faults: list[SubmitFault] = field(default_factory=list[SubmitFault])  # one is consumed by each submit
    query_faults: list[QueryFault] = field(default_factory=list[QueryFault])  # one by each query or list
    file_faults: list[FileFault] = field(default_factory=list[FileFault])  # one by each file request
    retry_after: int = 1  # seconds, the Retry-After of a throttled answer
    cancel: Cancel = "confirm"  # "confirm" still refuses a task that has started, as documented
    hold: bool = False  # tasks stay in their first state until released
    slow_file: float = 0.0  # seconds between the pieces of a file
    link_life: float | None = None  # seconds a result address lives; None: as the vendor documents
    credits_left: float = 100_000.0  # the account's credits or units
    parallel: int | None = None  # tasks running at once: Kling refuses more, the others queue them
    query_path: QueryPath = "creations"  # which of powertokens' three contradictory query addresses is the real one
    forwarded_id: bool = False  # a reseller's callbacks carry the id at Vidu instead of the reseller's own


CHOICES: dict[str, tuple[str, ...]] = {
    "callbacks": get_args(Callbacks),
    "outcome": get_args(Outcome),
    "cancel": get_args(Cancel),
    "retry_headers": get_args(RetryHeaders),
    "query_path": get_args(QueryPath),
    "submit_faults": get_args(SubmitFault),
    "query_faults": get_args(QueryFault),
    "file_faults": get_args(FileFault),
}


def _fits(value: Any, default: Any) -> bool:
    if isinstance(default, bool | str | list):
        return type(value) is type(cast("object", default))
    return (value is None and default is None) or (isinstance(value, int | float) and not isinstance(value, bool))


def changed(behaviour: Behaviour, wanted: dict[str, Any]) -> Behaviour:
    """Return the behaviour with the wanted fields changed; raises ValueError for an unknown field or word."""
    known = {each.name for each in fields(Behaviour)}
    for name, value in wanted.items():
        if name not in known:
            raise ValueError(f"no such field: {name}")
        words = cast("list[Any]", value) if isinstance(value, list) else [value]
        for word in words:
            if name in CHOICES and word not in CHOICES[name]:
                raise ValueError(f"{name} must be one of {', '.join(CHOICES[name])}")
        if not _fits(value, getattr(Behaviour(), name)):
            raise ValueError(f"{name} is of another kind")
    return replace(behaviour, **wanted)
