"""Pages in a real browser: what only a browser can tell about them.

Belongs here: what holds for every kind of page, found by the kind that a page names on `<body>`, so
that a new page is tested on the day it is written. Does not: what a page says (`tests/golden/`).
"""
