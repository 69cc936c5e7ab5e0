"""An order on its way through the database: what is typed, what is sent, and the files that belong to it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from jobs import files
from jobs.context import Context
from providers.orders import Clip, Operation, Order, Picture, Role
from storage.words import Job, Output, StoredInput

_MOST_INLINE_AUDIO = 20_000_000  # bytes; what any vendor takes in the body of a request
_PICTURES = ("image/png", "image/jpeg", "image/webp")


def options_of(order: Order) -> dict[str, Any]:
    """Write down an order as it is sent, but for what has a column of its own."""
    return {
        "duration": order.duration,
        "resolution": order.resolution,
        "aspect_ratio": order.aspect_ratio,
        "seed": order.seed,
        "audio": order.audio,
        "extras": dict(order.extras),
        "strokes": [[list(point) for point in stroke] for stroke in order.strokes],
        "parent": order.parent,
        "shots": list(order.shots),
    }


def inputs_of(code: str, order: Order) -> tuple[StoredInput, ...]:
    """Name the files of an order as they will lie in the media store, in the order of `contents_of`."""
    stored: list[StoredInput] = []
    for number, picture in enumerate(order.pictures):
        name = files.name_for(code, f"{number}-{picture.role.value.replace('_', '-')}", picture.mime)
        size = (picture.width, picture.height)
        stored.append(StoredInput(picture.role.value, picture.mime, name, picture.size, *size))
    for clip in order.clips:
        name = files.name_for(code, clip.role.value, clip.mime)
        size = (clip.width, clip.height)
        stored.append(StoredInput(clip.role.value, clip.mime, name, clip.size, *size, seconds=clip.seconds))
    return tuple(stored)


def contents_of(order: Order) -> list[bytes]:
    """List the contents of an order's files."""
    return [*(picture.data for picture in order.pictures), *(clip.data for clip in order.clips)]


async def keep_files(ctx: Context, job: Job, order: Order) -> None:
    """Write the files of an order. Raise OSError."""
    for stored, data in zip(job.inputs, contents_of(order), strict=True):
        await asyncio.to_thread(files.save, ctx.media_dir, files.INPUTS, stored.file, data)


def carries(ctx: Context, job: Job) -> bool:
    """Say whether files of a job may go out as bytes: only where no vendor can fetch them from us."""
    return bool(job.inputs) and not ctx.addresses.public


def order_of(ctx: Context, job: Job, *, contents: bool = False) -> Order:
    """Make a job's order again as it is sent, with fresh links to its files. Raise OSError. Blocks on disk.

    `contents`: with the files' bytes too; they are many, and most vendors fetch the files themselves.
    """
    return _read(ctx, job, job.model or None, job.options, contents=contents)


def asked_of(ctx: Context, job: Job) -> Order:
    """Make a job's order again as the member typed it, before any defaults. Raise OSError. Blocks on disk."""
    return _read(ctx, job, job.asked.get("model"), job.asked, contents=False)


def whole_files_of(ctx: Context, job: Job) -> tuple[tuple[Picture, ...], tuple[Clip, ...]]:
    """Read all files of a job, to be given to another one. Raise OSError. Blocks on disk."""
    order = asked_of(ctx, job)
    contents = [_content(ctx, one, read=True) for one in job.inputs]  # pictures first: see inputs_of
    pictures, clips = contents[: len(order.pictures)], contents[len(order.pictures) :]
    return (
        tuple(replace(one, data=data) for one, data in zip(order.pictures, pictures, strict=True)),
        tuple(replace(one, data=data) for one, data in zip(order.clips, clips, strict=True)),
    )


def files_gone(ctx: Context, job: Job) -> bool:
    """Tell whether a file of a job is not in the media store any more. Blocks on disk."""
    return not all(files.locate(ctx.media_dir, files.INPUTS, one.file).is_file() for one in job.inputs)


def delete_files(ctx: Context, job: Job, made: Sequence[Output]) -> None:
    """Delete what was given for a job and what was made: links to them die. Raise OSError. Blocks on disk."""
    names = [(files.INPUTS, one.file) for one in job.inputs]
    names += [(files.OUTPUTS, one.file) for one in made if one.file]
    for kind, name in names:
        files.locate(ctx.media_dir, kind, name).unlink(missing_ok=True)


def _read(ctx: Context, job: Job, model: str | None, options: Mapping[str, Any], *, contents: bool) -> Order:
    until = ctx.now() + ctx.timing.longest_life
    given = [(one, ctx.addresses.link(files.INPUTS, one.file, until)) for one in job.inputs]
    return Order(
        operation=Operation(job.operation),
        model=model,
        prompt=job.prompt,
        duration=options.get("duration"),
        resolution=options.get("resolution"),
        aspect_ratio=options.get("aspect_ratio"),
        seed=options.get("seed"),
        audio=options.get("audio"),
        pictures=tuple(_picture(ctx, one, url, contents=contents) for one, url in given if one.mime in _PICTURES),
        clips=tuple(_clip(ctx, one, url, contents=contents) for one, url in given if one.mime not in _PICTURES),
        extras=dict(options.get("extras", {})),
        strokes=tuple(tuple((int(x), int(y)) for x, y in stroke) for stroke in options.get("strokes", [])),
        parent=str(options.get("parent", "")),
        shots=tuple(options.get("shots", [])),
    )


def _picture(ctx: Context, one: StoredInput, url: str, *, contents: bool) -> Picture:
    data = _content(ctx, one, read=contents)
    return Picture(Role(one.role), one.mime, one.size, one.width, one.height, data, url)


def _clip(ctx: Context, one: StoredInput, url: str, *, contents: bool) -> Clip:
    """Only an audio may go as bytes, so the others are not read."""
    inline = contents and one.mime.startswith("audio/") and one.size <= _MOST_INLINE_AUDIO
    data = _content(ctx, one, read=inline)
    return Clip(Role(one.role), one.mime, one.size, one.seconds, one.width, one.height, data, url)


def _content(ctx: Context, one: StoredInput, *, read: bool) -> bytes:
    path = files.locate(ctx.media_dir, files.INPUTS, one.file)
    if not path.is_file():
        raise FileNotFoundError(one.file)
    return path.read_bytes() if read else b""
