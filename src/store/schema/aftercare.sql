-- What the provider calls a message that it took, and when to ask next what became of it.
ALTER TABLE attempt ADD COLUMN receipt TEXT;
ALTER TABLE attempt ADD COLUMN ask INTEGER;
CREATE INDEX attempt_ask ON attempt (ask) WHERE ask IS NOT NULL;

-- Channels that must hear again and again of what fires: when they did last, and why that failed.
CREATE TABLE refresh (
    channel TEXT PRIMARY KEY,
    at      INTEGER NOT NULL,
    trouble TEXT
) STRICT, WITHOUT ROWID;

-- What is left of a budget, in nanoseconds that it would take to refill it, at an instant.
CREATE TABLE bucket (
    name      TEXT PRIMARY KEY,
    filled_ns INTEGER NOT NULL,
    at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
