-- Instants are milliseconds since the epoch (UTC), durations milliseconds. Words are those of the types in `model`.

-- One row per metric and label set. `labels` is a JSON object with its names sorted, so equal sets are equal text.
CREATE TABLE series (
    id       INTEGER PRIMARY KEY,
    source   TEXT NOT NULL,
    metric   TEXT NOT NULL,
    labels   TEXT NOT NULL,
    every_ms INTEGER NOT NULL,
    UNIQUE (metric, labels)
) STRICT;

-- mark: 0 a value, 1 NaN (SQLite would keep it as NULL), 2 unknown, 3 gone, 4 minus zero (SQLite would keep it as 0).
-- Ordered by tick, so that a cycle appends to the last page instead of touching one page for each series.
CREATE TABLE sample (
    tick   INTEGER NOT NULL,
    series INTEGER NOT NULL,
    value  REAL,
    mark   INTEGER NOT NULL,
    PRIMARY KEY (tick, series),
    CHECK ((mark = 0) = (value IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- The newest sample of each series: what the screens show, and which series are alive.
CREATE TABLE latest (
    series INTEGER PRIMARY KEY REFERENCES series (id),
    tick   INTEGER NOT NULL,
    value  REAL,
    mark   INTEGER NOT NULL,
    reason TEXT,
    CHECK ((mark = 0) = (value IS NOT NULL)),
    CHECK (reason IS NULL OR mark = 2)
) STRICT;

-- Samples that lay in the future when the clock went back, with the time it then showed.
CREATE TABLE sample_aside (
    set_aside INTEGER NOT NULL,
    tick      INTEGER NOT NULL,
    series    INTEGER NOT NULL,
    value     REAL,
    mark      INTEGER NOT NULL,
    PRIMARY KEY (set_aside, tick, series)
) STRICT, WITHOUT ROWID;

-- What a source carries from one cycle to the next: counters, rounds.
CREATE TABLE memory (
    source TEXT PRIMARY KEY,
    json   TEXT NOT NULL,
    tick   INTEGER NOT NULL
) STRICT;

-- Ordered by id, not by tick: the clock may go back.
CREATE TABLE cycle (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    tick     INTEGER NOT NULL,
    started  INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    missed   INTEGER NOT NULL
) STRICT;

-- `value` and `worst` stand beside the record because JSON has no NaN and no infinity.
CREATE TABLE alert (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    number   INTEGER UNIQUE,
    rule     TEXT NOT NULL,
    labels   TEXT NOT NULL,
    state    TEXT NOT NULL,
    severity TEXT,
    since    INTEGER NOT NULL,
    fired_at INTEGER,
    ended_at INTEGER,
    value    ANY,
    worst    ANY,
    record   TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX alert_open ON alert (rule, labels) WHERE ended_at IS NULL;
CREATE INDEX alert_ended ON alert (ended_at);

CREATE TABLE transition (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    alert         INTEGER NOT NULL REFERENCES alert (id),
    tick          INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    from_severity TEXT,
    severity      TEXT NOT NULL,
    ended         TEXT,
    value         ANY,
    note          TEXT
) STRICT;
CREATE INDEX transition_alert ON transition (alert);

CREATE TABLE outbox (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    alert        INTEGER REFERENCES alert (id),
    channel      TEXT NOT NULL,
    address      TEXT NOT NULL,
    kind         TEXT NOT NULL,
    message      TEXT NOT NULL,
    state        TEXT NOT NULL,
    attempts     INTEGER NOT NULL,
    maybe_repeat INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    due          INTEGER NOT NULL,
    finished     INTEGER,
    last_answer  TEXT
) STRICT;
CREATE INDEX outbox_state ON outbox (state, due);
CREATE INDEX outbox_alert ON outbox (alert);

-- `outcome` is NULL from the moment before the send until its end; a killed process leaves it so.
CREATE TABLE attempt (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    outbox  INTEGER NOT NULL REFERENCES outbox (id),
    started INTEGER NOT NULL,
    took_ms INTEGER,
    outcome TEXT,
    answer  TEXT
) STRICT;
CREATE INDEX attempt_outbox ON attempt (outbox);

-- What happened to the monitor itself.
CREATE TABLE note (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    at   INTEGER NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;

-- Counters that only grow.
CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
