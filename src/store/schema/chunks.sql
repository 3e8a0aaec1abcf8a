-- Samples that no rule of every day reads any more, sealed per series and span; see `chunk.rs` for `data`. `hours`: 1, or
-- 24 once the day is over. `start` is the beginning of the span. An ordinary table: SQLite would keep blobs of a table
-- without rowid on half-empty pages.
CREATE TABLE chunk (
    id     INTEGER PRIMARY KEY,
    series INTEGER NOT NULL REFERENCES series (id),
    start  INTEGER NOT NULL,
    hours  INTEGER NOT NULL CHECK (hours IN (1, 24)),
    data   BLOB NOT NULL,
    UNIQUE (series, start)
) STRICT;
CREATE INDEX chunk_hour ON chunk (start) WHERE hours = 1;

-- Chunks that could not be read when they were to grow.
CREATE TABLE chunk_aside (
    id     INTEGER PRIMARY KEY,
    series INTEGER NOT NULL,
    start  INTEGER NOT NULL,
    hours  INTEGER NOT NULL,
    data   BLOB NOT NULL,
    why    TEXT NOT NULL
) STRICT;
