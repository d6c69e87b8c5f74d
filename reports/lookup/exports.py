"""Exports all rows of the grid on screen as CSV and XLSX.

The files hold no phone numbers; those are in the Ficha.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from io import BytesIO

from starlette.exceptions import HTTPException
from starlette.responses import Response

from reports import exports, labels
from reports.documents import Writer
from reports.exports import Sheet
from reports.lookup import filter_params, grid_rows, published_company, totals_page
from reports.lookup.filter_params import FilterParams
from reports.lookup.request_context import RequestContext
from reports.pages import total_rows
from reports.paths import total_name

CSV_PATH = f"{totals_page.FILES_PATH}.csv"
XLSX_PATH = f"{totals_page.FILES_PATH}.xlsx"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def csv(visit: RequestContext) -> Callable[[], Response]:
    """Prepare the rows as CSV; the returned function writes them."""
    choice, sheet = _sheet(visit, "csv")
    return partial(_file, choice, "csv", "text/csv", exports.csv_writer(sheet))


def xlsx(visit: RequestContext) -> Callable[[], Response]:
    """Prepare the rows as XLSX; the returned function writes them."""
    choice, sheet = _sheet(visit, "xlsx")
    return partial(_file, choice, "xlsx", _XLSX, exports.xlsx_writer(sheet))


def _sheet(visit: RequestContext, kind: str) -> tuple[FilterParams, Sheet]:
    choice = filter_params.read_filter_params(visit.conn, visit.user, visit.request.query_params)
    company = published_company.company_of(visit.conn, visit.user, choice.company_id)
    picture = totals_page.picture_of(visit, choice)
    if picture.count > totals_page.MOST_TAKEN:
        raise HTTPException(404)
    buckets = [bucket for bucket, _ in picture.shown]
    filters = choice.filters(visit.user.access)
    listed = grid_rows.find_all_rows(visit.conn, filters, company, choice.total, buckets)
    visit.record(
        "rows_taken",
        company_id=choice.company_id,
        total=choice.total,
        rows=str(len(listed)),
        file=kind,
    )
    sheet = total_rows.export_sheet(company, choice.total, picture.named, listed)
    about = (
        (labels.ABOUT_DATA_UNTIL, exports.moment_or_none(company.stamp.data_until)),
        (labels.ABOUT_AS_OF, exports.moment_or_none(company.stamp.as_of)),
        (labels.ABOUT_TIMEZONE, company.stamp.timezone),
        *company.proof.parameters,
    )
    return choice, sheet._replace(about=about)


def _file(choice: FilterParams, ending: str, kind: str, write: Writer) -> Response:
    content = BytesIO()
    write(content)
    name = f"{total_name(choice.total)}.{ending}"
    return Response(
        content.getvalue(),
        media_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
