#!/usr/bin/env python3
"""Asks a Prometheus every query of the Grafana dashboard and of the alerts: `check_queries.py http://127.0.0.1:9090`.

A query that Prometheus refuses is an error; so is one of the dashboard that finds no metric of that name.
"""

import json
import pathlib
import re
import sys
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).parent
# Metrics that have no series until something goes wrong.
QUIET = {"pavage_render_rejected_total", "pavage_source_errors_total"}


def ask(prometheus, query):
    url = f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{query}\n  {error.read().decode()}") from error


def main(prometheus):
    dashboard = json.loads((HERE / "grafana/pavage.json").read_text())
    missing = []
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            query = target["expr"].replace("$__rate_interval", "1m").replace("$layer", ".*")
            found = len(ask(prometheus, query))
            metrics = set(re.findall(r"(?:pavage|process)_\w+", query))
            unknown = [m for m in metrics - QUIET if not ask(prometheus, m)]
            missing += unknown
            if not found and not metrics & QUIET:
                missing.append(f"nothing for {panel['title']}")
            print(f"{panel['title'][:40]:40} {found:3} series{'  unknown: ' + ', '.join(unknown) if unknown else ''}")
    for expression in re.findall(r"^\s*expr: (.+)$", (HERE / "prometheus/rules.yml").read_text(), re.M):
        ask(prometheus, expression)
    if missing:
        raise SystemExit(f"missing: {', '.join(sorted(set(missing)))}")


if __name__ == "__main__":
    main(*sys.argv[1:])
