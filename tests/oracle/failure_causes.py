"""Section 5: why a message failed, typed from the specification."""

from __future__ import annotations

UNKNOWN_ERROR = "unknown_error"
RECIPIENTS = frozenset({"no_whatsapp", "recipient_limit", "opted_out_whatsapp"})

_CODES_OF_CAUSE: dict[str, tuple[int, ...]] = {
    "no_whatsapp": (131026,),
    "recipient_limit": (131049, 130472, 131056),
    "opted_out_whatsapp": (131050,),
    "transient": (1, 2, 131000, 131016, 133004),
    "rate_limit": (4, 80007, 130429, 131048),
    "account": (
        *(0, 3, 10, 190, *range(200, 300), 33, 368),
        *(131005, 131031, 131037, 131042, 131045),
    ),
    "template": (
        *(100, 131008, 131009, 131047, 131051, 131053),
        *(132000, 132001, 132005, 132007, 132012, 132015, 132016),
    ),
}

KNOWN_ERRORS: dict[str, str] = {
    str(code): cause for cause, codes in _CODES_OF_CAUSE.items() for code in codes
}
