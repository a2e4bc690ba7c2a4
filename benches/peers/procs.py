"""What processes took of the machine, from `/proc`: CPU time and memory of a server with all its children."""

import os
import re

TICKS = os.sysconf("SC_CLK_TCK")


def _stat(pid):
    """Its parent; user and system ticks of its own and of its children that ended."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), sum(map(int, fields[11:15]))


def family(roots):
    """These processes and their descendants that live."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (stat := _stat(entry)):
            children.setdefault(stat[0], []).append(int(entry))
    found, open_ends = set(), list(roots)
    while open_ends:
        pid = open_ends.pop()
        if pid not in found and _stat(pid):
            found.add(pid)
            open_ends += children.get(pid, [])
    return found


def cpu_s(roots):
    return sum(stat[1] for pid in family(roots) if (stat := _stat(pid))) / TICKS


def memory_mb(roots):
    """Sums over the family: the peak of resident memory, resident memory now, and what of it is no file."""
    sums = {"VmHWM": 0, "VmRSS": 0, "RssAnon": 0}
    for pid in family(roots):
        try:
            with open(f"/proc/{pid}/status") as file:
                text = file.read()
        except OSError:
            continue
        for key in sums:
            if found := re.search(rf"^{key}:\s+(\d+) kB", text, re.MULTILINE):
                sums[key] += int(found[1]) / 1024
    return {"peak_mb": sums["VmHWM"], "rss_mb": sums["VmRSS"], "anon_mb": sums["RssAnon"]}


def machine_s():
    """Seconds that all cores were busy, or taken away by the hypervisor."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, soft, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + soft + steal) / TICKS


def machine():
    """What it is, for the head of a table."""
    with open("/proc/cpuinfo") as file:
        model = re.search(r"^model name\s*:\s*(.+)$", file.read(), re.MULTILINE)
    with open("/proc/meminfo") as file:
        memory_kb = int(re.search(r"MemTotal:\s+(\d+)", file.read())[1])
    with open("/etc/os-release") as file:
        system = re.search(r'^PRETTY_NAME="(.+)"', file.read(), re.MULTILINE)
    return {
        "cpu": model[1] if model else os.uname().machine,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory_kb / 2**20),
        "system": system[1] if system else os.uname().sysname,
        "kernel": os.uname().release,
    }


def short_name(machine):
    """`epyc-2`: the processor's family and its cores."""
    known = re.search(r"epyc|xeon|ryzen|threadripper|core|neoverse|graviton|ampere", machine["cpu"], re.IGNORECASE)
    return f"{known[0].lower() if known else 'cpu'}-{machine['cores']}"
