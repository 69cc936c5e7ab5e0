"""Changes of one music video that get in each other's way. Pure."""

from collections.abc import Iterable, Sequence

from providers.orders import Operation
from storage.words import Job


def in_the_way(operation: Operation, shots: Sequence[str], under_way: Iterable[Job]) -> Job | None:
    """Find the change under way that another one must wait for; None when it may begin.

    That is the same once more, with whatever prompt, and a new version of a shot that is to be put together: the old
    one would be taken, and paid for. `shots` are the vendor's ids, in order; `under_way` the changes of the same video.
    """
    for other in under_way:
        theirs = list(other.options.get("shots", []))
        same = other.operation == operation and theirs == list(shots)
        renewed = operation is Operation.COMPOSE_SHOTS and other.operation == Operation.EDIT_SHOT
        if same or (renewed and not set(theirs).isdisjoint(shots)):
            return other
    return None
