CREATE TABLE IF NOT EXISTS idempotency_records (
    `key`     VARBINARY(32) NOT NULL PRIMARY KEY,
    value     LONGBLOB      NOT NULL,
    ends      BIGINT        NOT NULL COMMENT 'milliseconds since 1970, by this server''s clock',
    operation TEXT          NOT NULL,
    label     TEXT          NOT NULL,
    state     VARCHAR(32)   NOT NULL,
    KEY idempotency_records_ends (ends)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
