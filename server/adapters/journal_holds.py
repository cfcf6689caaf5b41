"""The holds of a ledger in memory, as rows of the journal's database."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from ratelimit.ledger import Charge, Held, JournalEntry, Released, Settled, StoredHold
from server.adapters.rows import Row, amounts_of, text_of

_DAY_US: Final = 86_400_000_000
_charges: Final = msgspec.json.Decoder(tuple[Charge, ...])


def entry_row(entry: JournalEntry) -> Row:
    """Return what is stored of an entry: `kind`, `hold_id` and what belongs to the kind."""
    match entry:
        case Held():
            last = entry.at_us + _DAY_US
            for charge in entry.charges:
                if charge.since_us is not None or charge.window_us > _DAY_US:
                    last = max(last, charge.leaves(entry.at_us))
            return {
                "kind": "held",
                "hold_id": entry.hold_id,
                "subject": entry.subject,
                "model": entry.model,
                "charges": text_of(entry.charges),
                "at_us": entry.at_us,
                "deadline_us": entry.deadline_us,
                "keep_until": last,
                "amounts": None,
            }
        case Settled():
            return {"kind": "settled", "hold_id": entry.hold_id, "amounts": text_of(entry.amounts)}
        case Released():
            return {"kind": "released", "hold_id": entry.hold_id}


def still_needed(rows: Sequence[Row]) -> list[Row]:
    """Return the rows without those of holds that both begin and are released among them."""
    released = {row["hold_id"] for row in rows if row["kind"] == "released"}
    if not released:
        return list(rows)
    gone = released.intersection(row["hold_id"] for row in rows if row["kind"] == "held")
    return [row for row in rows if row["hold_id"] not in gone]


def folded(rows: Sequence[Row]) -> tuple[list[Row], dict[str, str], list[str]]:
    """Return what the rows come to: holds that begin, amounts of settled ones by id, and ids of those given back.

    Each hold is in one of them, so that their order does not matter.
    """
    held: dict[str, Row] = {}
    amounts: dict[str, str] = {}
    released: list[str] = []
    for row in still_needed(rows):
        hold_id = row["hold_id"]
        if row["kind"] == "held":
            held.setdefault(hold_id, row)
        elif row["kind"] == "released":
            released.append(hold_id)
        elif hold_id in held:
            held[hold_id] = {**held[hold_id], "amounts": row["amounts"]}
        else:
            amounts[hold_id] = row["amounts"]
    return list(held.values()), {id_: text for id_, text in amounts.items() if id_ not in released}, released


def stored_hold(row: Mapping[Any, Any]) -> StoredHold | None:
    """Return the hold of a row of `holds` with `charged` from its turn's usage row; None if it was given back.

    A turn that ended settles its hold even if the ledger died before it was told.
    """
    charges = _charges.decode(row["charges"])
    amounts = row["amounts"] if row["amounts"] is not None else row["charged"]
    if amounts is not None:
        charges = tuple(_settled(charges, amounts_of(amounts)))
        if not charges:
            return None
    return StoredHold(
        hold_id=row["hold_id"],
        subject=row["subject"],
        model=row["model"],
        charges=charges,
        at_us=row["at_us"],
        deadline_us=row["deadline_us"],
        state="held" if amounts is None else "settled",
    )


def _settled(charges: Sequence[Charge], amounts: Mapping[str, int]) -> Iterator[Charge]:
    # Nothing at all means given back; otherwise a unit that is not named stays as it was held.
    for charge in charges if amounts else ():
        amount = amounts.get(charge.unit, charge.amount)
        if charge.window_us and amount:
            yield replace(charge, amount=amount)
