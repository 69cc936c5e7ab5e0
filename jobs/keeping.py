"""For how many days things are kept that nobody needs any more."""

from dataclasses import dataclass

LEAST_MEDIA = 8  # days: links to files are good for seven, and no job lives for four


@dataclass(frozen=True, slots=True)
class Keeping:
    """Days of what is over; 0: for ever."""

    words: int = 90  # prompts, names, what was typed, which files
    callbacks: int = 30  # their bodies, and the book of refused ones
    media: int = LEAST_MEDIA  # pictures and videos; never less than links are good for

    @property
    def files(self) -> int:
        """Say how long files are kept: no longer than what tells whose they are, unless a link may lead to them."""
        shortest = min((days for days in (self.media, self.words) if days), default=0)
        return max(shortest, LEAST_MEDIA) if shortest else 0
