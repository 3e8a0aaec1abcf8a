-- What people say of an alert that fired: `useful`, or `false` where nobody should have been told.
CREATE TABLE mark (
    alert INTEGER PRIMARY KEY REFERENCES alert (id),
    worth TEXT NOT NULL,
    at    INTEGER NOT NULL,
    who   TEXT NOT NULL,
    why   TEXT NOT NULL
) STRICT;
