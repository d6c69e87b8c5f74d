"""What is asked of a page that stands: each probe returns the faults it sees, in words."""

from __future__ import annotations

from collections.abc import Collection
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
_AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def _asked(page: Page, question: str, *about: object) -> list[str]:
    faults: list[str] = page.evaluate(question, *about)
    return faults


def accessibility(page: Page) -> list[str]:
    """Violations of WCAG 2.0 to 2.2, levels A and AA, as far as axe sees them."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE)
    found: dict[str, Any] = page.evaluate(
        """tags => axe.run(document, {
            runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]
        })""",
        WCAG,
    )
    return [
        f"{rule['id']} at {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"][:5]
    ]


def overflow(page: Page) -> list[str]:
    """Whether the page as a whole must be moved sideways to be read, and what sticks out."""
    return _asked(
        page,
        """() => {
            const root = document.documentElement, width = root.clientWidth;
            if (root.scrollWidth <= width) return [];
            const out = [...document.body.querySelectorAll("*")].filter((element) => {
                const box = element.getBoundingClientRect();
                return box.right > width + 1 && box.width > 1;
            });
            const names = out.slice(0, 3).map((element) => element.outerHTML.slice(0, 80));
            return [`${root.scrollWidth} px wide in ${width}: ${names.join(" | ")}`];
        }""",
    )


def outside_addresses(page: Page) -> list[str]:
    """Elements that would fetch from elsewhere, were the policy not there to refuse it."""
    return _asked(
        page,
        """() => {
            const names = ["src", "srcset", "poster", "data", "action", "formaction", "href"];
            const faults = [];
            for (const element of document.querySelectorAll("*")) {
                if (element.localName === "a") continue;
                for (const name of names) {
                    const value = element.getAttribute(name);
                    if (value && /^\\s*(\\w+:)?\\/\\//.test(value)) {
                        faults.push(`<${element.localName} ${name}> leads to ${value}`);
                    }
                }
            }
            return faults;
        }""",
    )


def made_by_names(page: Page, names: Collection[str]) -> list[str]:
    """Elements or attributes that a name brought with it, and names that turn the text around.

    What stands in `names` never holds other markup: an element's own text is a text node.
    """
    return _asked(
        page,
        """names => {
            const faults = [];
            for (const element of document.querySelectorAll("img, iframe, object, embed, b")) {
                faults.push(`an element no page has: ${element.outerHTML.slice(0, 80)}`);
            }
            for (const element of document.querySelectorAll("*")) {
                for (const {name} of element.attributes) {
                    if (/^on|["'<>=]/.test(name)) faults.push(`<${element.localName} ${name}>`);
                }
            }
            for (const script of document.querySelectorAll("script, style")) {
                if (names.some((name) => name.length > 4 && script.textContent.includes(name))) {
                    faults.push(`a name stands in <${script.localName}>`);
                }
            }
            const turning = /[\\u0590-\\u08ff\\u202a-\\u202e]/;
            const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (texts.nextNode()) {
                const text = texts.currentNode;
                if (!turning.test(text.data)) continue;
                let holder = text.parentElement;
                if (holder.closest("script, style, title, desc, option, [dir=auto], bdi")) continue;
                while (getComputedStyle(holder).display === "inline") holder = holder.parentElement;
                if (holder.textContent.trim() !== text.data.trim()) {
                    faults.push(`a name turns its neighbours around, no <bdi>: ${text.data}`);
                }
            }
            return faults;
        }""",
        list(names),
    )


def title(page: Page) -> list[str]:
    """Whether the window's title says what the page's one heading says, and of which product."""
    headings = page.locator("h1").all_text_contents()
    name, _, product = page.title().rpartition(" · ")
    if len(headings) != 1:
        return [f"{len(headings)} h1, not one"]
    if product != "Tela de Atendimento" or not name:
        return [f"the title reads {page.title()!r}"]
    said = " ".join(headings[0].split())
    return [] if name in said else [f"the title says {name!r}, the heading {said!r}"]


def not_shown(page: Page) -> list[str]:
    """Content that is there and cannot be seen.

    What a reader may unfold counts as seen; hidden on purpose are the controls that a script works
    and the messages (`role=status`) that it has a reason to show.
    """
    return _asked(
        page,
        """() => [...document.querySelectorAll("h1, h2, h3, table, tr, ul, ol, dl, li, main p")]
            .filter((element) => !element.checkVisibility({visibilityProperty: true})
                && !element.closest("details:not([open]), [role=status]")
                && !element.closest("[hidden]:has(button, select, input)"))
            .slice(0, 5)
            .map((element) => `hidden: ${element.outerHTML.slice(0, 120)}`)""",
    )


def idle_controls(page: Page) -> list[str]:
    """Controls that are shown and do nothing, on a page whose scripts do not run."""
    return _asked(
        page,
        """() => {
            const controls = `button, select, input, textarea, [contenteditable], [role=button],
                [role=tab], [role=switch], [role=checkbox], [role=combobox], a:not([href])`;
            const faults = [...document.querySelectorAll(controls)]
                .filter((element) => element.checkVisibility({visibilityProperty: true}))
                .map((element) => `does nothing: ${element.outerHTML.slice(0, 120)}`);
            for (const link of document.querySelectorAll('a[href^="#"]')) {
                const target = decodeURIComponent(link.hash.slice(1));
                if (!document.getElementById(target)) faults.push(`leads nowhere: #${target}`);
            }
            return faults;
        }""",
    )


_FOCUSED = """() => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    window.seen ??= new Map();
    if (!window.seen.has(element)) window.seen.set(element, window.seen.size);
    const style = getComputedStyle(element), box = element.getBoundingClientRect();
    const middle = document.elementFromPoint(
        box.left + Math.min(box.width, innerWidth) / 2, box.top + Math.min(box.height, 40) / 2);
    const inside = box.bottom > 0 && box.top < innerHeight
        && box.right > 0 && box.left < innerWidth;
    return {
        number: window.seen.get(element),
        text: element.outerHTML.slice(0, 100),
        anchor: element.getAttribute("href"),
        outlined: style.outlineStyle === "auto"
            || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2),
        shown: inside && box.width > 0 && box.height > 0,
        covered: inside && middle !== null && middle !== element
            && !element.contains(middle) && !middle.contains(element),
    };
}"""
_REACHABLE = """() => [...document.querySelectorAll(
        "a[href], button, input, select, textarea, summary, [tabindex]")]
    .filter((element) => element.tabIndex >= 0 && !element.disabled
        && element.checkVisibility({visibilityProperty: true})
        && (element.type !== "radio" || element.checked)).length"""


def keyboard(page: Page, most: int = 200) -> list[str]:
    """Walk through the page by Tab: skip link first, each stop visible, all reached, no trap."""
    reachable = min(page.evaluate(_REACHABLE), most)
    faults: list[str] = []
    stops: list[int] = []
    while len(stops) < reachable:
        page.keyboard.press("Tab")
        stop = page.evaluate(_FOCUSED)
        if stop is None:
            faults.append(f"Tab leaves the page after {len(stops)} of {reachable} stops")
            break
        if not stops and not (stop["anchor"] or "").startswith("#"):
            faults.append(f"the first stop is no skip link: {stop['text']}")
        if stop["number"] in stops:
            faults.append(f"Tab comes back after {len(stops)} of {reachable}: {stop['text']}")
            break
        stops.append(stop["number"])
        for fault, holds in (
            ("no outline", not stop["outlined"]),
            ("out of sight", not stop["shown"]),
            ("covered by another element", stop["covered"]),
        ):
            if holds:
                faults.append(f"focus with {fault}: {stop['text']}")
    return faults


def skip_link(page: Page) -> list[str]:
    """Whether the skip link leads into the content: the next Tab is the first stop there."""
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    if not page.evaluate("document.querySelector('main a[href], main button, main [tabindex]')"):
        return []
    page.keyboard.press("Tab")
    inside = page.evaluate("document.activeElement.closest('main') !== null")
    return [] if inside else ["the skip link does not lead into <main>"]
