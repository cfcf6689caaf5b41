"""A ledger in Valkey or Redis, which several processes share.

Each decision is one call of `redis.lua`, on the server's clock. All keys of a subject share a hash tag, so that a
cluster serves too. The server must not evict keys (`maxmemory-policy noeviction`); it may lose them all, see `restore`.
"""
# ruff: noqa: D102  # what the methods promise is in `ratelimit.ledger`

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple, Self
from urllib.parse import quote

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError, NoScriptError, ResponseError, TimeoutError  # noqa: A004

from ratelimit.ledger import (
    GIVEN_BACK,
    Charge,
    Demand,
    Entry,
    Full,
    HoldRequest,
    LedgerEmptied,
    Reading,
    StoredHold,
    Taken,
    check,
)
from ratelimit.ledgers.outcomes import Outcome, subject_of
from ratelimit.ledgers.reaching import away_on
from ratelimit.meter import Level

LAYOUT = "parley:caps:3"
"""Begins every key. It changes with what the script keeps, so that versions running side by side never misread."""
REMEMBER_US = 3_600_000_000

_EPOCH = f"{LAYOUT}:epoch"
_SCRIPT = files("ratelimit.ledgers").joinpath("redis.lua").read_text(encoding="utf-8")
_FULL, _TAKEN, _KNOWN, _FRESH = range(4)
_UNKNOWN, _BEFORE, _DONE = -1, 0, 1
_MOST_OWN = 10_000
_AT_ONCE = 500
_ANSWER_SECONDS = 5.0
"""How long the server may take over an answer before it is taken for lost."""

_reached = away_on(ConnectionError, TimeoutError, ResponseError, OSError)
"""A server that refuses a command cannot be asked either: it is full, loads, only follows, or cannot write its disk."""


class _Answer(NamedTuple):
    """What the script says about a hold or about levels."""

    status: int
    at_us: int
    deadline_us: int
    since: list[int]
    levels: str
    outcome: str

    @classmethod
    def read(cls, told: bytes | str) -> Self:
        """Read the lines of an answer."""
        text = told if isinstance(told, str) else told.decode()
        status, at_us, deadline_us, since, levels, outcome = text.split("\n", 5)
        return cls(int(status), int(at_us), int(deadline_us), [*map(int, since.split())], levels, outcome)


class RedisLedger:
    """Keeps levels in Valkey or Redis; see `Ledger` for what it promises.

    Call `restore` once before the first use of a new server. If the server has lost its keys since, every method raises
    `LedgerEmptied`, having charged nothing, until somebody has called `restore` again. `clock`, in microseconds,
    stands in for the server's own.
    """

    def __init__(self, *, client: Redis | RedisCluster, clock: Callable[[], int] | None = None) -> None:
        self._client = client
        self._clock = clock
        self._scattered = isinstance(client, RedisCluster)
        """Whether keys without a common tag are of different servers."""
        self._sha = client.register_script(_SCRIPT).sha
        self._own: OrderedDict[str, Outcome] = OrderedDict()
        """The latest holds taken here, so that their end needs no look-up."""

    @_reached
    async def take(self, hold: HoldRequest) -> Taken | Full:
        outcome = Outcome.of(hold)
        keys = _keys(outcome, hold.hold_id)
        arguments = (hold.hold_id, hold.lease_us, outcome.text)
        demands = (hold.subject, _rows((*_asked(demand), _opens(demand)) for demand in hold.demands))
        if self._scattered:
            # Another part of the cluster than the script's. First, so that no hold is ever without it.
            where = ("SET", _where(hold.hold_id), hold.subject, "PX", _ttl_ms(outcome, hold.lease_us))
            _, told = await self._many([where, self._script(keys, "take", *arguments, 0, *demands)])
        else:
            keys.append(_where(hold.hold_id))
            told = await self._call(self._script(keys, "take", *arguments, 0, *demands))
        answer = _Answer.read(told)
        if answer.status == _FRESH:
            await self._check_epoch()
            answer = _Answer.read(await self._call(self._script(keys, "take", *arguments, 1, *demands)))
        if answer.status == _FULL:
            if self._scattered:
                await self._client.pexpire(_where(hold.hold_id), -(-hold.lease_us // 1_000), lt=True)
            return Full(at_us=answer.at_us, levels=_levels(outcome.keys, answer.levels))
        known = Outcome.read(answer.outcome) if answer.status == _KNOWN else outcome
        first = _dated(known, answer.at_us, answer.since)
        if answer.status == _TAKEN:
            self._own[hold.hold_id] = first
            if len(self._own) > _MOST_OWN:
                self._own.popitem(last=False)
        levels = _levels(first.keys, answer.levels)
        return Taken(answer.at_us, answer.deadline_us, first.model, first.charges, levels)

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
        found = [(hold_id, outcome) for hold_id in hold_ids if (outcome := await self._find(hold_id))]
        commands = []
        for hold_id, outcome in found:
            of_hold = progress.get(hold_id, {})
            kept = [
                (one.window_us, "" if one.unit in GIVEN_BACK else of_hold.get(one.unit, "")) for one in outcome.charges
            ]
            commands += [
                self._script(_keys(outcome, hold_id), "renew", hold_id, lease_us, _rows(kept)),
                ("PEXPIRE", _where(hold_id), _ttl_ms(outcome, lease_us), "GT"),
            ]
        answers = await self._many(commands)
        await self._check_epoch()
        return frozenset(hold_id for (hold_id, _), answer in zip(found, answers[::2], strict=True) if answer == _DONE)

    @_reached
    async def levels(self, demands: Sequence[Demand]) -> Reading:
        tag = _tag(subject_of(demands[0].charge.key)) if demands else _tag("")
        keys = [f"{tag}:now", *_counters(demand.charge.key for demand in demands)]
        rows = _rows(map(_asked, demands))
        answer = _Answer.read(await self._call(self._script(keys, "levels", 0, rows)))
        if answer.status == _FRESH:
            await self._check_epoch()
            answer = _Answer.read(await self._call(self._script(keys, "levels", 1, rows)))
        return Reading(at_us=answer.at_us, levels=_levels([one.charge.key for one in demands], answer.levels))

    @_reached
    async def entries(self, key: str, *, window_us: int) -> Sequence[Entry]:
        keys = [f"{_tag(subject_of(key))}:now", *_counters([key])]
        rows = await self._call(self._script(keys, "entries", window_us))
        if not rows:
            await self._check_epoch()
        return sorted((_entry(row, window_us) for row in rows), key=lambda entry: entry.at_us)

    @_reached
    async def restore(self, holds: Iterable[StoredHold]) -> None:
        """Put back every hold that may still count, or that somebody may still end.

        What is there already stays as it is, so that several processes may do it at once. Other calls raise
        `LedgerEmptied` until it is done. Progress is lost, which no journal keeps.
        """
        commands: list[Sequence[Any]] = []
        for hold in holds:
            outcome = Outcome(hold.subject, hold.model, hold.charges)
            charges = _rows((one.window_us, one.amount, one.since(hold.at_us)) for one in hold.charges)
            facts = (hold.hold_id, hold.at_us, hold.deadline_us, hold.state, outcome.text)
            commands += [
                ("SET", _where(hold.hold_id), hold.subject, "PX", _ttl_ms(outcome, 0)),
                self._script(_keys(outcome, hold.hold_id), "restore", *facts, charges),
            ]
        for first in range(0, len(commands), _AT_ONCE):
            await self._many(commands[first : first + _AT_ONCE])
        await self._client.set(_EPOCH, 1)

    async def _end(self, hold_id: str, amount: Callable[[Charge], int]) -> bool:
        outcome = await self._find(hold_id)
        answer = _UNKNOWN
        if outcome is not None:
            amounts = _rows((one.window_us, amount(one) if one.window_us else 0) for one in outcome.charges)
            answer = await self._call(self._script(_keys(outcome, hold_id), "settle", hold_id, amounts))
        self._own.pop(hold_id, None)
        if answer == _UNKNOWN:
            await self._check_epoch()
        return bool(answer == _DONE)

    async def _find(self, hold_id: str) -> Outcome | None:
        if own := self._own.get(hold_id):
            return own
        subject = await self._client.get(_where(hold_id))
        if subject is None:
            return None
        name = subject.decode() if isinstance(subject, bytes) else subject
        text = await self._call(self._script(_hold_keys(name, hold_id), "outcome"))
        return None if text is None else Outcome.read(text)

    async def _check_epoch(self) -> None:
        if not await self._client.exists(_EPOCH):
            raise LedgerEmptied("the server that keeps the caps has lost its keys")

    def _script(self, keys: Sequence[str], operation: str, *arguments: object) -> Sequence[Any]:
        time = "" if self._clock is None else self._clock()
        return ("EVALSHA", self._sha, len(keys), *keys, operation, time, *arguments)

    async def _call(self, command: Sequence[Any]) -> Any:
        try:
            return await self._client.execute_command(*command)
        except NoScriptError:
            await self._client.script_load(_SCRIPT)
            return await self._client.execute_command(*command)

    async def _many(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Return the answers to all commands, sent at once and carried out one by one."""
        answers = await self._send(commands)
        missing = [index for index, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if missing:
            await self._client.script_load(_SCRIPT)
            again = await self._send([commands[index] for index in missing])
            for index, answer in zip(missing, again, strict=True):
                answers[index] = answer
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    async def _send(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        answers: list[Any] = await pipeline.execute(raise_on_error=False)
        return answers


@asynccontextmanager
async def opened(
    url: str, *, connections: int = 16, clock: Callable[[], int] | None = None
) -> AsyncIterator[RedisLedger]:
    """Open a ledger in the server at `url`; calls beyond `connections` wait for their turn."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=None,
        socket_timeout=_ANSWER_SECONDS,
        socket_connect_timeout=_ANSWER_SECONDS,
        # A server that was started anew has closed its connections; one that is away is said to be so at once.
        retry=Retry(ExponentialBackoff(cap=0.1, base=0.01), 2),
    )
    async with Redis.from_pool(pool) as client:
        yield RedisLedger(client=client, clock=clock)


@lru_cache(maxsize=10_000)
def _tag(subject: str) -> str:
    # A brace in a subject would end the tag too soon.
    return f"{LAYOUT}:{{{quote(subject, safe=' :@|/+')}}}"


def _where(hold_id: str) -> str:
    return f"{LAYOUT}:where:{hold_id}"


def _counters(keys: Iterable[str]) -> list[str]:
    return [name for key in keys for name in _counter(key)]


@lru_cache(maxsize=10_000)
def _counter(key: str) -> tuple[str, str]:
    tag = _tag(subject_of(key))
    return f"{tag}:state:{key}", f"{tag}:log:{key}"


def _hold_keys(subject: str, hold_id: str) -> list[str]:
    return [f"{_tag(subject)}:now", f"{_tag(subject)}:hold:{hold_id}"]


def _keys(outcome: Outcome, hold_id: str) -> list[str]:
    return [*_hold_keys(outcome.subject, hold_id), *_counters(outcome.keys)]


def _ttl_ms(outcome: Outcome, lease_us: int) -> int:
    widest = max((charge.window_us for charge in outcome.charges), default=0)
    return (max(widest, lease_us) + 2 * REMEMBER_US) // 1_000


def _rows(rows: Iterable[Iterable[object]]) -> str:
    return ";".join([",".join(map(str, row)) for row in rows])


def _asked(demand: Demand) -> tuple[int, int, int]:
    return demand.cap, demand.charge.window_us, demand.charge.amount


def _opens(demand: Demand) -> str:
    """Return what the window opens with, as the script reads it."""
    if demand.ends_us:
        return " ".join(map(str, demand.ends_us))
    return "first" if demand.opens == "first" else ""


def _dated(outcome: Outcome, at_us: int, since: Sequence[int]) -> Outcome:
    """Return the outcome with what its charges count from."""
    charges = tuple(
        one if start == at_us else replace(one, since_us=start)
        for one, start in zip(outcome.charges, since, strict=True)
    )
    return replace(outcome, charges=charges)


def _levels(keys: Sequence[str], text: str) -> dict[str, Level]:
    """Return the levels in the order of the keys; none if the server no longer knows them."""
    if not text:
        return {}
    return {key: _level(*map(int, row.split())) for key, row in zip(keys, text.split(";"), strict=True)}


def _level(cap: int, used: int, held: int, fits: int, next_at: int, at_most: int, first: int, last: int) -> Level:
    return Level(
        cap=cap,
        used=used,
        held=held,
        fits=fits == 1,
        next_at=None if next_at < 0 else next_at,
        at_most=at_most == 1,
        next_free_at=None if first < 0 else first,
        full_at=None if last < 0 else last,
    )


def _entry(row: bytes | str, window: int) -> Entry:
    at, amount, deadline, hold = (row.decode() if isinstance(row, bytes) else row).split(" ", 3)
    free_at = int(at) + window
    return Entry(
        # The mark of several that were put together.
        hold_id="" if hold.startswith("~") else hold,
        at_us=int(at),
        amount=int(amount),
        in_flight=deadline != "-",
        free_at_us=free_at if deadline == "-" else max(free_at, int(deadline)),
    )
