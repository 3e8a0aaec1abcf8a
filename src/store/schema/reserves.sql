-- The reserve log: each verdict about the reserves. `hash` is SHA-256 of the hash before it and of `text`, so that nothing
-- can be changed, left out or put in later unnoticed. Rows are only added.
CREATE TABLE reserve_log (
    n    INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,
    text TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX reserve_log_at ON reserve_log (at);
CREATE TRIGGER reserve_log_is_not_changed BEFORE UPDATE ON reserve_log
BEGIN SELECT RAISE(ABORT, 'the reserve log is only added to'); END;
CREATE TRIGGER reserve_log_is_not_shortened BEFORE DELETE ON reserve_log
BEGIN SELECT RAISE(ABORT, 'the reserve log is only added to'); END;
