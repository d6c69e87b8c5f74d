"""Generates clients with realistically untidy phone numbers, and their vehicles."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from string import ascii_uppercase

from orchestration.demo.clock import DAY
from orchestration.demo.delivery_files import DeliveryFiles
from orchestration.demo.fields import ascii_login, csv_field
from orchestration.demo.group import DemoCompany
from orchestration.demo.names import FIRM_KINDS, FIRST_NAMES, MODELS, SURNAMES
from orchestration.demo.rng import Rng

_PLATE_LETTERS = tuple("".join(letters) for letters in product(ascii_uppercase, repeat=3))
_PLAIN_FIRST = tuple(map(ascii_login, FIRST_NAMES))
_PLAIN_LAST = tuple(map(ascii_login, SURNAMES))
# Lower subscriber numbers are reserved for clients whose number must be unique.
FIRST_DRAWN_NUMBER = 60_001_000
_LAST_NUMBER = 99_999_999


@dataclass(slots=True)
class Client:
    """A client; `number` is the mobile without its ninth digit, empty when it is not valid."""

    client_id: str
    company: DemoCompany
    surname: str
    number: str
    reachable: bool
    vehicle_id: str
    opted_out_at: int = 0


def drawn_number(dice: Rng) -> str:
    """Return a random mobile number without its ninth digit."""
    return str(dice.between(FIRST_DRAWN_NUMBER, _LAST_NUMBER))


def whatsapp_number(dice: Rng, ddd: str, number: str) -> str:
    """Return a number as LEADZAP reports it, with or without country code and ninth digit.

    Args:
        dice: Source of random numbers.
        ddd: The area code.
        number: The mobile number without its ninth digit.

    Returns:
        The number as text.
    """
    style = dice.random()
    if style < 0.6:
        return f"55{ddd}9{number}"
    if style < 0.85:
        return f"55{ddd}{number}"
    if style < 0.95:
        return f"+55 {ddd} 9{number[:4]}-{number[4:]}"
    return f"{ddd}9{number}"


class People:
    """Writes clients and vehicles and assigns ids."""

    def __init__(self, files: DeliveryFiles, dice: Rng) -> None:
        self.dice = dice
        self._client = files.rows("client").append
        self._vehicle = files.rows("vehicle").append
        self.clients = 0
        self.vehicles = 0

    def client(self, company: DemoCompany, relative: Client | None) -> Client:
        """Write a client with vehicles, who sometimes shares the mobile number of `relative`."""
        dice = self.dice
        random = dice.random
        first, last = int(random() * len(FIRST_NAMES)), int(random() * len(SURNAMES))
        surname = SURNAMES[last]
        number = ""
        if relative is not None and relative.number and random() < 0.015:
            surname, number, company = relative.surname, relative.number, relative.company
        if random() < 0.05:
            name = csv_field(dice.pick(FIRM_KINDS).format(surname))
        else:
            name = f"{FIRST_NAMES[first]} {dice.pick(SURNAMES)} {surname}"
        if not number:
            number = drawn_number(dice)
        ddd, mobile, valid = self._mobile(company.ddd, number)
        landline = self._landline(company.ddd, 0.3 if valid else 0.65)
        email = (
            f"{_PLAIN_FIRST[first]}.{_PLAIN_LAST[last]}{int(random() * 1000)}@example.com"
            if random() < 0.6
            else ""
        )
        accepts = random() >= 0.05
        clock = company.clock
        known = clock.now - dice.between(130 * DAY, 900 * DAY)
        client_id = self.write(
            company,
            name,
            ddd,
            mobile,
            landline,
            email,
            accepts=accepts,
            updated=known,
            accepts_calls="false" if random() < 0.01 else "true" if random() < 0.5 else "",
        )
        if random() < 0.12:
            # An earlier version without e-mail and landline.
            self._client(
                f"{client_id},{clock.text(known - 200 * DAY)},{name},{ddd},{mobile},,,true,\n"
            )
        vehicle_id = self.vehicle(company, client_id, active=random() >= 0.06)
        if random() < 0.12:
            self.vehicle(company, client_id, active=random() >= 0.3)
        return Client(
            client_id, company, surname, number if valid else "", valid and accepts, vehicle_id
        )

    def write(
        self,
        company: DemoCompany,
        name: str,
        ddd: str,
        mobile: str,
        landline: str,
        email: str,
        *,
        accepts: bool,
        updated: int,
        accepts_calls: str = "",
    ) -> str:
        """Write one version of a client.

        Args:
            company: The company whose clock is used.
            name: The name.
            ddd: The area code as typed.
            mobile: The mobile number as typed.
            landline: The landline as typed.
            email: The e-mail address.
            accepts: Whether the client accepts messages.
            updated: `updated_at`, in seconds of local time.
            accepts_calls: `true`, `false` or nothing.

        Returns:
            The client id.
        """
        self.clients += 1
        client_id = f"L{self.clients:08d}"
        self._client(
            f"{client_id},{company.clock.text(updated)},{name},{ddd},{mobile},{landline},{email},"
            f"{'true' if accepts else 'false'},{accepts_calls}\n"
        )
        return client_id

    def vehicle(self, company: DemoCompany, client_id: str, *, active: bool) -> str:
        """Write a vehicle with an old or a Mercosul plate, and for some an earlier version.

        Args:
            company: The company whose clock is used.
            client_id: Its owner.
            active: Whether it is active.

        Returns:
            The vehicle id.
        """
        self.vehicles += 1
        vehicle_id = f"V{self.vehicles:08d}"
        dice = self.dice
        random = dice.random
        letters = _PLATE_LETTERS[int(random() * len(_PLATE_LETTERS))]
        digits = f"{int(random() * 10_000):04d}"
        style = random()
        if style < 0.62:
            plate = f"{letters}{digits[0]}{ascii_uppercase[int(random() * 10)]}{digits[2:]}"
        elif style < 0.88:
            plate = letters + digits
        elif style < 0.98:
            plate = f"{letters}-{digits}"
        else:
            plate = ""
        clock = company.clock
        updated = clock.now - dice.between(10 * DAY, 900 * DAY)
        row = f"{client_id},{plate},{MODELS[int(random() * len(MODELS))]},"
        if not active or style > 0.96:
            before = clock.text(updated - 300 * DAY)
            self._vehicle(f"{vehicle_id},{before},{row}true\n")
        self._vehicle(f"{vehicle_id},{clock.text(updated)},{row}{'true' if active else 'false'}\n")
        return vehicle_id

    def _mobile(self, ddd: str, number: str) -> tuple[str, str, bool]:
        """DDD and mobile as typed, and whether they are valid (R4)."""
        start, end = number[:4], number[4:]
        style = self.dice.random()
        if style >= 0.93:
            return (*self._broken_mobile(ddd, number), False)
        if style < 0.08:
            ddd = f"({ddd})"
        if style < 0.45:
            return ddd, f"9{number}", True
        if style < 0.6:
            return ddd, f"9{start}-{end}", True
        if style < 0.7:
            return ddd, f"9 {start}-{end}", True
        if style < 0.75:
            return ddd, f"9.{start}.{end}", True
        if style < 0.84:
            return ddd, number, True
        return ddd, f"{start}-{end}", True

    def _broken_mobile(self, ddd: str, number: str) -> tuple[str, str]:
        """A DDD and mobile that are not valid (R4)."""
        return self.dice.pick(
            (
                ("", f"{ddd}9{number}"),
                (f"0{ddd}", f"9{number}"),
                (ddd, number[1:]),
                (ddd, f"9{number} recado"),
                (ddd, "não tem"),
                (ddd, f"+55 {ddd} 9{number}"),
                (ddd, ""),
                (ddd, ""),
                ("", ""),
            )
        )

    def _landline(self, ddd: str, share: float) -> str:
        """A landline as typed, or an empty text."""
        random = self.dice.random
        if random() >= share:
            return ""
        number = f"3{int(random() * 10_000_000):07d}"
        style = random()
        if style < 0.5:
            return ddd + number
        if style < 0.8:
            return f"({ddd}) {number[:4]}-{number[4:]}"
        if style < 0.95:
            return f"{ddd} {number[:4]} {number[4:]}"
        return number
