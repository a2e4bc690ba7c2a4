"""A served file is truncated, replaced and deleted while eight clients ask for its tiles.

The process lives, every 200 is wholly of one state of the file, and the log names the file.
"""

import io
import os
import sys
import threading
import time

import numpy as np
import rasterio
from PIL import Image
from rasterio.transform import from_origin

from serving import get, serving

SIDE = 4096
RED, GREEN = (200, 40, 40), (40, 200, 40)


def write(path, colour):
    profile = dict(driver="COG", width=SIDE, height=SIDE, count=3, dtype="uint8", crs="EPSG:2154", compress="DEFLATE",
                   transform=from_origin(650000, 6235000, 0.2, 0.2))
    noise = np.random.default_rng(1).integers(-20, 21, (SIDE, SIDE))
    with rasterio.open(f"{path}.part", "w", **profile) as out:
        for band, value in enumerate(colour, 1):
            out.write((value + noise).astype("uint8"), band)
    os.rename(f"{path}.part", path)


class Clients:
    """Ask until they are stopped; remember what they saw."""

    def __init__(self, base):
        self.base, self.seen, self.wrong, self.running = base, [], [], True
        self.threads = [threading.Thread(target=self.ask, args=(i,)) for i in range(8)]
        for thread in self.threads:
            thread.start()

    def ask(self, seed):
        random = np.random.default_rng(seed)
        while self.running:
            z = int(random.integers(16, 20))
            n = 2 ** z
            lon, lat = 2.3843 + random.random() * 0.009, 43.2060 + random.random() * 0.006
            x = int((lon + 180) / 360 * n)
            y = int((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * n)
            status, _, body = get(f"{self.base}/xyz/ortho/{z}/{x}/{y}.png")
            colour = None
            if status == 200:
                pixels = np.array(Image.open(io.BytesIO(body)).convert("RGBA"))
                shown = pixels[pixels[..., 3] == 255][:, :3].astype(int)
                if len(shown):
                    red, green = (np.abs(shown - c).max() <= 30 for c in (RED, GREEN))
                    colour = "red" if red else "green" if green else "wrong"
                    if colour == "wrong":
                        self.wrong.append((z, x, y))
            elif status not in (503, 404):
                self.wrong.append((status, z, x, y))
            self.seen.append((time.monotonic(), status, colour))

    def wait_for(self, wanted, seconds=15):
        """Until all answers of half a second are as wanted."""
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            time.sleep(0.5)
            now = time.monotonic()
            last = [(s, c) for t, s, c in list(self.seen) if t > now - 0.4]
            if last and all(wanted(s, c) for s, c in last):
                return time.monotonic() - started
        raise AssertionError(f"after {seconds} s: {last[-5:]}")


def main(pavage, work):
    folder = f"{work}/faults"
    os.makedirs(folder, exist_ok=True)
    path = f"{folder}/ortho.tif"
    write(path, RED)
    with serving(pavage, work, path) as base:
        clients = Clients(base)
        try:
            clients.wait_for(lambda s, c: s == 200 and c in ("red", None))
            os.truncate(path, os.path.getsize(path) // 3)
            cut = clients.wait_for(lambda s, c: s == 503)
            write(path, GREEN)
            repaired = clients.wait_for(lambda s, c: s == 200 and c in ("green", None))
            write(path, RED)
            replaced = clients.wait_for(lambda s, c: s == 200 and c in ("red", None))
            os.remove(path)
            deleted = clients.wait_for(lambda s, c: s in (503, 404))
            write(path, GREEN)
            restored = clients.wait_for(lambda s, c: s == 200 and c in ("green", None))
        finally:
            clients.running = False
            for thread in clients.threads:
                thread.join()
        assert not clients.wrong, clients.wrong[:5]
        named = [name for name in os.listdir(work) if name.startswith("serve-") and "ortho.tif" in open(f"{work}/{name}").read()]
        assert named, "the log names the file"
        print(f"{len(clients.seen)} answers, none wrong; seconds until all were as they should be: truncated {cut:.1f}, "
              f"repaired {repaired:.1f}, replaced {replaced:.1f}, deleted {deleted:.1f}, restored {restored:.1f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
