"""The picture behind a text-to-video result: the prompt set as a title card, so that a result shows what was asked."""

import hashlib
import unicodedata

from PIL import Image, ImageDraw, ImageFilter, ImageFont

# Pairs of colours (top left, bottom right) that keep white text readable; the prompt picks one.
PALETTES = (
    ((24, 32, 72), (176, 84, 120)),
    ((10, 44, 60), (46, 142, 128)),
    ((44, 18, 70), (216, 110, 78)),
    ((16, 24, 48), (72, 118, 196)),
    ((52, 24, 34), (196, 138, 70)),
    ((18, 40, 32), (120, 152, 84)),
)
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw_card(text: str, label: str, width: int, height: int) -> Image.Image:
    """Draw the text in the largest size that fits, on a gradient, with a small label below."""
    picture = _background(text + label, width, height)
    pen = ImageDraw.Draw(picture)
    unit = min(width, height)
    margin = unit // 7
    box_width, box_height = width - 2 * margin, height - 2 * margin - unit // 8
    lines, font, size = _fitted(pen, printable(text) or label, box_width, box_height, unit)
    step = round(size * 1.28)
    top = margin + (box_height - step * len(lines)) // 2
    for number, line in enumerate(lines):
        pen.text((margin, top + number * step), line, font=font, fill=(255, 255, 255))
    foot = height - margin - unit // 28
    pen.rectangle(
        (margin, foot - unit // 32, margin + unit // 6, foot - unit // 32 + max(2, unit // 240)), (255, 255, 255)
    )
    pen.text((margin, foot), label, font=ImageFont.load_default(max(11, unit // 28)), fill=(226, 226, 232))
    return picture


def printable(text: str) -> str:
    """Keep what the built-in font can draw: Latin letters and common punctuation; the rest would be empty boxes."""
    plain = unicodedata.normalize("NFC", " ".join(text.split()))
    plain = plain.translate(
        {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2013: "-", 0x2014: "-", 0x2026: "..."}
    )
    return " ".join("".join(letter for letter in plain if ord(letter) < 0x180 and letter.isprintable()).split())


def _background(seed: str, width: int, height: int) -> Image.Image:
    digest = hashlib.sha256(seed.encode()).digest()
    near, far = PALETTES[digest[0] % len(PALETTES)]
    slope = Image.linear_gradient("L").rotate(35 + digest[1] % 20, resample=Image.Resampling.BICUBIC, expand=False)
    slope = _enlarged(slope.crop((48, 48, 208, 208)), width, height)
    picture = Image.composite(Image.new("RGB", (width, height), far), Image.new("RGB", (width, height), near), slope)
    # Soft light: drawn small and enlarged, which blurs it for free.
    small = Image.new("L", (64, 64), 0)
    pen = ImageDraw.Draw(small)
    for number in range(3):
        x, y, r = digest[2 + number] % 64, digest[5 + number] % 64, 8 + digest[8 + number] % 14
        pen.ellipse((x - r, y - r, x + r, y + r), fill=46)
    light = _enlarged(small.filter(ImageFilter.GaussianBlur(5)), width, height)
    return Image.composite(Image.new("RGB", (width, height), (255, 244, 226)), picture, light)


def _enlarged(picture: Image.Image, width: int, height: int) -> Image.Image:
    # pyright: ignore is for numpy, which Pillow's signature names and nobody installed
    return picture.resize((width, height), Image.Resampling.BICUBIC)  # pyright: ignore[reportUnknownMemberType]


def _fitted(pen: ImageDraw.ImageDraw, text: str, width: int, height: int, unit: int) -> tuple[list[str], Font, int]:
    """Return the lines, the font and its size in pixels; a very long text is cut with dots at the smallest size."""
    size, least = unit // 8, max(12, unit // 34)
    while True:
        font = ImageFont.load_default(size)
        lines = _wrapped(pen, text, font, width)
        if round(size * 1.28) * len(lines) <= height:
            return lines, font, size
        if size <= least:
            keep = max(1, height // round(size * 1.28))
            return [*lines[: keep - 1], lines[keep - 1][:-3] + "..."], font, size
        size = max(least, int(size * 0.86))


def _wrapped(pen: ImageDraw.ImageDraw, text: str, font: Font, width: int) -> list[str]:
    lines: list[str] = []
    line = ""
    for word in text[:1200].split(" "):
        piece = word
        while pen.textlength(piece, font=font) > width and len(piece) > 1:  # a word longer than the card is broken
            cut = max(1, int(len(piece) * width / pen.textlength(piece, font=font)) - 1)
            lines += [each for each in (line, piece[:cut]) if each]
            line, piece = "", piece[cut:]
        longer = f"{line} {piece}".strip()
        if line and pen.textlength(longer, font=font) > width:
            lines.append(line)
            line = piece
        else:
            line = longer
    return [*lines, line] if line else lines
