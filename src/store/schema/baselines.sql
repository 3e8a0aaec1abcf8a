-- What was accepted as right, each acceptance a row: the last of a name counts, the others tell what was before.
CREATE TABLE baseline (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    at    INTEGER NOT NULL,
    who   TEXT NOT NULL,
    why   TEXT NOT NULL
) STRICT;
CREATE INDEX baseline_name ON baseline (name);

-- What the sources saw last of what has a baseline.
CREATE TABLE sighting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    at    INTEGER NOT NULL
) STRICT;
