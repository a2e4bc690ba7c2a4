"""The chart of a results folder: a row a workload, a dot a server, CPU time of a tile on a logarithmic axis.

Runs in the work folder's Python, which has matplotlib: `chart.py FOLDER`.
"""

import json
import math
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
import report  # noqa: E402
import workloads  # noqa: E402
from matplotlib.ticker import FuncFormatter  # noqa: E402

INK, FAINT, PAPER = "#1f2933", "#d9dee4", "#ffffff"
# In the order of the legend: server, name, colour, marker, filled.
SERVERS = [
    ("pavage", "Pavage, every block decoded", "#0b7a5b", "o", True),
    ("pavage-hot", "Pavage, blocks in memory", "#0b7a5b", "o", False),
    ("mapserver", "MapServer", "#d1691e", "s", True),
    ("mapserver-hot", "MapServer, blocks in memory", "#d1691e", "s", False),
    ("qgis", "QGIS Server", "#7a5195", "D", True),
    ("titiler", "TiTiler", "#c2255c", "^", True),
    ("martin", "Martin", "#1c7ed6", "v", True),
    ("pavage-cached", "Pavage, cached tiles", "#0b7a5b", "*", True),
    ("pavage-kept", "Pavage, cached tiles", "#0b7a5b", "*", True),
    ("pavage-tls", "Pavage, cached tiles, TLS", "#0b7a5b", "*", False),
    ("pavage-passed", "Pavage, stored tiles passed on", "#0b7a5b", ">", True),
    ("nginx", "nginx, files", "#5c6773", "P", True),
    ("nginx-tls", "nginx, files, TLS", "#5c6773", "P", False),
    ("hyper", "bare hyper", "#5c6773", "X", True),
]


def plain(value, _=None):
    return f"{value:g}" if value < 1000 else f"{value:,.0f}".replace(",", " ")


def label(value):
    return f"{value:.2g}" if value < 10 else plain(float(f"{value:.2g}"))


# Labels on the same side that are nearer than this, in points, stand above each other.
LABEL_PT = 20


def dots(axes, y, values):
    """A workload's; labels go above and below in turns, and further off beside another one, so that neighbours stay readable."""
    shown = sorted((values[name], name) for name, *_ in SERVERS if name in values)
    axes.plot([shown[0][0], shown[-1][0]], [y, y], color=FAINT, linewidth=2, zorder=1, solid_capstyle="round")
    styles = {name: style for name, *style in SERVERS}
    ends, levels = [-math.inf, -math.inf], [0, 0]
    for place, (value, name) in enumerate(shown):
        _, colour, marker, filled = styles[name]
        axes.scatter([value], [y], marker=marker, s=150 if marker == "*" else 62, color=colour if filled else PAPER, edgecolors=colour,
                     linewidths=1.6, zorder=3)
        side = place % 2
        at = axes.transData.transform((value, y))[0] * 72 / axes.figure.dpi
        levels[side] = 1 - levels[side] if at - ends[side] < LABEL_PT else 0
        ends[side] = at
        off, above = 8 + 9 * levels[side], side == 0
        axes.annotate(label(value), (value, y), xytext=(0, off if above else -off), textcoords="offset points", ha="center",
                      va="bottom" if above else "top", fontsize=8, color=colour, zorder=4)


def panel(axes, rows, told, scale, unit):
    """Workloads below each other; what a tile costs, in milliseconds times `scale`."""
    shown = {name for name, *_ in SERVERS}
    costs = [server["cpu_ms"] * scale for workload in rows for name, server in told[workload.name].items() if name in shown]
    axes.set_xlim(min(costs) / 1.3, max(costs) * 1.3)
    for place, workload in enumerate(rows):
        dots(axes, -place, {name: server["cpu_ms"] * scale for name, server in told[workload.name].items()})
    axes.set_yticks([-place for place in range(len(rows))])
    axes.set_yticklabels([f"{workload.title}  " + rf"$\bf{{{workload.name}}}$" for workload in rows], fontsize=9)
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    axes.grid(axis="x", which="major", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", length=0, colors=INK)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_xlabel(unit, fontsize=9)


def main(folder):
    with open(f"{folder}/results.json") as file:
        results = json.load(file)
    told = report.medians(results)
    known = {name for name, *_ in SERVERS}
    rows = [workload for workload in workloads.ALL if known & set(told.get(workload.name, {}))]
    drawn, cached = ([workload for workload in rows if workload.is_cached == is_cached] for is_cached in (False, True))
    panels = [(drawn, 1, "CPU milliseconds a tile, logarithmic: less is better"),
              (cached, 1000, "CPU microseconds a tile, logarithmic: less is better")]
    panels = [panel for panel in panels if panel[0]]
    plt.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "pavage", "font.family": "sans-serif",
                     "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"], "text.color": INK, "axes.labelcolor": INK}
    heights = [len(panel[0]) + 0.9 for panel in panels]
    inches = 1.4 + 0.6 * sum(heights)
    figure, axes = plt.subplots(len(panels), figsize=(11, inches), facecolor=PAPER, height_ratios=heights, squeeze=False)
    for (own, scale, unit), place in zip(panels, axes[:, 0]):
        place.set_xscale("log")
        panel(place, own, told, scale, unit)
    entered = {name for workload in rows for name in told[workload.name]}
    # Two servers may be one entry of the legend.
    entries = {text: (marker, colour, filled) for name, text, colour, marker, filled in reversed(SERVERS) if name in entered}
    handles = [plt.Line2D([], [], linestyle="", marker=marker, markersize=10 if marker == "*" else 7, markeredgewidth=1.6, color=colour,
                          markerfacecolor=colour if filled else PAPER, label=text)
               for text, (marker, colour, filled) in reversed(entries.items())]
    machine, down = results["machine"], lambda distance: 1 - distance / inches
    figure.text(0.012, down(0.08), "What a tile costs", va="top", fontsize=15, fontweight="bold")
    figure.text(0.012, down(0.42), f"{machine['cpu']}, {machine['cores']} cores; servers take turns, medians", va="top", fontsize=9)
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.003, down(0.6)), ncols=4, frameon=False, fontsize=8.5,
                  columnspacing=1.4, handletextpad=0.3)
    figure.tight_layout(rect=(0, 0, 1, down(1.25)), h_pad=1.2)
    figure.savefig(f"{folder}/chart.svg", metadata={"Date": None}, facecolor=PAPER)


if __name__ == "__main__":
    main(*sys.argv[1:])
