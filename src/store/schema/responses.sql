-- Runs of responses: programs started because an alert rose to `severity`, or by hand (`who`). A run is committed as
-- 'running' before the program starts; a killed process leaves it so, and it is never started again.
CREATE TABLE response (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    name     TEXT NOT NULL,
    alert    INTEGER REFERENCES alert (id),
    severity TEXT NOT NULL,
    message  TEXT NOT NULL,
    state    TEXT NOT NULL,
    who      TEXT NOT NULL,
    decided  INTEGER NOT NULL,
    finished INTEGER,
    well     INTEGER NOT NULL,
    outcome  TEXT
) STRICT;
CREATE INDEX response_alert ON response (alert);
CREATE INDEX response_state ON response (state);
