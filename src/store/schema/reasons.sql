-- The reason of the newest unknown mark of a series stays when newer samples are known: a rule that looks back at the mark
-- has to know whether the series was warming up or in trouble.
CREATE TABLE latest_with_reasons (
    series INTEGER PRIMARY KEY REFERENCES series (id),
    tick   INTEGER NOT NULL,
    value  REAL,
    mark   INTEGER NOT NULL,
    reason TEXT,
    CHECK ((mark = 0) = (value IS NOT NULL))
) STRICT;
INSERT INTO latest_with_reasons SELECT series, tick, value, mark, reason FROM latest;
DROP TABLE latest;
ALTER TABLE latest_with_reasons RENAME TO latest;
