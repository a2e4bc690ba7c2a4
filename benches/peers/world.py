"""An orthophoto of a place that is not: real aerial texture, cut to a checkerboard of cells, with roads and roofs painted on it.

Any window of it depends on its position alone, so a single image and a mosaic of dalles show the same pixels. The texture is
that of the PyPI package `deepforest` (NEON, 10 cm). It knows nothing of files, coordinates and formats.
"""

import glob
import math
import os

import numpy as np
from PIL import Image, ImageDraw

CELL_PX = 1000
NOISE_PX = 2048
ROAD_EVERY_PX, ROAD_WIDTH_PX = 3000, 120
# Random numbers are drawn by (what, row, col); margins reach beyond the first cell.
OFFSET = 1 << 20
CELL, ROOF, NOISE = 1, 2, 3


def draw_for(what, row, col):
    return np.random.default_rng((what, row + OFFSET, col + OFFSET))


class World:
    """Pixels of 5 cm, `[row, col, band]`, red, green and blue."""

    def __init__(self, textures):
        files = sorted(glob.glob(os.path.join(textures, "*.png")))
        if not files:
            raise SystemExit(f"no textures in {textures}")
        self.textures = []
        for file in files:
            image = Image.open(file).convert("RGB")
            # To nearly 7 cm: as sharp as many an orthophoto that is sold as one of 5 cm.
            image = image.resize((image.width * 3 // 2, image.height * 3 // 2), Image.Resampling.BICUBIC)
            if min(image.size) > CELL_PX:
                self.textures.append(np.asarray(image))
        self.noise = draw_for(NOISE, 0, 0).normal(0, 2, (NOISE_PX, NOISE_PX, 1)).astype(np.float32)

    def window(self, col, row, width, height):
        pixels = np.empty((height, width, 3), np.uint8)
        for cell_row in range(row // CELL_PX, -(-(row + height) // CELL_PX)):
            for cell_col in range(col // CELL_PX, -(-(col + width) // CELL_PX)):
                top, left = cell_row * CELL_PX, cell_col * CELL_PX
                rows = slice(max(top, row), min(top + CELL_PX, row + height))
                cols = slice(max(left, col), min(left + CELL_PX, col + width))
                cell = self._cell(cell_row, cell_col)
                pixels[rows.start - row:rows.stop - row, cols.start - col:cols.stop - col] = \
                    cell[rows.start - top:rows.stop - top, cols.start - left:cols.stop - left]
        picture = Image.fromarray(pixels)
        pen = ImageDraw.Draw(picture)
        _roads(pen, col, row, width, height)
        for cell_row in range((row - CELL_PX) // CELL_PX, (row + height) // CELL_PX + 1):
            for cell_col in range((col - CELL_PX) // CELL_PX, (col + width) // CELL_PX + 1):
                _roofs(pen, cell_row, cell_col, col, row)
        return np.asarray(picture)

    def _cell(self, row, col):
        """A piece of texture, turned, mirrored and tinted."""
        draw = draw_for(CELL, row, col)
        texture = self.textures[0 if draw.random() < 0.8 else -1]
        top, left = (draw.integers(0, side - CELL_PX) for side in texture.shape[:2])
        piece = np.rot90(texture[top:top + CELL_PX, left:left + CELL_PX], draw.integers(0, 4))
        if draw.random() < 0.5:
            piece = piece[:, ::-1]
        tint = (0.85 + 0.3 * draw.random() + 0.1 * (draw.random(3) - 0.5)).astype(np.float32)
        top, left = draw.integers(0, NOISE_PX - CELL_PX, 2)
        return np.clip(piece * tint + self.noise[top:top + CELL_PX, left:left + CELL_PX], 0, 255).astype(np.uint8)


def _roads(pen, col, row, width, height):
    """Waves from west to east, with a dashed line in the middle."""
    reach = ROAD_WIDTH_PX + 350
    # Points at multiples of 50 px of the world, wherever the window begins.
    xs = range((col - 200) // 50 * 50, col + width + 250, 50)
    for k in range((row - reach) // ROAD_EVERY_PX, (row + height + reach) // ROAD_EVERY_PX + 1):
        points = [(x - col, k * ROAD_EVERY_PX + 350 * math.sin(x / 1700 + k) - row) for x in xs]
        pen.line(points, fill=(128, 126, 122), width=ROAD_WIDTH_PX, joint="curve")
        for x, start, end in zip(xs, points, points[1:]):
            if x // 50 % 2 == 0:
                pen.line((start, end), fill=(235, 235, 230), width=3)


def _roofs(pen, cell_row, cell_col, col, row):
    """Up to three houses: shadow, two slopes, rows of tiles."""
    draw = draw_for(ROOF, cell_row, cell_col)
    for _ in range(draw.integers(0, 4)):
        middle = np.array([cell_col * CELL_PX - col, cell_row * CELL_PX - row]) + draw.integers(150, 850, 2)
        angle, length, depth = draw.random() * math.pi, draw.integers(120, 300), draw.integers(80, 160)
        along = np.array([math.cos(angle), math.sin(angle)]) * length / 2
        across = np.array([-math.sin(angle), math.cos(angle)])
        colour = np.array([178, 108, 82]) + draw.integers(-25, 25, 3)

        def slope(centre, low, high, fill):
            corners = (centre - along + across * low, centre + along + across * low,
                       centre + along + across * high, centre - along + across * high)
            pen.polygon([tuple(corner) for corner in corners], fill=fill)

        shade = lambda by: tuple(int(band * by) for band in colour)
        slope(middle + 40, -depth / 2, depth / 2, (38, 42, 48))
        slope(middle, -depth / 2, 0, shade(1))
        slope(middle, 0, depth / 2, shade(0.72))
        for at in np.arange(-depth / 2, depth / 2, 5):
            pen.line([tuple(middle - along + across * at), tuple(middle + along + across * at)], fill=shade(0.62), width=1)
