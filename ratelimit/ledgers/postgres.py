"""A ledger in PostgreSQL, which several processes share.

Each decision is one transaction on the server's clock. It locks the subject's row first, so that decisions about one
subject follow each other and no two wait for each other; the arithmetic is the meter's.
"""
# ruff: noqa: D102  # what the methods promise is in `ratelimit.ledger`

import json
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.resources import files
from typing import Any, Self

import asyncpg

from ratelimit.ledger import GIVEN_BACK, Charge, Demand, Entry, Full, HoldRequest, Reading, Taken, check
from ratelimit.ledgers.outcomes import Outcome, entries_of, subject_of
from ratelimit.ledgers.reaching import away_on
from ratelimit.meter import Level, Meter

REMEMBER_US = 3_600_000_000
_IS_MADE = "SELECT to_regclass('caps_hold_forget') IS NOT NULL"  # what the schema makes last
_ONE_MAKER = "SELECT pg_advisory_xact_lock(hashtext('parley caps'))"
_SCHEMA = files("ratelimit.ledgers").joinpath("postgres.sql").read_text(encoding="utf-8")
_ANSWER_SECONDS = 10.0
"""How long the server may take over a decision before it is taken for lost."""
_SWEEP_EVERY = 64
_SWEEP = 4 * _SWEEP_EVERY
_SWEEP_SUBJECTS_AT_ONCE = 10_000
"""Their age has no index, which every decision would have to keep: an hour's are looked for in one pass."""
# The time is read once more after the wait for the lock.
_LOCK = """
INSERT INTO caps_subject AS known (subject, last_us)
SELECT subject, coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
FROM unnest($1::text[]) AS subject ORDER BY subject
ON CONFLICT (subject) DO UPDATE
SET last_us = greatest(known.last_us, coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint))
RETURNING last_us
"""
_READ_HOLD = (
    "SELECT outcome, at_us, deadline_us, first_deadline_us, ended, progress, levels FROM caps_hold WHERE hold_id = $1"
)
_READ_COUNTERS = "SELECT key, keep_us, entries FROM caps_counter WHERE key = ANY($1)"
_WRITE_COUNTERS = """
INSERT INTO caps_counter (key, keep_us, empty_us, entries)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::json[])
ON CONFLICT (key) DO UPDATE
SET keep_us = excluded.keep_us, empty_us = excluded.empty_us, entries = excluded.entries
"""
_ADD_HOLD = """
INSERT INTO caps_hold (hold_id, outcome, at_us, deadline_us, first_deadline_us, levels, forget_us)
VALUES ($1, $2, $3, $4, $4, $5, $6)
"""
_END_HOLD = "UPDATE caps_hold SET ended = true, forget_us = $2 WHERE hold_id = $1"
_RENEW_HOLD = "UPDATE caps_hold SET deadline_us = $2, progress = $3, forget_us = $4 WHERE hold_id = $1"
_SWEEPS = tuple(
    f"DELETE FROM {table} WHERE {name} IN (SELECT {name} FROM {table} WHERE {until} <= $1 ORDER BY {until}"  # noqa: S608  # names of this module
    f" LIMIT {_SWEEP} FOR UPDATE SKIP LOCKED)"
    for table, name, until in (("caps_hold", "hold_id", "forget_us"), ("caps_counter", "key", "empty_us"))
)

# A subject that is asked about again has its row again. The row keeps the time from going back: nobody asks for hours.
_SWEEP_SUBJECTS = f"""
DELETE FROM caps_subject WHERE subject IN (
    SELECT subject FROM caps_subject WHERE last_us <= $1 LIMIT {_SWEEP_SUBJECTS_AT_ONCE} FOR UPDATE SKIP LOCKED)
"""  # noqa: S608  # a number of this module

_reached = away_on(
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    OSError,
)


class PostgresLedger:
    """Keeps levels in PostgreSQL; see `Ledger` for what it promises.

    `clock`, in microseconds, stands in for the server's own.
    """

    def __init__(self, *, pool: asyncpg.Pool, clock: Callable[[], int] | None = None) -> None:
        self._pool = pool
        self._clock = clock
        self._taken = 0
        self._sweep_subjects_us = 0

    @_reached
    async def take(self, hold: HoldRequest) -> Taken | Full:
        await self._sweep()
        try:
            return await self._take(hold)
        except asyncpg.UniqueViolationError:
            # The same id was taken for another subject at the same moment.
            return await self._take(hold)

    @_reached
    async def settle(self, hold_id: str, actual: Mapping[str, int]) -> bool:
        check(actual)
        return await self._end(hold_id, lambda charge: actual.get(charge.unit, charge.amount))

    @_reached
    async def release(self, hold_id: str) -> bool:
        return await self._end(hold_id, lambda _: 0)

    @_reached
    async def renew(
        self, hold_ids: Collection[str], progress: Mapping[str, Mapping[str, int]], *, lease_us: int
    ) -> frozenset[str]:
        for amounts in progress.values():
            check(amounts)
        # One after the other: a subject is never locked for the sake of another one.
        renewed = [hold_id for hold_id in hold_ids if await self._renew(hold_id, progress.get(hold_id, {}), lease_us)]
        return frozenset(renewed)

    @_reached
    async def levels(self, demands: Sequence[Demand]) -> Reading:
        keys = [demand.charge.key for demand in demands]
        async with self._transaction() as connection:
            now = await self._lock(connection, map(subject_of, keys))
            counters = await _read(connection, keys, now)
        return Reading(at_us=now, levels=_levels(counters, demands, now))

    @_reached
    async def entries(self, key: str, *, window_us: int) -> Sequence[Entry]:
        async with self._transaction() as connection:
            now = await self._lock(connection, [subject_of(key)])
            counters = await _read(connection, [key], now)
        return entries_of(counters[key].meter, now, window_us)

    async def _take(self, hold: HoldRequest) -> Taken | Full:
        outcome = Outcome.of(hold)
        async with self._transaction() as connection:
            now = await self._lock(connection, _subjects(outcome))
            if known := await connection.fetchrow(_READ_HOLD, hold.hold_id):
                return _first(known)
            counters = await _read(connection, outcome.keys, now)
            levels = _levels(counters, hold.demands, now)
            if not all(level.fits for level in levels.values()):
                return Full(at_us=now, levels=levels)
            deadline = now + hold.lease_us
            outcome = replace(
                outcome,
                charges=tuple(demand.dated(now, counters[demand.charge.key].meter.newest) for demand in hold.demands),
            )
            for one in outcome.charges:
                counters[one.key].hold(hold.hold_id, one, at=one.since(now), deadline=deadline)
            levels = _levels(counters, hold.demands, now, one_more=True)
            stored = json.dumps({key: level._asdict() for key, level in levels.items()})
            forget = _forget_at(outcome, now, deadline)
            await connection.execute(_ADD_HOLD, hold.hold_id, outcome.text, now, deadline, stored, forget)
            await _write(connection, counters)
        return Taken(at_us=now, deadline_us=deadline, model=hold.model, charges=outcome.charges, levels=levels)

    async def _end(self, hold_id: str, amount: Callable[[Charge], int]) -> bool:
        async with self._held(hold_id) as (connection, now, hold):
            if hold is None or hold["ended"]:
                return False
            outcome = Outcome.read(hold["outcome"])
            kept = json.loads(hold["progress"]) if hold["deadline_us"] <= now else {}
            counters = await _read(connection, outcome.keys, now)
            for one in outcome.charges:
                counters[one.key].meter.settle(
                    hold_id,
                    at=one.since(hold["at_us"]),
                    amount=amount(one) if one.window_us else 0,
                    window=one.window_us,
                    counted=_stays(one, kept),
                )
            await _write(connection, counters)
            await connection.execute(_END_HOLD, hold_id, now + REMEMBER_US)
            return True

    async def _renew(self, hold_id: str, progress: Mapping[str, int], lease_us: int) -> bool:
        async with self._held(hold_id) as (connection, now, hold):
            if hold is None or hold["ended"] or hold["deadline_us"] <= now:
                return False
            outcome = Outcome.read(hold["outcome"])
            deadline = max(hold["deadline_us"], now + lease_us)
            so_far = {**json.loads(hold["progress"]), **progress}
            counters = await _read(connection, outcome.keys, now)
            for one in outcome.charges:
                counters[one.key].meter.renew(hold_id, deadline)
                counters[one.key].kept[hold_id] = _stays(one, so_far)
            await _write(connection, counters)
            forget = _forget_at(outcome, hold["at_us"], deadline)
            await connection.execute(_RENEW_HOLD, hold_id, deadline, json.dumps(so_far), forget)
            return True

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[asyncpg.Connection]:
        # What follows the lock must see what others have committed while it waited.
        async with self._pool.acquire() as connection, connection.transaction(isolation="read_committed"):
            yield connection

    @asynccontextmanager
    async def _held(self, hold_id: str) -> AsyncIterator[tuple[asyncpg.Connection, int, asyncpg.Record | None]]:
        """Give the hold as it is, the time and the connection, with everything that it charges locked."""
        async with self._transaction() as connection:
            hold = await connection.fetchrow(_READ_HOLD, hold_id)
            subjects = [] if hold is None else _subjects(Outcome.read(hold["outcome"]))
            now = await self._lock(connection, subjects)
            yield connection, now, await connection.fetchrow(_READ_HOLD, hold_id)

    async def _lock(self, connection: asyncpg.Connection, subjects: Iterable[str]) -> int:
        """Return the time, when nobody else decides about these subjects any more."""
        rows = await connection.fetch(_LOCK, sorted(set(subjects)) or [""], self._clock() if self._clock else None)
        now: int = max(row["last_us"] for row in rows)
        return now

    async def _sweep(self) -> None:
        """Now and then, forget some of what can no longer matter."""
        self._taken += 1
        if self._taken % _SWEEP_EVERY:
            return
        async with self._transaction() as connection:
            now = await self._lock(connection, [])
            for sweep in _SWEEPS:
                await connection.execute(sweep, now)
            if now >= self._sweep_subjects_us:
                swept = await connection.execute(_SWEEP_SUBJECTS, now - REMEMBER_US)
                more = swept == f"DELETE {_SWEEP_SUBJECTS_AT_ONCE}"
                self._sweep_subjects_us = now if more else now + REMEMBER_US


@asynccontextmanager
async def opened(
    uri: str, *, connections: int = 8, clock: Callable[[], int] | None = None
) -> AsyncIterator[PostgresLedger]:
    """Open a ledger in the database at `uri`, making its tables; calls beyond `connections` wait for their turn."""
    async with asyncpg.create_pool(
        uri, min_size=1, max_size=connections, timeout=_ANSWER_SECONDS, command_timeout=_ANSWER_SECONDS
    ) as pool:
        async with pool.acquire() as connection, connection.transaction():
            # Making an index that is there already locks its table against writers, and could deadlock with them.
            if not await connection.fetchval(_IS_MADE):
                await connection.execute(_ONE_MAKER)
                if not await connection.fetchval(_IS_MADE):
                    await connection.execute(_SCHEMA)
        yield PostgresLedger(pool=pool, clock=clock)


class _Counter:
    """A meter, and by hold in flight what stays charged when its lease ends."""

    def __init__(self, meter: Meter, kept: dict[str, int]) -> None:
        self.meter, self.kept = meter, kept

    @classmethod
    def read(cls, entries: str, keep: int, now: int) -> Self:
        """Return the counter as it is now: what has lapsed is settled, what has left the window is gone."""
        rows = json.loads(entries)
        meter = Meter.of([(hold_id, at, amount, deadline) for hold_id, at, amount, deadline, _ in rows], keep)
        kept = {}
        for hold_id, at, _, deadline, stays in rows:
            if deadline is not None and deadline <= now:
                meter.settle(hold_id, at=at, amount=stays, window=keep)
            elif deadline is not None:
                kept[hold_id] = stays
        meter.prune(now)
        return cls(meter, kept)

    @property
    def entries(self) -> str:
        """What `read` reads."""
        rows = [(*row, self.kept.get(row[0], 0)) for row in self.meter.rows]
        return json.dumps(rows, separators=(",", ":"))

    def hold(self, hold_id: str, charge: Charge, *, at: int, deadline: int) -> None:
        """Add a charge in flight, of which nothing is used so far."""
        self.meter.hold(hold_id, at=at, amount=charge.amount, window=charge.window_us, deadline=deadline)
        self.kept[hold_id] = 0


async def _read(connection: asyncpg.Connection, keys: Sequence[str], now: int) -> dict[str, _Counter]:
    rows = {row["key"]: row for row in await connection.fetch(_READ_COUNTERS, keys)}
    return {
        key: _Counter.read(rows[key]["entries"], rows[key]["keep_us"], now) if key in rows else _Counter(Meter(), {})
        for key in keys
    }


async def _write(connection: asyncpg.Connection, counters: Mapping[str, _Counter]) -> None:
    meters = [counter.meter for counter in counters.values()]
    await connection.execute(
        _WRITE_COUNTERS,
        list(counters),
        [meter.keep for meter in meters],
        [meter.empty_at() for meter in meters],
        [counter.entries for counter in counters.values()],
    )


def _first(hold: asyncpg.Record) -> Taken:
    outcome = Outcome.read(hold["outcome"])
    return Taken(
        at_us=hold["at_us"],
        deadline_us=hold["first_deadline_us"],
        model=outcome.model,
        charges=outcome.charges,
        levels={key: Level(**level) for key, level in json.loads(hold["levels"]).items()},
    )


def _levels(
    counters: Mapping[str, _Counter], demands: Iterable[Demand], now: int, *, one_more: bool = False
) -> dict[str, Level]:
    return {
        demand.charge.key: counters[demand.charge.key].meter.level(
            now=now,
            cap=demand.cap,
            amount=1 if one_more else demand.charge.amount,
            window=demand.charge.window_us,
        )
        for demand in demands
    }


def _stays(charge: Charge, progress: Mapping[str, Any]) -> int:
    return 0 if charge.unit in GIVEN_BACK else progress.get(charge.unit, 0)


def _subjects(outcome: Outcome) -> set[str]:
    return {outcome.subject, *map(subject_of, outcome.keys)}


def _forget_at(outcome: Outcome, at: int, deadline: int) -> int:
    # The truth may still come for as long as it would count somewhere.
    return max(outcome.leaves(at), deadline + REMEMBER_US)
