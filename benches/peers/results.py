"""The raw rounds of a results folder, kept after each one, so that a run can be stopped and go on."""

import json
import os
import time

import procs


class Results:
    def __init__(self, folder, names=None):
        """`names`: what stands for the paths of this machine, which are nobody's business."""
        self.folder, self.path, self.names = folder, f"{folder}/results.json", names or {}
        self.data = {"machine": procs.machine(), "commands": [], "versions": {}, "data": {}, "rounds": [], "skipped": {}, "floors": [],
                     "quality": {}, "trials": {}}
        if os.path.exists(self.path):
            with open(self.path) as file:
                # Those of before there was a choice were ordinary.
                self.data |= {"load": "ordinary"} | json.load(file)

    def measured_with(self, load):
        """Rounds under different loads are not mixed."""
        if self.data.setdefault("load", load) != load:
            raise SystemExit(f"{self.path} is of a load that is {self.data['load']}, not {load}")

    def save(self):
        os.makedirs(self.folder, exist_ok=True)
        with open(self.path + ".part", "w") as file:
            file.write(self.hidden(json.dumps(self.data, indent=1)) + "\n")
        os.replace(self.path + ".part", self.path)

    def hidden(self, text):
        for path, name in self.names.items():
            text = text.replace(path, name)
        return text

    def rounds(self, workload, server):
        return [row for row in self.data["rounds"] if (row["workload"], row["server"]) == (workload, server)]

    def forget(self, workload, server):
        self.data["rounds"] = [row for row in self.data["rounds"] if (row["workload"], row["server"]) != (workload, server)]

    def add(self, workload, server, told):
        row = {"workload": workload, "server": server, "at": time.strftime("%FT%TZ", time.gmtime())}
        self.data["rounds"].append(row | {key: _rounded(value) for key, value in told.items()})
        self.data["skipped"].get(workload, {}).pop(server, None)
        self.save()

    def skip(self, workload, server, why):
        self.data["skipped"].setdefault(workload, {})[server] = why
        self.save()


def _rounded(value):
    return float(f"{value:.5g}") if isinstance(value, float) else value


def default_folder(root):
    """`<root>/<date>-<machine>`"""
    return f"{root}/{time.strftime('%F')}-{procs.short_name(procs.machine())}"
