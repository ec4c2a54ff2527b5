CREATE TABLE IF NOT EXISTS idempotency_records (
    key       bytea  NOT NULL PRIMARY KEY,
    value     bytea  NOT NULL,
    ends      bigint NOT NULL, -- milliseconds since 1970, by this server's clock
    operation text   NOT NULL,
    label     text   NOT NULL,
    state     text   NOT NULL
);
CREATE INDEX IF NOT EXISTS idempotency_records_ends ON idempotency_records (ends);
