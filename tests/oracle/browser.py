"""The pages in headless Chromium: see server/src/ui/web/e2e/viewer.mjs."""

import os
import shutil
import subprocess
import sys

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
    with serving(pavage, work, f"{work}/demo/demo-small.tif") as base:
        subprocess.run(["node", "e2e/viewer.mjs", base, "demo-small", work], cwd=web, check=True, timeout=180,
                       env={**os.environ, "CHROMIUM": chromium})


if __name__ == "__main__":
    main(*sys.argv[1:])
