"""What the journal says to PostgreSQL. A commit is one statement, so that no process is ever stopped inside of one.

Each part writes one kind of thing; a statement has those that its batch needs. The parts of a statement do not see
what the others write, and no row may be written or locked by two of them.
"""

from functools import cache
from typing import Final

from sqlalchemy import Table

from server.adapters.keep_until import at_end
from server.adapters.schema import conversations, holds, messages, turns, usage

COMMITS: Final = 1 << 40
"""A segment's number is its owner's number times this, plus the number of the commit in its process: it rises."""

NOW: Final = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
"""The database's clock, in microseconds: it alone decides when a lease ends."""


def _columns(table: Table, alias: str = "") -> str:
    return ", ".join(f"{alias}{column.name}" for column in table.c)


_FACTS: Final = ", ".join(column.name for column in turns.c if column.name != "lease_until")

# Holds that begin; ids and amounts of those that are settled; ids of those given back.
_HOLDS: Final = f"""
taken AS (
    INSERT INTO holds ({_columns(holds)})
    SELECT {_columns(holds)} FROM json_populate_recordset(NULL::holds, {{0}}::json) ON CONFLICT DO NOTHING),
told AS (
    UPDATE holds SET amounts = said.amounts FROM unnest({{1}}::text[], {{2}}::text[]) AS said (id, amounts)
    WHERE holds.hold_id = said.id),
freed AS (DELETE FROM holds WHERE hold_id = ANY({{3}}::text[]))"""

# Turns (with the length of the lease), messages and conversations; ids, owners and first events; the commit's number.
_BEGIN: Final = f"""
new AS (SELECT * FROM json_populate_recordset(NULL::turns, {{0}}::json) WITH ORDINALITY),
begun AS (
    INSERT INTO turns ({_FACTS}, lease_until) SELECT {_FACTS}, {NOW} + lease_until FROM new ORDER BY ordinality
    ON CONFLICT DO NOTHING RETURNING id, conversation_id),
known AS (SELECT turns.id FROM new JOIN turns ON turns.id = new.id),
asks AS (
    INSERT INTO messages ({_columns(messages)})
    SELECT {_columns(messages, "ask.")} FROM json_populate_recordset(NULL::messages, {{1}}::json) AS ask
    JOIN begun ON begun.id = ask.turn_id),
places AS (
    INSERT INTO conversations ({_columns(conversations)})
    SELECT {_columns(conversations, "place.")} FROM json_populate_recordset(NULL::conversations, {{2}}::json) AS place
    JOIN begun ON begun.conversation_id = place.id),
firsts AS (
    INSERT INTO turn_segments (turn_id, number, payload)
    SELECT begun.id, said.owner * {COMMITS} + {{6}}::bigint, said.payload
    FROM unnest({{3}}::text[], {{4}}::int[], {{5}}::bytea[]) AS said (id, owner, payload)
    JOIN begun ON begun.id = said.id)"""

# Ids, owners and events; the commit's number. The lock holds off an adoption, which reads what was written before it.
_LOG: Final = f"""
owned AS (
    SELECT turns.id, said.owner, said.payload
    FROM unnest({{0}}::text[], {{1}}::int[], {{2}}::bytea[]) AS said (id, owner, payload)
    JOIN turns ON turns.id = said.id AND turns.owner = said.owner AND turns.ended_at IS NULL
    FOR KEY SHARE OF turns),
logged AS (
    INSERT INTO turn_segments (turn_id, number, payload)
    SELECT id, owner * {COMMITS} + {{3}}::bigint, payload FROM owned
    ON CONFLICT DO NOTHING)"""

# Ends, usage rows and replies.
_END: Final = f"""
ending AS (
    SELECT * FROM json_to_recordset({{0}}::json) AS ending (
        id text, owner int, status text, outcome text, trail text, ended_at bigint, keep_until bigint,
        conversation_id text, moves_leaf boolean, reply_id text, place int)),
ended AS (
    UPDATE turns SET status = ending.status, outcome = ending.outcome, trail = ending.trail::bytea,
        ended_at = ending.ended_at, keep_until = {at_end("ending.keep_until")}
    FROM ending WHERE turns.id = ending.id AND turns.owner = ending.owner AND turns.ended_at IS NULL
    RETURNING turns.id, turns.newest_id),
over AS (
    SELECT turns.id FROM ending JOIN turns ON turns.id = ending.id AND turns.owner = ending.owner
    WHERE turns.ended_at IS NOT NULL),
costs AS (
    INSERT INTO usage ({_columns(usage)})
    SELECT {_columns(usage, "cost.")} FROM json_populate_recordset(NULL::usage, {{1}}::json) AS cost
    JOIN ended ON ended.id = cost.turn_id),
replies AS (
    INSERT INTO messages ({_columns(messages)})
    SELECT {_columns(messages, "reply.")} FROM json_populate_recordset(NULL::messages, {{2}}::json) AS reply
    JOIN ended ON ended.id = reply.turn_id),
used AS (
    SELECT conversation_id, max(ended_at) AS at,
        (array_agg(coalesce(reply_id, newest_id) ORDER BY place DESC)
            FILTER (WHERE moves_leaf AND coalesce(reply_id, newest_id) IS NOT NULL))[1] AS leaf_id
    FROM ending JOIN ended USING (id) WHERE conversation_id IS NOT NULL GROUP BY conversation_id),
moved AS (
    UPDATE conversations SET updated_at = greatest(conversations.updated_at, used.at),
        leaf_id = coalesce(used.leaf_id, conversations.leaf_id)
    FROM used WHERE conversations.id = used.conversation_id),
spent AS (DELETE FROM turn_segments WHERE turn_id IN (SELECT id FROM ended))"""

_PARTS: Final[dict[str, tuple[str, int, tuple[str, ...]]]] = {
    "holds": (_HOLDS, 4, ()),
    "begin": (_BEGIN, 7, ("begun", "known")),
    "log": (_LOG, 4, ("owned",)),
    "end": (_END, 3, ("ended", "over")),
}

WITHDRAW: Final = """
WITH gone AS (
    DELETE FROM turns WHERE id = ANY($1::text[]) AND owner = 1 AND ended_at IS NULL RETURNING id),
asks AS (DELETE FROM messages WHERE turn_id IN (SELECT id FROM gone)),
spent AS (DELETE FROM turn_segments WHERE turn_id IN (SELECT id FROM gone))
DELETE FROM conversations USING gone, unnest($1::text[], $2::text[]) AS made (id, conversation_id)
WHERE gone.id = made.id AND conversations.id = made.conversation_id"""

RENEW: Final = f"""
WITH renewed AS (
    UPDATE turns SET lease_until = {NOW} + $3::bigint
    FROM unnest($1::text[], $2::int[]) AS held (id, owner)
    WHERE turns.id = held.id AND turns.owner = held.owner AND turns.ended_at IS NULL)
SELECT id FROM turns JOIN unnest($1::text[], $2::int[]) AS held (id, owner) USING (id, owner)"""

# Whose turns another process is just taking over, or writing to, are left to it.
ADOPT: Final = f"""
UPDATE turns SET owner = turns.owner + 1, lease_until = {NOW} + $2::bigint
WHERE id IN (
    SELECT id FROM turns WHERE ended_at IS NULL AND ($3::boolean OR lease_until < {NOW} - $1::bigint)
        AND id <> ALL($4::text[])
    FOR UPDATE SKIP LOCKED)
RETURNING id, owner, facts"""

# Said after the adoption has been committed: what the last owner wrote just before it is not in its snapshot.
ADOPTED: Final = """
SELECT turn_id, payload FROM turn_segments WHERE turn_id = ANY($1::text[]) ORDER BY turn_id, number"""

_STORED_HOLDS: Final = """
SELECT hold_id, subject, model, charges, at_us, amounts, charged, greatest(deadline_us, lease_until) AS deadline_us
FROM holds LEFT JOIN (SELECT hold_id, charged FROM usage) AS cost USING (hold_id)
    LEFT JOIN (SELECT hold_id, lease_until FROM turns WHERE ended_at IS NULL) AS running USING (hold_id)"""
HOLDS: Final = f"{_STORED_HOLDS} ORDER BY at_us, hold_id"
HOLDS_OF: Final = f"{_STORED_HOLDS} WHERE hold_id = ANY($1::text[]) ORDER BY at_us, hold_id"

# What no window can see any more, a few at a time.
PRUNE: Final = """
WITH gone AS (
    DELETE FROM holds WHERE hold_id IN (
        SELECT hold_id FROM holds WHERE keep_until < $1 ORDER BY keep_until LIMIT $2 FOR UPDATE SKIP LOCKED)
    RETURNING 1)
SELECT count(*) FROM gone"""

READ: Final = "SELECT number, payload FROM turn_segments WHERE turn_id = $1 AND number > $2 ORDER BY number"


@cache
def commit(kinds: tuple[str, ...]) -> str:
    """Return the statement with these parts, whose values follow each other in their order."""
    parts, results, taken = [], [], 0
    for kind in kinds:
        part, count, names = _PARTS[kind]
        parts.append(part.format(*(f"${taken + number + 1}" for number in range(count))))
        results += [f"ARRAY(SELECT id FROM {name}) AS {name}" for name in names]
        taken += count
    return f"WITH {','.join(parts)}\nSELECT {', '.join(results)}"
