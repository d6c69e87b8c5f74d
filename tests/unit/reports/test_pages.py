"""What the totals of a report say: they add up, lead to their rows, whatever the names."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.ingest.contract import SOURCE_TABLES
from reports import labels
from reports.pages import company_report, totals
from reports.pages.movement import Moves
from reports.pages.report_sections import Counted, ReportFacts
from reports.pages.totals import Clients, Count, Counts
from reports.queries.call_list_counts import ListCount
from reports.queries.companies import Company, stamp_of
from reports.render import render
from reports.view_model import Proof
from tests.unit.reports.published_tables import AS_OF, EDITION, HOSTILE_NAMES, TODAY

COMPANY = Company(
    company_id="c1",
    name="Oficina <Centro>",
    local_date=TODAY,
    no_reply_days=2,
    dispatch_grace_hours=Decimal("12"),
    stamp=stamp_of(EDITION, AS_OF - timedelta(minutes=15), "America/Sao_Paulo", 24),
    proof=Proof(EDITION.run_id, "0123456789abcdef"),
)
NOTHING = ReportFacts(
    counts={},
    clients=Clients({}, 0),
    loss_reasons={},
    alarms={},
    measures=(),
    moves=Moves({}, None),
    sets={},
    last_day=TODAY,
    combinations={},
    counted=Counted(0, 0, 0),
)


def address(totalizer: str, bucket: str | None, today: bool) -> str:
    return f"{totalizer} {bucket} {today}"


def built(counts: Counts, loss_reasons: dict[str, str] | None = None) -> dict[str, totals.Total]:
    found = totals.build_totals(counts, Clients({}, 0), loss_reasons or {}, address)
    return {total.code: total for total in found}


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_stays_text(name: str) -> None:
    facts = NOTHING._replace(counts={("refused", "l"): Count(1, 1)}, loss_reasons={"l": name})
    lists = [ListCount("a", name, 0, 0, 0)]
    html = render(
        company_report.build_company_report(COMPANY._replace(name=name), facts, lists, address)
    )
    assert html.count("<script") == 1  # the page's own
    assert "<img" not in html


codes = st.sampled_from(
    [(of, bucket) for of, buckets in labels.BUCKETS.items() for bucket in buckets]
    + [("refused", "l1"), ("refused", "dropped"), ("passive", "new_bucket")]
)
counts = st.dictionaries(codes, st.builds(Count, st.integers(0, 9), st.integers(0, 9)))


@given(counts)
def test_r11_a_total_is_the_sum_of_its_buckets(counted: dict[tuple[str, str], Count]) -> None:
    for total in built(counted, {"l1": "Preço"}).values():
        of_total = [count for (code, _), count in counted.items() if code == total.code]
        assert total.today.number == sum(count.today for count in of_total)
        assert total.all_dates.number == sum(count.all_dates for count in of_total)
        assert total.today.number == sum(bucket.today.number for bucket in total.buckets)
        assert total.all_dates.number == sum(bucket.all_dates.number for bucket in total.buckets)


@given(counts)
def test_every_number_but_zero_leads_to_its_rows(counted: dict[tuple[str, str], Count]) -> None:
    for code, total in built(counted).items():
        named = totals.buckets_of(code, counted, {})
        for bucket, part in [(None, total), *zip(named, total.buckets, strict=True)]:
            for figure, today in ((part.today, True), (part.all_dates, False)):
                expected = address(code, bucket, today) if figure.number else None
                assert figure.href == expected


def test_r11_every_bucket_is_shown_and_reasons_are_named() -> None:
    found = built({}, {"l1": "Preço"})
    assert list(found) == list(labels.TOTALIZERS)
    assert [b.label for b in found["refused"].buckets] == ["Preço", "Sem motivo informado"]
    assert [b.label for b in found["no_reply"].buckets] == [
        "Há 1 dia",
        "Há 2 dias",
        "Há 3 dias ou mais",
    ]
    assert all(b.today.number == 0 for total in found.values() for b in total.buckets)


def test_r11_a_loss_reason_that_was_dropped_is_shown_by_its_id() -> None:
    counted = {("refused", "gone"): Count(1, 2), ("refused", "unspecified"): Count(3, 4)}
    refused = built(counted, {"l1": "Preço"})["refused"]
    assert [b.label for b in refused.buckets] == ["gone", "Preço", "Sem motivo informado"]


def test_reasons_stand_by_frequency_then_name_and_none_given_last() -> None:
    counted = {
        ("refused", "b"): Count(0, 5),
        ("refused", "c"): Count(0, 5),
        ("refused", "a"): Count(9, 6),
        ("refused", "unspecified"): Count(0, 99),
    }
    named = totals.buckets_of("refused", counted, {"a": "Zebra", "b": "Única", "c": "ultima"})
    assert list(named) == ["a", "c", "b", "unspecified"]


def test_a_share_of_nothing_is_not_available_and_a_single_part_has_none() -> None:
    empty = built({})
    assert [part.share and part.share.text for part in empty["no_show"].buckets] == ["N/D"] * 2
    assert [part.share for part in empty["booked"].buckets] == [None]
    some = built({("no_show", "manual"): Count(0, 1), ("no_show", "automatic"): Count(0, 7)})
    assert [part.share and part.share.text for part in some["no_show"].buckets] == [
        "12,5%",
        "87,5%",
    ]


def test_r12_the_share_sent_is_of_today_alone() -> None:
    counted = {
        ("active", "sent"): Count(7, 100),
        ("active", "other"): Count(1, 900),
        ("no_show", "manual"): Count(5, 5),
    }
    assert totals.sent_today(counted).text == "87,5%"
    assert totals.sent_today({("active", "sent"): Count(0, 9)}).text == "N/D"


def test_companies_together_are_added_up() -> None:
    one = {("active", "sent"): Count(1, 2)}
    other = {("active", "sent"): Count(3, 4), ("booked", "booked"): Count(0, 1)}
    assert totals.together([one, other, {}]) == {
        ("active", "sent"): Count(4, 6),
        ("booked", "booked"): Count(0, 1),
    }


def test_every_code_of_the_contract_that_a_page_shows_has_words() -> None:
    codes_of = {
        (table.name, column.name): set(column.codes)
        for table in SOURCE_TABLES
        for column in table.columns
    }
    assert set(labels.OUTCOMES) == codes_of["call_attempt", "outcome"] - {"void"}
