-- What the server was asked to do: so much of it is allowed in a time. Rows are dropped after a day.
CREATE TABLE request (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    at   INTEGER NOT NULL,
    what TEXT NOT NULL
) STRICT;
CREATE INDEX request_what ON request (what, at);
