//! Ways in which a database refuses to write records, or does not answer.

/// A kind of refusal that statements on one connection begin and end.
#[derive(Clone, Copy, Debug)]
pub struct SqlRefusal {
    /// Its name for people.
    pub name: &'static str,
    /// The statements after which it refuses.
    pub begins: &'static str,
    /// The statements that end the refusal; they are sent on the same connection.
    pub ends: &'static str,
}

/// The table has another name meanwhile.
const GONE: SqlRefusal = SqlRefusal {
    name: "the table gone",
    begins: "ALTER TABLE idempotency_records RENAME TO away",
    ends: "ALTER TABLE away RENAME TO idempotency_records",
};

const NO_ROOM: &str = "the store without room";
const NOT_PERMITTED: &str = "the store without permission";
const READ_ONLY: &str = "the store read-only";
const LOCKED: &str = "the table locked";

/// A trigger that raises this error.
macro_rules! raises_in_postgres {
    ($name:expr, $code:literal) => {
        SqlRefusal {
            name: $name,
            begins: concat!(
                "CREATE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 RAISE EXCEPTION 'as the test asked' USING ERRCODE = '",
                $code,
                "'; END $$; CREATE TRIGGER refuses BEFORE INSERT OR UPDATE ON idempotency_records \
                 FOR EACH ROW EXECUTE FUNCTION refuses()",
            ),
            ends: "DROP TRIGGER refuses ON idempotency_records; DROP FUNCTION refuses()",
        }
    };
}

macro_rules! raises_in_mariadb {
    ($name:expr, $state:literal, $number:literal) => {
        SqlRefusal {
            name: $name,
            begins: concat!(
                "CREATE TRIGGER refuses_new BEFORE INSERT ON idempotency_records FOR EACH ROW \
                 SIGNAL SQLSTATE '",
                $state,
                "' SET MYSQL_ERRNO = ",
                $number,
                "; CREATE TRIGGER refuses_other BEFORE UPDATE ON idempotency_records FOR EACH ROW \
                 SIGNAL SQLSTATE '",
                $state,
                "' SET MYSQL_ERRNO = ",
                $number,
            ),
            ends: "DROP TRIGGER refuses_new; DROP TRIGGER refuses_other",
        }
    };
}

impl SqlRefusal {
    /// The refusals of `PostgreSQL`.
    pub const POSTGRES: [Self; 5] = [
        GONE,
        raises_in_postgres!(NO_ROOM, "53100"),
        raises_in_postgres!(NOT_PERMITTED, "42501"),
        raises_in_postgres!(READ_ONLY, "25006"),
        Self {
            name: LOCKED,
            begins: "BEGIN; LOCK TABLE idempotency_records IN ACCESS EXCLUSIVE MODE",
            ends: "COMMIT",
        },
    ];

    /// The refusals of `MariaDB`.
    pub const MARIADB: [Self; 5] = [
        GONE,
        raises_in_mariadb!(NO_ROOM, "HY000", "1114"),
        raises_in_mariadb!(NOT_PERMITTED, "42000", "1142"),
        raises_in_mariadb!(READ_ONLY, "HY000", "1290"),
        Self {
            name: LOCKED,
            begins: "LOCK TABLES idempotency_records WRITE",
            ends: "UNLOCK TABLES",
        },
    ];

    /// The refusals of `SQLite`, without a full disk. (It makes a missing table again.)
    pub const SQLITE: [Self; 2] = [
        Self {
            name: "the store taking back",
            begins: "CREATE TRIGGER refuses_new BEFORE INSERT ON idempotency_records \
                     BEGIN SELECT RAISE(ROLLBACK, 'as the test asked'); END; \
                     CREATE TRIGGER refuses_other BEFORE UPDATE ON idempotency_records \
                     BEGIN SELECT RAISE(ROLLBACK, 'as the test asked'); END",
            ends: "DROP TRIGGER refuses_new; DROP TRIGGER refuses_other",
        },
        Self { name: LOCKED, begins: "BEGIN IMMEDIATE", ends: "ROLLBACK" },
    ];
}
