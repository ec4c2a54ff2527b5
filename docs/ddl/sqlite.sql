CREATE TABLE IF NOT EXISTS idempotency_records (
    key       BLOB    NOT NULL PRIMARY KEY,
    value     BLOB    NOT NULL,
    ends_ms   INTEGER NOT NULL,
    operation TEXT    NOT NULL,
    label     TEXT    NOT NULL,
    state     TEXT    NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS idempotency_records_ends_ms ON idempotency_records (ends_ms);
