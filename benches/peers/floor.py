"""What nobody can be faster than: one block decoded, one tile encoded, by libjpeg-turbo, on one thread, CPU time.

Runs in the work folder's Python: `floor.py DATA`, and prints JSON. Ratios to these numbers travel from machine to machine.
"""

import io
import json
import statistics
import sys
import time

import numpy as np
import rasterio
import simplejpeg
from PIL import Image

BLOCK, TILE, COUNT, TURNS = 512, 256, 24, 7


def cpu_ms(call, items):
    """Median over turns of milliseconds a call."""
    turns = []
    for _ in range(TURNS):
        started = time.process_time()
        for item in items:
            call(item)
        turns.append((time.process_time() - started) * 1000 / len(items))
    return round(statistics.median(turns), 4)


def jpeg(pixels):
    return simplejpeg.encode_jpeg(pixels, quality=85, colorspace="RGB", colorsubsampling="420", fastdct=False)


def written(pixels, **options):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, **options)
    return out.getvalue()


def main(data):
    blocks = []
    with rasterio.open(f"{data}/single_jpeg.tif") as source:
        for number in range(COUNT):
            row, col = number * 5 % 31 * BLOCK, number * 7 % 31 * BLOCK
            pixels = source.read(window=((row, row + BLOCK), (col, col + BLOCK)))
            blocks.append(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    tiles = [np.ascontiguousarray(block[:TILE, :TILE]) for block in blocks]
    stored = [jpeg(block) for block in blocks]
    print(json.dumps({
        "decode_512_ms": cpu_ms(lambda stream: simplejpeg.decode_jpeg(stream, fastdct=False, fastupsample=False), stored),
        "encode_256_ms": cpu_ms(jpeg, tiles),
        "webp_256_ms": cpu_ms(lambda tile: written(tile, format="WEBP", quality=75, method=4), tiles[:8]),
        "png_256_ms": cpu_ms(lambda tile: written(tile, format="PNG", compress_level=6), tiles[:8]),
        "block_bytes": sum(map(len, stored)) // COUNT,
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])
