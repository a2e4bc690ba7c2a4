"""A real Prometheus scrapes the server, and every query of the Grafana dashboard and of the alerts means something to it."""

import os
import shutil
import subprocess
import sys
import time

from serving import get, serving


def main(pavage, work):
    if not shutil.which("prometheus"):
        print("skipped: prometheus is missing")
        sys.exit(os.environ.get("PAVAGE_ORACLE") == "required")
    subprocess.run(["promtool", "check", "config", "deploy/prometheus/prometheus.yml"], check=True)
    with serving(pavage, work, f"{work}/demo/demo-small.tif") as base:
        target = base.removeprefix("http://")
        with open(f"{work}/prometheus.yml", "w") as config:
            config.write(f"scrape_configs:\n- job_name: pavage\n  scrape_interval: 1s\n"
                         f"  static_configs:\n  - targets: ['{target}']\n")
        port = int(target.rsplit(":", 1)[1]) + 1
        prometheus = subprocess.Popen(
            ["prometheus", f"--config.file={work}/prometheus.yml", f"--storage.tsdb.path={work}/tsdb",
             f"--web.listen-address=127.0.0.1:{port}"], stderr=subprocess.DEVNULL)
        try:
            for i in range(12):
                for path in ("/xyz/demo-small/12/2073/1499.jpg", "/xyz/demo-small/1/9/9.png", "/healthz"):
                    get(f"{base}{path}")
                time.sleep(0.5)
            subprocess.run([sys.executable, "deploy/check_queries.py", f"http://127.0.0.1:{port}"], check=True)
        finally:
            prometheus.terminate()
            prometheus.wait(timeout=30)


if __name__ == "__main__":
    main(*sys.argv[1:])
