-- The interval a cycle ran with: after it the next one was due. NULL for cycles of before.
ALTER TABLE cycle ADD COLUMN interval_ms INTEGER CHECK (interval_ms > 0);

-- Where another interval begins to count; to find these in a year of cycles takes seconds.
CREATE TABLE rhythm (
    tick        INTEGER PRIMARY KEY,
    interval_ms INTEGER NOT NULL CHECK (interval_ms > 0)
) STRICT;
CREATE TRIGGER cycle_keeps_the_rhythm AFTER INSERT ON cycle
WHEN NEW.interval_ms IS NOT (SELECT interval_ms FROM rhythm WHERE tick <= NEW.tick ORDER BY tick DESC LIMIT 1)
 AND NEW.interval_ms IS NOT NULL
BEGIN INSERT OR REPLACE INTO rhythm VALUES (NEW.tick, NEW.interval_ms); END;
