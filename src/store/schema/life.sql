-- What people and the monitor did about an alert, beside its transitions. `who` is empty where the monitor did it.
CREATE TABLE deed (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    alert INTEGER NOT NULL REFERENCES alert (id),
    at    INTEGER NOT NULL,
    kind  TEXT NOT NULL,
    who   TEXT NOT NULL,
    text  TEXT NOT NULL
) STRICT;
CREATE INDEX deed_alert ON deed (alert);

-- Which alerts nobody needs to be told of for a time. A silence that is ended early gets an earlier `until`.
CREATE TABLE silence (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    scope  TEXT NOT NULL,
    since  INTEGER NOT NULL,
    until  INTEGER NOT NULL,
    who    TEXT NOT NULL,
    why    TEXT NOT NULL
) STRICT;

-- For counting how often an alert fired lately.
CREATE INDEX alert_fired ON alert (fired_at);
