"""One module a page: its frozen view model, its query and its builder.

Belongs here: which facts a page shows and in which order. Does not: HTML (`templates/`), words
(`labels.py`), rules. `reports/edition_plan.py` lists them all; `tests/conventions/test_pages.py`
holds each template to exactly the fields of its view model.
"""
