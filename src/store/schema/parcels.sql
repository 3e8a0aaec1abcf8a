-- Several deliveries to one destination may go out as one message: the id of the first of them, and in `attempt` that of
-- the message an attempt sent.
ALTER TABLE outbox ADD COLUMN parcel INTEGER;
ALTER TABLE attempt ADD COLUMN parcel INTEGER;
CREATE INDEX attempt_started ON attempt (started);

-- Where messages go: since when, when one was taken last, and whether the last attempt was.
CREATE TABLE destination (
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    seen    INTEGER NOT NULL,
    proven  INTEGER,
    works   INTEGER,
    PRIMARY KEY (channel, address)
) STRICT, WITHOUT ROWID;
INSERT INTO destination (channel, address, seen, proven, works)
    SELECT channel, address, min(outbox.created),
           max(CASE WHEN attempt.outcome = 'sent' THEN attempt.started + coalesce(attempt.took_ms, 0) END),
           NULL
    FROM outbox LEFT JOIN attempt ON attempt.outbox = outbox.id GROUP BY channel, address;
UPDATE destination SET works = (
    SELECT attempt.outcome = 'sent' FROM attempt JOIN outbox ON outbox.id = attempt.outbox
    WHERE outbox.channel = destination.channel AND outbox.address = destination.address AND attempt.outcome IS NOT NULL
    ORDER BY attempt.id DESC LIMIT 1);
