"""A page on paper: what is cut off, and whether each row of each table arrives whole.

Texts are compared by their letters and digits alone, since a PDF knows neither spaces nor line
ends; what is written from right to left is left out, since a PDF holds it in the order of its
drawing. Where a row went is told by marks, too small to be seen, that each of its cells gets before
printing.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from playwright.sync_api import Page, PdfMargins
from pypdf import PdfReader

_POINTS = {"mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0, "px": 1.0, "pt": 96 / 72}
_SHORT_SIDE, _LONG_SIDE = 210 * _POINTS["mm"], 297 * _POINTS["mm"]
MARGIN = "10mm"
"""What a browser leaves at the edges when the page's own style names no margin."""

_TURNING = re.compile("[\u0590-\u08ff\u202a-\u202e]")

# The page's rules for its sheets, by name; the rule without a name holds for all.
_SHEETS = """() => {
    const sheets = {};
    const read = (rules) => {
        for (const rule of rules) {
            if (rule instanceof CSSMediaRule && matchMedia(rule.conditionText).matches) {
                read(rule.cssRules);
            } else if (rule instanceof CSSPageRule && !rule.selectorText.includes(":")) {
                const {size, marginLeft, marginRight} = rule.style;
                sheets[rule.selectorText || "auto"] = [size, marginLeft, marginRight];
            }
        }
    };
    for (const sheet of document.styleSheets) read(sheet.cssRules);
    const used = new Set(["auto"]);
    for (const element of document.body.querySelectorAll("*")) {
        used.add(getComputedStyle(element).page);
    }
    return [...used].map((name) => [name, sheets[name] ?? sheets.auto ?? []]);
}"""

_SHOWN = """
    const shown = (element) => {
        if (!element.checkVisibility({visibilityProperty: true})) return false;
        for (let at = element; at && at !== document.body; at = at.parentElement) {
            const box = at.getBoundingClientRect(), style = getComputedStyle(at);
            if (style.display !== "contents" && style.overflow !== "visible"
                && (box.width <= 1 || box.height <= 1)) return false;
        }
        return true;
    };
"""

_CUT = (
    """([name, width]) => {"""
    + _SHOWN
    + """
    const sheetOf = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const {page} = getComputedStyle(at);
            if (page !== "auto") return page;
        }
        return "auto";
    };
    const faults = [], outside = new Set();
    for (const element of document.body.querySelectorAll("*")) {
        if (element.ownerSVGElement || !shown(element) || sheetOf(element) !== name) continue;
        const box = element.getBoundingClientRect(), style = getComputedStyle(element);
        const what = element.outerHTML.replace(/\\s+/g, " ").slice(0, 100);
        if (box.right > width + 1 || box.left < -1) {
            outside.add(element);
            if (outside.has(element.parentElement)) continue;
            faults.push(`${Math.round(box.left)} to ${Math.round(box.right)} px `
                + `of ${Math.round(width)}: ${what}`);
        }
        const boxed = style.display !== "inline";
        if (boxed && style.overflowX !== "visible"
            && element.scrollWidth > element.clientWidth + 1) {
            faults.push(`${element.scrollWidth - element.clientWidth} px cut at the side: ${what}`);
        }
        if (boxed && style.overflowY !== "visible"
            && element.scrollHeight > element.clientHeight + 1) {
            faults.push(`${element.scrollHeight - element.clientHeight} px cut below: ${what}`);
        }
    }
    return faults.slice(0, 8);
}"""
)

# The texts that are shown; then a mark at both ends of every cell: its table and its row, or h for
# the head.
_MARK = (
    """() => {"""
    + _SHOWN
    + """
    const textsOf = (element) => {
        const texts = [];
        const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const holder = walker.currentNode.parentElement;
            if (!holder.closest("script, style, title, desc, option, select") && shown(holder)) {
                texts.push(walker.currentNode.data);
            }
        }
        return texts;
    };
    const mark = (text) => {
        const made = document.createElement("span");
        made.textContent = text;
        made.style.fontSize = "0.1px";
        return made;
    };
    const texts = textsOf(document.body);
    const tables = [...document.querySelectorAll("table")].filter(shown);
    return {texts, tables: tables.map((table, number) => {
        const rows = [...table.rows].filter((row) => shown(row));
        const marked = {name: textsOf(table).join(" ").trim().slice(0, 60), head: 0, rows: []};
        rows.forEach((row, place) => {
            const inHead = row.parentElement === table.tHead;
            const cells = [...row.cells].filter(shown);
            for (const cell of cells) {
                const text = `qxq${number}r${inHead ? "h" : place}z`;
                cell.prepend(mark(text));
                cell.append(mark(text));
            }
            if (inHead) marked.head += 2 * cells.length;
            else marked.rows.push([place, 2 * cells.length, row.innerText.slice(0, 80)]);
        });
        return marked;
    })};
}"""
)
_A_MARK = re.compile(r"qxq(\d+)r(h|\d+)z")


def cut_off(page: Page) -> list[str]:
    """What is wider than the sheet's content, or hidden in a region that scrolls."""
    page.emulate_media(media="print", color_scheme="light")
    faults: list[str] = []
    for name, sheet in page.evaluate(_SHEETS):
        width = content_width(sheet)
        page.set_viewport_size({"width": int(width), "height": 1000})
        faults += page.evaluate(_CUT, [name, width])
    return faults


def content_width(sheet: Sequence[str]) -> float:
    """The width between the margins, in CSS pixels, of a sheet's size and side margins."""
    size, *margins = [*sheet, "", "", ""][:3]
    side = _LONG_SIDE if "landscape" in size else _SHORT_SIDE
    return side - sum(_pixels(margin or MARGIN) for margin in margins)


def _pixels(length: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(\w*)", length).groups()  # type: ignore[union-attr]
    return float(number) * _POINTS[unit or "px"]


def lost_in_print(page: Page) -> list[str]:
    """Texts that the PDF lacks, rows that are not whole on one sheet, heads that do not repeat."""
    page.emulate_media(media="print", color_scheme="light")
    shown = page.evaluate(_MARK)
    sheets = printed(page)
    marks = [Counter(_A_MARK.findall(sheet)) for sheet in sheets]
    everything = _A_MARK.sub("", "".join(sheets))
    faults = [
        f"not printed: {text.strip()[:80]!r}"
        for text in shown["texts"]
        if readable(text) and letters(text) not in everything
    ]
    for number, table in enumerate(shown["tables"]):
        found = broken(str(number), table["head"], table["rows"], marks)
        faults += [f"table {table['name']!r}: {fault}" for fault in found]
    return faults[:12]


def printed(page: Page) -> list[str]:
    """The letters of each sheet of the page printed on A4."""
    margins: PdfMargins = {"top": MARGIN, "right": MARGIN, "bottom": MARGIN, "left": MARGIN}
    pdf = page.pdf(format="A4", prefer_css_page_size=True, print_background=True, margin=margins)
    return [letters(sheet.extract_text()) for sheet in PdfReader(io.BytesIO(pdf)).pages]


def broken(
    table: str,
    marks_of_head: int,
    rows: Sequence[tuple[int, int, str]],
    marks: Sequence[Mapping[tuple[str, str], int]],
) -> Iterator[str]:
    """Rows of a table that are not whole on one sheet, and sheets with rows and without its head.

    A row is its number, how many marks it has, and its text; `marks` are those of each sheet.
    """
    used: set[int] = set()
    for place, expected, text in rows:
        on = [sheet for sheet, found in enumerate(marks) if found.get((table, str(place)))]
        used.update(on)
        if [marks[sheet][table, str(place)] for sheet in on] != [expected]:
            yield f"a row is not whole on one sheet: {text!r}"
    for sheet in sorted(used):
        if marks[sheet].get((table, "h"), 0) != marks_of_head:
            yield f"its head is missing on sheet {sheet + 1}"


def readable(text: str) -> bool:
    """Whether a text is written from left to right and so comes back from a PDF in its order."""
    return not _TURNING.search(text)


def letters(text: str) -> str:
    """The letters and digits of a text, in one case and one form."""
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text).casefold())
