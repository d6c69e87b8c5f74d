"""Phone numbers: R4 and the keys of R10."""

from __future__ import annotations

_PUNCTUATION = set("().-+")
_DIGITS = set("0123456789")


def cleaned(text: str | None) -> str:
    """R4. The text without spaces and `( ) . - +`; null is nothing.

    The specification does not say which characters are spaces: here every white space is one, the
    no-break space of pasted text included.
    """
    return "".join(sign for sign in text or "" if sign not in _PUNCTUATION and not sign.isspace())


def _only_digits(text: str) -> bool:
    return all(sign in _DIGITS for sign in text)


def valid_phone(ddd: str | None, mobile: str | None) -> bool:
    """R4. Both parts digits only after cleaning, the DDD 2 long and the mobile 8 or 9."""
    area, subscriber = cleaned(ddd), cleaned(mobile)
    return (
        _only_digits(area)
        and _only_digits(subscriber)
        and len(area) == 2
        and len(subscriber) in (8, 9)
    )


def phone_key(number: str | None) -> str | None:
    """R10. The key of a WhatsApp number, or None when it is no number of this shape."""
    digits = number_to_answer(number)
    return digits[:2] + without_ninth_digit(digits[2:]) if digits else None


def number_to_answer(number: str | None) -> str | None:
    """R18. DDD and subscriber of a WhatsApp number; none when it holds a letter."""
    if any(sign.isalpha() for sign in number or ""):
        return None
    digits = "".join(sign for sign in number or "" if sign in _DIGITS)
    if len(digits) in (12, 13) and digits.startswith("55"):
        digits = digits[2:]
    return digits if len(digits) in (10, 11) else None


def client_phone_key(ddd: str | None, mobile: str | None) -> str | None:
    """R10. The same key of a client's DDD and mobile, or None when they do not pass R4."""
    if not valid_phone(ddd, mobile):
        return None
    return cleaned(ddd) + without_ninth_digit(cleaned(mobile))


def without_ninth_digit(subscriber: str) -> str:
    """R10. A 9-digit subscriber that starts with 9 and goes on with 6–9 loses its first digit."""
    if len(subscriber) == 9 and subscriber[0] == "9" and subscriber[1] in "6789":
        return subscriber[1:]
    return subscriber


def numbers_to_phone(
    ddd: str | None, mobile: str | None, landline: str | None
) -> list[tuple[str, str]]:
    """R15. The mobile if R4 holds, then the landline if it is another of 10 or 11 digits."""
    numbers = []
    if valid_phone(ddd, mobile):
        numbers.append((cleaned(ddd) + cleaned(mobile), "mobile"))
    fixed = cleaned(landline)
    if _only_digits(fixed) and len(fixed) in (10, 11) and fixed not in dict(numbers):
        numbers.append((fixed, "landline"))
    return numbers
