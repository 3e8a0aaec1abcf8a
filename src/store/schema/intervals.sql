-- The interval a cycle ran with: after it the next one was due. NULL for cycles of before.
ALTER TABLE cycle ADD COLUMN interval_ms INTEGER CHECK (interval_ms > 0);
