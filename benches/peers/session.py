"""What people do with a map, as a trace: a view of 6 x 4 tiles that moves by parts of itself, and zooms out and in again.

A user asks for the tiles that came into view and that the browser does not have yet. After some looking around the user is
somebody else, at another place and with an empty browser.
"""

import random

import grid

VIEW_COLS, VIEW_ROWS = 6, 4
MOVES_A_VISIT = 30
# How likely a move is a step out, and from there a step in.
OUT, AGAIN_IN, DEEPEST_OUT = 0.1, 0.5, 2


def trace(box, native, users, views, seed):
    """For each user the views, each a list of new tiles."""
    return [list(_views(box, native, views, random.Random(f"{seed} {user}"))) for user in range(users)]


def _views(box, native, count, draw):
    given = 0
    while given < count:
        for tiles in _visit(box, native, draw):
            if tiles:
                given += 1
                yield tiles


def _visit(box, native, draw):
    left, right, top, bottom = grid.span(box, native)
    col, row = draw.uniform(left, right - VIEW_COLS), draw.uniform(top, bottom - VIEW_ROWS)
    seen, out = set(), 0
    for _ in range(MOVES_A_VISIT):
        view = [tile for tile in _tiles(native - out, col, row) if grid.is_inside(box, *tile)]
        new = [tile for tile in view if tile not in seen]
        seen.update(new)
        # What is in the middle comes first, as map clients ask.
        middle = col + VIEW_COLS / 2, row + VIEW_ROWS / 2
        yield sorted(new, key=lambda tile: abs(tile[1] + 0.5 - middle[0]) + abs(tile[2] + 0.5 - middle[1]))
        zoomed = out
        if draw.random() < (AGAIN_IN if out else OUT):
            zoomed = 0 if out else draw.randint(1, DEEPEST_OUT)
        if zoomed == out:
            # By a part of a view, in any direction.
            col += draw.uniform(-1, 1) * VIEW_COLS
            row += draw.uniform(-1, 1) * VIEW_ROWS
        else:
            # The middle stays.
            scale = 2.0 ** (out - zoomed)
            col, row = ((at + half) * scale - half for at, half in ((col, VIEW_COLS / 2), (row, VIEW_ROWS / 2)))
            out = zoomed
        left, right, top, bottom = grid.span(box, native - out)
        col, row = min(max(col, left), right - VIEW_COLS), min(max(row, top), bottom - VIEW_ROWS)


def _tiles(z, col, row):
    return [(z, int(col) + x, int(row) + y) for y in range(VIEW_ROWS) for x in range(VIEW_COLS)]
