"""Four times as many requests as can be answered, for half a minute, in an open loop: those that are admitted stay quick, the
others are told at once, and a second later all is as before. Without a FILE, the demo imagery in WORK is served.

    overload.py PAVAGE WORK [FILE]
"""

import asyncio
import json
import math
import pathlib
import random
import sys
import time

from serving import get, serving

UNLOADED_S, OVERLOAD_S, FACTOR = 10, 30, 4
CONNECTIONS = 16


def targets(base, layer):
    """Tiles that nobody has asked for, of 512 px and as PNG: they take the server long, and this client not."""
    about = json.loads(get(f"{base}/xyz/{layer}/tilejson.json")[2])
    west, south, east, north = about["bounds"]
    zoom = about["maxzoom"] + 2
    count = 2 ** zoom
    columns = [int((lon + 180) / 360 * count) for lon in (west, east)]
    rows = [int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * count) for lat in (north, south)]
    while True:
        yield f"/xyz/{layer}/{zoom}/{random.randint(*columns)}/{random.randint(*rows)}@2x.png"


async def ask(address, target):
    """Status and seconds of one request on a connection of its own."""
    started = time.monotonic()
    reader, writer = await asyncio.open_connection(*address)
    writer.write(f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read(-1)
    writer.close()
    return int(answer.split(b" ", 2)[1]), time.monotonic() - started


async def unloaded(address, paths):
    """Seconds of each answer to a few clients who wait for what they asked, and answers a second."""
    end, took = time.monotonic() + UNLOADED_S, []

    async def client():
        while time.monotonic() < end:
            status, seconds = await ask(address, next(paths))
            assert status == 200, status
            took.append(seconds)

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return took, len(took) / UNLOADED_S


async def overloaded(address, paths, rate):
    """Answers to clients who do not wait for each other, and how long this one was not able to look at them."""
    started, asked, lags, before = time.monotonic(), [], [], 0
    while (now := time.monotonic() - started) < OVERLOAD_S:
        lags.append(now - before)
        before = now
        while len(asked) < now * rate:
            asked.append(asyncio.create_task(ask(address, next(paths))))
        await asyncio.sleep(0.002)
    return await asyncio.gather(*asked), lags


async def main(pavage, work, file=None):
    file = file or f"{work}/demo/demo-small.tif"
    with serving(pavage, work, file) as base:
        host, port = base.removeprefix("http://").split(":")
        address, paths = (host, int(port)), targets(base, pathlib.Path(file).stem)
        await unloaded(address, paths)
        before, rate = await unloaded(address, paths)
        answers, lags = await overloaded(address, paths, FACTOR * rate)
        await asyncio.sleep(1)
        after, _ = await unloaded(address, paths)

    def p99(values):
        return sorted(values)[int(len(values) * 0.99)] * 1000

    admitted = [seconds for status, seconds in answers if status == 200]
    refused = [seconds for status, seconds in answers if status == 503]
    figures = dict(rate=rate, p99_ms=p99(before), admitted=len(admitted), admitted_p99_ms=p99(admitted),
                   refused=len(refused), refused_p99_ms=p99(refused), refused_max_ms=max(refused) * 1000,
                   after_p99_ms=p99(after), lag_p99_ms=p99(lags))
    print("overload:", ", ".join(f"{name} {value:.0f}" for name, value in figures.items()))
    assert len(admitted) + len(refused) == len(answers), "200 or 503, and nothing else"
    assert len(admitted) > 0.7 * rate * OVERLOAD_S, "the server does as much as before"
    assert p99(admitted) < 4 * p99(before)
    # A client that has no time to look does not see them sooner.
    assert p99(refused) < 100 + 2 * p99(lags)
    assert p99(after) < 2 * p99(before)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
