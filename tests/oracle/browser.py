"""The pages in headless Chromium: see server/src/ui/web/e2e."""

import functools
import os
import shutil
import subprocess
import sys

import years
from serving import serving


def main(pavage, work):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    web = "server/src/ui/web"
    missing = "chromium" if not chromium else "node" if not shutil.which("node") else None
    if missing:
        print(f"skipped: {missing} is missing")
        sys.exit(os.environ.get("PAVAGE_ORACLE") == "required")
    if not os.path.isdir(f"{web}/node_modules"):
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=web, check=True)
    demo = f"{work}/demo/demo-small.tif"
    years.write(demo, f"{work}/years")
    look = functools.partial(subprocess.run, cwd=web, check=True, timeout=180, env={**os.environ, "CHROMIUM": chromium})
    with serving(pavage, work, demo) as base:
        look(["node", "e2e/viewer.mjs", base, "demo-small", work])
    with serving(pavage, work, "--config", years.configuration(f"{work}/years")) as base:
        look(["node", "e2e/years.mjs", base, "pcrs", work])


if __name__ == "__main__":
    main(*sys.argv[1:])
