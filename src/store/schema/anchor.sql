-- Where the reserve log begins: after row `n`, the last one that was let go (0 as long as none was). Its hash is what the
-- row after it is proved with, `moved` when it was let go. `bytes` is what the rows of the log take, kept by triggers.
CREATE TABLE reserve_anchor (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    n     INTEGER NOT NULL,
    at    INTEGER,
    hash  BLOB NOT NULL CHECK (length(hash) = 32),
    moved INTEGER,
    bytes INTEGER NOT NULL,
    CHECK ((n = 0) = (at IS NULL) AND (n = 0) = (moved IS NULL))
) STRICT;
-- 85 is what a row takes beside its text, with its place in the index.
INSERT INTO reserve_anchor
    SELECT 1, 0, NULL, zeroblob(32), NULL, coalesce(sum(octet_length(text) + 85), 0) FROM reserve_log;

-- Rows that say their whole state: the log may begin with one of them, because what follows refers to none before it.
CREATE INDEX reserve_log_whole ON reserve_log (n, at) WHERE instr(text, '"state":{') > 0;

CREATE TRIGGER reserve_anchor_is_there_once BEFORE INSERT ON reserve_anchor
BEGIN SELECT RAISE(ABORT, 'the reserve log has one beginning'); END;
CREATE TRIGGER reserve_anchor_is_not_deleted BEFORE DELETE ON reserve_anchor
BEGIN SELECT RAISE(ABORT, 'the reserve log has one beginning'); END;
CREATE TRIGGER reserve_anchor_moves_on BEFORE UPDATE OF id, n, at, hash, moved ON reserve_anchor
WHEN NEW.n <= OLD.n
  OR NOT EXISTS (SELECT 1 FROM reserve_log WHERE n = NEW.n AND at = NEW.at AND hash = NEW.hash)
  OR NOT EXISTS (SELECT 1 FROM reserve_log WHERE n = NEW.n + 1 AND instr(text, '"state":{') > 0)
BEGIN SELECT RAISE(ABORT, 'the reserve log can only begin later, with a row that says its whole state'); END;

DROP TRIGGER reserve_log_is_not_shortened;
CREATE TRIGGER reserve_log_is_not_shortened BEFORE DELETE ON reserve_log
WHEN NOT EXISTS (SELECT 1 FROM reserve_anchor WHERE n >= OLD.n)
BEGIN SELECT RAISE(ABORT, 'the reserve log is only added to'); END;
CREATE TRIGGER reserve_log_is_added_to_at_its_end BEFORE INSERT ON reserve_log
WHEN NEW.n IS NOT coalesce((SELECT max(n) FROM reserve_log), 0) + 1
BEGIN SELECT RAISE(ABORT, 'the reserve log is only added to'); END;

CREATE TRIGGER reserve_log_grows AFTER INSERT ON reserve_log
BEGIN UPDATE reserve_anchor SET bytes = bytes + octet_length(NEW.text) + 85; END;
CREATE TRIGGER reserve_log_shrinks AFTER DELETE ON reserve_log
BEGIN UPDATE reserve_anchor SET bytes = bytes - octet_length(OLD.text) - 85; END;
