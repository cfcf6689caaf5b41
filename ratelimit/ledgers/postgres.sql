-- What a ledger in PostgreSQL keeps. All times are microseconds since the epoch.

-- The row that every decision about a subject locks first, and the time that the last of them saw.
CREATE TABLE IF NOT EXISTS caps_subject (
    subject text PRIMARY KEY,
    last_us bigint NOT NULL
);

-- `entries` are those of a meter, each with what stays charged when its lease ends.
CREATE TABLE IF NOT EXISTS caps_counter (
    key text PRIMARY KEY,
    keep_us bigint NOT NULL,
    empty_us bigint NOT NULL,
    entries json NOT NULL
);
CREATE INDEX IF NOT EXISTS caps_counter_empty ON caps_counter (empty_us);

CREATE TABLE IF NOT EXISTS caps_hold (
    hold_id text PRIMARY KEY,
    outcome json NOT NULL,
    at_us bigint NOT NULL,
    deadline_us bigint NOT NULL,
    first_deadline_us bigint NOT NULL,
    ended boolean NOT NULL DEFAULT false,
    progress json NOT NULL DEFAULT '{}',
    levels json NOT NULL,
    forget_us bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS caps_hold_forget ON caps_hold (forget_us);
