"""The tables of a results folder, from its raw rounds: medians, and ratios to Pavage."""

import statistics

import workloads

# Whose CPU time the others' is divided by.
BASE = "pavage"
BEGIN, END = "<!-- made by `make bench-report` -->", "<!-- until here -->"
MEDIANS = ("rps", "p50_ms", "p99_ms", "cpu_ms", "peak_mb", "bytes", "other_cores", "view_p50_ms", "view_p99_ms", "started_s")


def medians(results):
    """By workload and server."""
    told = {}
    for row in results["rounds"]:
        told.setdefault(row["workload"], {}).setdefault(row["server"], []).append(row)
    return {workload: {server: summary(rows) for server, rows in servers.items()} for workload, servers in told.items()}


def summary(rows):
    known = {key: [row[key] for row in rows if row.get(key) is not None] for key in MEDIANS}
    return {key: statistics.median(values) for key, values in known.items() if values} | \
        {"rounds": len(rows), "bad": sum(row["bad"] for row in rows)}


def number(value):
    """Three figures, which is more than a machine repeats."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return next((f"{value:.{places}f}" for least, places in ((10, 1), (1, 2), (0.1, 3)) if abs(value) >= least), f"{value:.4f}" if value else "0")


def table(head, rows):
    lines = [" | ".join(row) for row in (head, ["---"] + ["---:"] * (len(head) - 1), *rows)]
    return "\n".join(f"| {line} |" for line in lines)


def base_of(servers):
    """Pavage's own entry that the others are compared with."""
    return next((servers[name] for name in (BASE, "pavage-cached", "pavage-passed", "pavage-tls") if name in servers), None)


# Servers that have the same memory for blocks: the other's CPU time is divided by ours.
PAIRS = [("MapServer, 64 MB a core", "mapserver", ("pavage-64", "pavage")), ("MapServer, all in memory", "mapserver-hot", ("pavage-hot",)),
         ("MapServer, nothing kept", "mapserver-close", ("pavage",)), ("MapServer, nothing kept, to Pavage without cap", "mapserver-close", ("pavage-nocap",)),
         ("QGIS Server", "qgis", ("pavage-64", "pavage")),
         ("TiTiler", "titiler", ("pavage",)), ("Martin", "martin", ("pavage",))]


def at_a_glance(told):
    """How many times Pavage's CPU time a peer needs for a tile, with as much memory for blocks."""
    rows = []
    for workload in workloads.ALL:
        servers, cells = told.get(workload.name, {}), []
        for _, peer, ours in PAIRS:
            own = next((servers[name] for name in ours if name in servers), None)
            cells.append(f"{number(servers[peer]['cpu_ms'] / own['cpu_ms'])} ×" if peer in servers and own else "")
        if any(cells):
            rows.append([f"{workload.title} ({workload.name})", number(servers["pavage"]["cpu_ms"]) if "pavage" in servers else "", *cells])
    return f"""{table(["", "pavage, CPU-ms", *(name for name, *_ in PAIRS)], rows)}

The first column is of Pavage with blocks of 1 MiB, which decodes every block; each multiple is of Pavage's entry with as much memory as the other server has. The *cap* is
coarse imagery for low zooms, which Pavage makes of a mosaic by itself; one column is of what it costs until that is there."""


def of_workload(results, workload, servers):
    base, quality, rows = base_of(servers), results["quality"].get(workload.name, {}), []
    order = sorted(servers, key=lambda name: servers[name]["cpu_ms"])
    views = any("view_p50_ms" in told for told in servers.values())
    for name in order:
        told, picture = servers[name], quality.get(name)
        ratio = told["cpu_ms"] / base["cpu_ms"] if base else None
        decibels = "" if not picture else f"{picture['psnr_db']:.1f}"
        if picture and picture["best_shift_px"] != [0, 0]:
            decibels += f", shifted by {picture['best_shift_px']}"
        row = [name, number(told["rps"]), number(told["p50_ms"]), number(told.get("p99_ms"))]
        row += [number(told.get("view_p50_ms")), number(told.get("view_p99_ms"))] if views else []
        row += [f"**{number(told['cpu_ms'])}**", number(ratio), number(told["peak_mb"]), number(told.get("bytes", 0) / 1000) if told.get("bytes") else "",
                decibels, f"{told['other_cores']:.2f}"]
        if told["bad"]:
            row[0] += f" ({told['bad']} bad answers: void)"
        rows.append(row)
    head = ["", "tiles/s", "p50 ms", "p99 ms", *(["view p50", "view p99"] if views else []), "CPU-ms", "× Pavage", "RSS MiB", "kB", "dB", "other"]
    return table(head, rows)


def floors(results, told):
    if not results["floors"]:
        return ""
    floor = {key: statistics.median(row[key] for row in results["floors"]) for key in results["floors"][0] if key != "at"}
    decode, encode = floor["decode_512_ms"], floor["encode_256_ms"]
    text = (f"One thread, libjpeg-turbo, CPU time: a block of 512 px of {floor['block_bytes'] / 1000:.0f} kB decoded in **{decode:.3f} ms**, a tile of "
            f"256 px encoded in **{encode:.3f} ms** (PNG {floor['png_256_ms']:.2f}, WebP {floor['webp_256_ms']:.2f}).\n\n")
    rows = []
    for name in ("U1", "U3", "U2", "B1"):
        for server, row in told.get(name, {}).items():
            if server.startswith("pavage"):
                rows.append([f"{name} {server}", number(row["cpu_ms"]), number(row["cpu_ms"] / decode), number(row["cpu_ms"] / encode)])
    return text + table(["", "CPU-ms a tile", "in decodes", "in encodes"], rows)


# What a table of a trial does not say by itself.
TRIALS = {
    "overload": "Requests come at four times the capacity, answered or not. *Unasked* are those for which the load had no connection left; *other answers* are neither a tile nor 503.\n\n",
    "scaling": "*× for a loop*: how much more the same cores give a loop that shares nothing.\n\n",
    "connections": "Who is told to come again (503) asks again at once, from 256 connections some ten thousand times a second, on the cores of the server.\n\n",
    "seeding": "Tiles a CPU-second of `pavage seed`, and of the server that renders every tile, in turn.\n\n",
}


def trials(results):
    parts = []
    for name, servers in results["trials"].items():
        if not servers:
            continue
        about = TRIALS.get(name, "")
        if name in ("scaling", "connections"):
            head, more = ("cores", ["× for a loop"]) if name == "scaling" else ("connections", ["p50 ms", "p99 ms"])
            rows = []
            for server, counts in servers.items():
                first = next(told for key, told in counts.items() if key != "at")
                for count, told in counts.items():
                    if count != "at":
                        row = [f"{server}, {count}", number(told["rps"]), number(told["rps"] / first["rps"]), number(told["cpu_ms"])]
                        if name == "scaling":
                            row.append(number(told["machine"] / first["machine"]) if "machine" in told else "")
                        else:
                            row += [number(told["p50_ms"]), number(told["p99_ms"])]
                        rows.append([*row, f"{told['other_cores']:.2f}"])
            body = table([head, "tiles/s", "× the first", "CPU-ms", *more, "other"], rows)
        else:
            keys = [key for key in next(iter(servers.values())) if key not in ("at", "anon_mib")]
            body = table(["", *servers], [[key.replace("_", " "), *(number(told[key]) for told in servers.values())] for key in keys])
        parts.append(f"### {name}\n\n{about}{body}")
    return "\n\n".join(parts)


def readme(results, tables):
    told, machine = medians(results), results["machine"]
    days = sorted({row["at"][:10] for row in results["rounds"]})
    parts = ["# Tile servers side by side", ", ".join(dict.fromkeys((days[:1] + days[-1:]))) + f". {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
             f"{machine['system']}, Linux {machine['kernel']}.",
             "**CPU-ms** is what a tile cost: user and system time of all processes of the server, divided by the tiles that it gave. "
             "*other* is how many cores something else kept busy meanwhile; where it is not near 0, tiles a second and latencies say little, and "
             "CPU-ms still much. *× Pavage* is CPU-ms divided by that of `pavage`, or where it has no row, of Pavage's own entry with 1.00. *dB* is the PSNR against an exact warp of the source. "
             + ("The load is a batch job, which interrupts nobody. " if results.get("load") == "batch" else
                "The load is scheduled as the servers are, and interrupts them with each answer that it takes. ") +
             "What each workload is, and what to mind: [docs/benchmarks.md](../../../docs/benchmarks.md).",
             "![CPU time of a tile, by workload and server](chart.svg)"]
    parts.append(f"## At a glance\n\nCPU time of a tile as a multiple of Pavage's with as much memory for blocks:\n\n{at_a_glance(told)}")
    for workload in workloads.ALL:
        if servers := told.get(workload.name):
            rounds = sorted({row["rounds"] for row in servers.values()})
            parts.append(f"## {workload.name}: {workload.title}\n\n{of_workload(results, workload, servers)}\n\n"
                         f"Medians of {' or '.join(map(str, rounds))} round{'s' if rounds != [1] else ''}.")
        if missing := results["skipped"].get(workload.name):
            parts.append("Not measured: " + "; ".join(f"{server} ({why})" for server, why in missing.items()) + ".")
    parts.append(f"## The floor\n\n{floors(results, told)}")
    if text := trials(results):
        parts.append(f"## Under stress\n\n{text}")
    used = {server for servers in told.values() for server in servers}
    parts.append("## Who\n\n" + table(["", "what"], [[name, tables[name]["what"]] for name in tables if name in used]))
    parts.append("Versions: " + ", ".join(f"{name} {version}" for name, version in results["versions"].items()) + ".")
    if bits := results["data"].get("jpeg_bits_per_px"):
        parts.append(f"JPEG sources have {bits} bits a pixel.")
    parts.append("Commands:\n\n" + "\n".join(f"    {command}" for command in results["commands"]))
    return "\n\n".join(parts) + "\n"


def short(results, link):
    """For the project's front page."""
    machine = results["machine"]
    return (f"![CPU time of a tile, by workload and server]({link}/chart.svg)\n\n"
            f"CPU time of a tile on {machine['cores']} cores of {machine['cpu']}, and how many times as much the others need with as much memory "
            f"for blocks:\n\n{at_a_glance(medians(results))}\n\nAll figures: [{link}]({link}/README.md).")


def put_between_marks(path, text):
    with open(path) as file:
        head, _, rest = file.read().partition(BEGIN)
    _, _, tail = rest.partition(END)
    if not tail:
        raise SystemExit(f"{path} has no marks")
    with open(path, "w") as file:
        file.write(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}")
