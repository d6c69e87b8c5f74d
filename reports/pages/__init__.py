"""One module per page: its frozen view model, its query and its builder.

HTML is in `templates/`, text in `labels.py`. `reports/edition_plan.py` lists all pages;
`tests/conventions/test_pages.py` checks that each template uses exactly its view model's fields.
"""
