"""The demo's own picture: a small boat on the water at dawn, drawn with nothing but Pillow."""

import io
import itertools
import math
import random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

_SKY = [(0.0, (28, 32, 74)), (0.45, (128, 78, 128)), (0.75, (238, 142, 104)), (1.0, (255, 214, 150))]
_WATER = [(0.0, (214, 150, 122)), (0.35, (104, 84, 128)), (1.0, (18, 26, 60))]

Stops = list[tuple[float, tuple[int, int, int]]]


def draw_scene(width: int = 1280, height: int = 720) -> bytes:
    """Draw the scene; the bytes of a PNG."""
    horizon = int(height * 0.58)
    image = Image.new("RGB", (width, height))
    image.paste(_gradient(_SKY, width, horizon), (0, 0))
    image.paste(_gradient(_WATER, width, height - horizon), (0, horizon))
    image = _sun(image, width, horizon)
    _ripples(image, width, height, horizon)
    _boat(image, int(width * 0.36), int(horizon + height * 0.13), height / 720)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _gradient(stops: Stops, width: int, height: int) -> Image.Image:
    column = Image.new("RGB", (1, height))
    for y in range(height):
        at = y / max(height - 1, 1)
        (low, first), (high, second) = next(
            pair for pair in itertools.pairwise(stops) if pair[0][0] <= at <= pair[1][0]
        )
        share = (at - low) / (high - low)
        color = tuple(round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
        column.putpixel((0, y), (color[0], color[1], color[2]))
    return column.transform((width, height), Image.Transform.EXTENT, (0, 0, 1, height))


def _sun(image: Image.Image, width: int, horizon: int) -> Image.Image:
    glow = Image.new("RGB", image.size)
    x, radius = int(width * 0.66), horizon // 6
    ImageDraw.Draw(glow).ellipse((x - radius, horizon - radius, x + radius, horizon + radius), fill=(255, 226, 170))
    soft = glow.filter(ImageFilter.GaussianBlur(radius * 0.9))
    sharp = Image.new("RGB", image.size)
    sharp.paste(glow.crop((0, 0, width, horizon)), (0, 0))
    return ImageChops.screen(ImageChops.screen(image, soft), sharp)


def _ripples(image: Image.Image, width: int, height: int, horizon: int) -> None:
    draw, chance = ImageDraw.Draw(image, "RGBA"), random.Random(7)
    for _ in range(260):
        depth = chance.random() ** 1.6
        y = horizon + 4 + depth * (height - horizon - 8)
        x = width * 0.66 + chance.gauss(0, 0.05 + 0.16 * depth) * width
        length = (10 + 60 * depth) * width / 1280
        draw.line((x - length, y, x + length, y), fill=(255, 222, 176, int(90 * (1 - depth) + 24)), width=2)


def _boat(image: Image.Image, x: int, y: int, scale: float) -> None:
    draw = ImageDraw.Draw(image, "RGBA")

    def points(*pairs: tuple[float, float]) -> list[tuple[float, float]]:
        return [(x + px * scale, y + py * scale) for px, py in pairs]

    hull = [
        (-92.0, 0.0),
        *((-92 + 184 * t, 34 * math.sin(math.pi * t) ** 0.6) for t in (0.1, 0.3, 0.5, 0.7, 0.9)),
        (92.0, 0.0),
    ]
    draw.polygon(points((-84, 46), (84, 46), (50, 88), (-50, 88)), fill=(20, 20, 48, 70))
    draw.polygon(points(*hull), fill=(36, 26, 48, 255))
    draw.line(points((0, 0), (0, -190)), fill=(36, 26, 48, 255), width=max(round(5 * scale), 1))
    draw.polygon(points((6, -184), (6, -16), (96, -16)), fill=(252, 236, 214, 255))
    draw.polygon(points((-6, -150), (-6, -16), (-66, -16)), fill=(236, 200, 176, 255))
