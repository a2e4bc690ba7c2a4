"""Of what must hold without any peer: `python3 benches/peers/test_peers.py`."""

import os
import shutil
import sys
import tempfile
import unittest

import grid
import load
import report
import results
import server
import session
import trials
import workloads

BOX = [650_000, 6_233_000, 652_000, 6_235_000]


class Grid(unittest.TestCase):
    def test_places_are_where_proj_says(self):
        # cs2cs EPSG:2154 EPSG:3857
        x, y = grid.mercator(650_000, 6_235_000)
        self.assertAlmostEqual(x, 265_507.957_724, 5)
        self.assertAlmostEqual(y, 5_344_366.365_185, 5)

    def test_there_and_back(self):
        for place in ((650_000, 6_235_000), (100_000, 6_100_000), (1_200_000, 7_100_000)):
            for given, got in zip(place, grid.lambert(*grid.mercator(*place))):
                self.assertAlmostEqual(given, got, 6)

    def test_tiles_lie_in_the_box_or_where_none_does_touch_it(self):
        self.assertTrue(all(grid.is_inside(BOX, *tile) for tile in grid.tiles(BOX, 18)))
        touching = grid.tiles(BOX, 13)
        self.assertTrue(touching and not any(grid.is_inside(BOX, *tile) for tile in touching))


class Session(unittest.TestCase):
    def test_a_trace_is_the_same_every_time_and_another_for_every_user(self):
        trace = session.trace(BOX, 21, 2, 40, "seed")
        self.assertEqual(trace, session.trace(BOX, 21, 2, 40, "seed"))
        self.assertNotEqual(trace[0], trace[1])

    def test_a_view_has_new_tiles_of_one_zoom_and_no_more_than_a_screen(self):
        for view in session.trace(BOX, 21, 1, 200, "seed")[0]:
            self.assertTrue(1 <= len(view) == len(set(view)) <= session.VIEW_COLS * session.VIEW_ROWS)
            self.assertEqual(len({z for z, _, _ in view}), 1)
            self.assertTrue(all(grid.is_inside(BOX, *tile) for tile in view))

    def test_most_of_it_is_native_zoom(self):
        tiles = [tile for view in session.trace(BOX, 21, 2, 300, "seed") for tiles in view for tile in tiles]
        native = sum(z == 21 for z, _, _ in tiles) / len(tiles)
        self.assertTrue(0.6 < native < 0.95, native)


class Servers(unittest.TestCase):
    def test_every_server_can_be_asked_for_what_it_has_and_no_key_stays_unfilled(self):
        place = server.Place("/work", "/pavage", "/programs", 18200, cores=2)
        for name, table in server.settings().items():
            one = server.Server(name, table, place)
            asked = [one.path(workload, (21, 1, 2)) for workload in workloads.ALL if one.has(workload)]
            self.assertTrue(asked, f"{name} takes part in nothing")
            commands = [one.filled(text) for text in (*asked, *table["start"])]
            for template in table.get("files", {}).values():
                with open(f"{server.HERE}/conf/{template}") as file:
                    commands.append("".join(line for line in map(one.filled, file) if not line.startswith("#")))
            for text in commands:
                self.assertNotRegex(text.replace("@2x", ""), r"@\w+@|\{\w+\}|True|False", name)

    def test_those_that_trials_name_are_there(self):
        for _, names in trials.ALL.values():
            self.assertLessEqual(set(names), set(server.settings()))


class Scaling(unittest.TestCase):
    def test_each_core_has_its_turn(self):
        self.assertEqual([trials.some([0, 1], 1, number) for number in range(3)], [[0], [1], [0]])
        self.assertEqual([trials.some([0, 2, 5], 2, number) for number in range(3)], [[0, 2], [2, 5], [0, 5]])
        self.assertEqual(trials.some([0, 1], 2, 1), [0, 1])

    def test_a_core_counts_as_much_as_another_however_often_it_was_asked(self):
        rows = [{"cpus": [cpu], "rps": rps} for cpu, rps in ((0, 10), (0, 30), (0, 12), (1, 20))]
        self.assertEqual(trials.over_cores(rows, "rps"), 16)

    def test_a_loop_is_counted_on_the_cores_that_are_named(self):
        self.assertGreater(trials.loops(sorted(os.sched_getaffinity(0))[:1], seconds=0.05), 0)


class Load(unittest.TestCase):
    @unittest.skipUnless(shutil.which("chrt"), "chrt (util-linux) is missing")
    def test_a_load_interrupts_nobody_unless_it_shall(self):
        for policy, expected in (("batch", os.SCHED_BATCH), ("ordinary", os.sched_getscheduler(0))):
            asked = server.Server("nginx", server.settings()["nginx"], server.Place("/work", "/pavage", "/programs", 18200, load=policy))
            told = load._output(asked, [sys.executable, "-c", "import os; print(os.sched_getscheduler(0))"], 1)
            self.assertEqual(int(told), expected)

    def test_rounds_under_different_loads_are_not_mixed(self):
        with tempfile.TemporaryDirectory() as folder:
            first = results.Results(folder)
            first.measured_with("ordinary")
            first.save()
            again = results.Results(folder)
            again.measured_with("ordinary")
            self.assertRaises(SystemExit, again.measured_with, "batch")


class Report(unittest.TestCase):
    def test_medians_and_ratios(self):
        row = lambda server, cpu, bad=0: {"workload": "U1", "server": server, "at": "2026-11-25T00:00:00Z", "rps": 1, "p50_ms": 1, "p99_ms": 2,
                                          "cpu_ms": cpu, "peak_mb": 9, "bytes": 20_000, "other_cores": 0, "bad": bad}
        results = {"rounds": [row("pavage", 1), row("pavage", 2), row("pavage", 6), row("other", 8, bad=1)], "quality": {}}
        told = report.medians(results)["U1"]
        self.assertEqual(told["pavage"]["cpu_ms"], 2)
        text = report.of_workload(results, workloads.BY_NAME["U1"], told)
        self.assertIn("| **8.00** | 4.00 |", text)
        self.assertIn("1 bad answers: void", text)


if __name__ == "__main__":
    unittest.main()
