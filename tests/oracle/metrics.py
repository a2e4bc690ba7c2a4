"""A real Prometheus scrapes the server, and every query of the Grafana dashboard and of the alerts means something to it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time

from serving import get, serving


def readings(port):
    """How often the server was scraped so far."""
    try:
        answer = get(f"http://127.0.0.1:{port}/api/v1/query?query=count_over_time(up%5B5m%5D)")[2]
        return int(json.loads(answer)["data"]["result"][0]["value"][1])
    except (OSError, LookupError, ValueError):
        return 0


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
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        prometheus = subprocess.Popen(
            ["prometheus", f"--config.file={work}/prometheus.yml", f"--storage.tsdb.path={work}/tsdb",
             f"--web.listen-address=127.0.0.1:{port}"], stderr=subprocess.DEVNULL)
        try:
            # Until there are enough readings for rates.
            for _ in range(80):
                for path in ("/xyz/demo-small/12/2073/1499.jpg", "/xyz/demo-small/1/9/9.png", "/healthz"):
                    get(f"{base}{path}")
                time.sleep(0.5)
                if readings(port) >= 5:
                    break
            subprocess.run([sys.executable, "deploy/check_queries.py", f"http://127.0.0.1:{port}"], check=True)
        finally:
            prometheus.terminate()
            prometheus.wait(timeout=30)


if __name__ == "__main__":
    main(*sys.argv[1:])
