//! Opening the store that a URL names.

use crate::failure::Failure;
use crate::options::Options;
use crate::secrets::{DATABASE_PASSWORD, PASSWORD};
use idempotent_runtime::RedisStore;
use idempotent_runtime::clock::SystemClock;
use idempotent_runtime::store::{self, Store, StoreSettings};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::sync::Arc;
use tokio::time::timeout;

/// The number of answers that opening a store may take: to connect, to look at settings, to try each operation.
const ANSWERS: u32 = 4;

/// A kind of store, as the scheme of a URL names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreKind {
    Sqlite,
    Redis,
    Postgres,
    MySql,
}

impl StoreKind {
    /// The kind that this URL names.
    ///
    /// # Errors
    /// When it names no kind. The error repeats nothing of the URL, which may hold a password anywhere.
    pub(crate) fn of(url: &str) -> Result<Self, Failure> {
        let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
        let is_address = rest.starts_with("//");
        match scheme {
            "sqlite" if !rest.is_empty() => Ok(Self::Sqlite),
            "redis" | "rediss" | "redis+unix" | "unix" | "redis+cluster" | "rediss+cluster"
            | "redis+sentinel" | "rediss+sentinel"
                if is_address =>
            {
                Ok(Self::Redis)
            }
            "postgres" | "postgresql" if is_address => Ok(Self::Postgres),
            "mysql" | "mariadb" if is_address => Ok(Self::MySql),
            "memory" => {
                let why =
                    "`memory:` is inside of the service's own process, where nobody else can look";
                Err(Failure::Usage(why.to_owned()))
            }
            _ => {
                let why = "the URL of the store begins with none of `sqlite:`, `redis://`, `rediss://`, \
                           `redis+unix://`, `redis+cluster://`, `rediss+cluster://`, `redis+sentinel://`, \
                           `rediss+sentinel://`, `postgres://` and `mysql://`";
                Err(Failure::Usage(why.to_owned()))
            }
        }
    }
}

/// Opens the store of these options.
///
/// # Errors
/// When no store is named, or it does not open.
pub(crate) async fn open(options: &Options) -> Result<Arc<dyn Store>, Failure> {
    let Some(url) = &options.store else {
        let why = "no store is named: give `--store URL`, or set IDEMPOTENT_STORE";
        return Err(Failure::Usage(why.to_owned()));
    };
    let kind = StoreKind::of(url)?;
    let url = complete(url, kind, password(PASSWORD).as_deref())?;
    let opening = async {
        match &options.prefix {
            None => store::open(&url).await,
            Some(prefix) => {
                let opened = RedisStore::connect_with_prefix(&url, prefix).await?;
                Ok(Arc::new(opened) as Arc<dyn Store>)
            }
        }
    };
    if options.prefix.is_some() && kind != StoreKind::Redis {
        return Err(Failure::Usage(
            "`--prefix` is only for Redis, and this is another store".to_owned(),
        ));
    }
    let late = |_| Failure::Store("the store did not answer in time as it was opened".to_owned());
    let opened = timeout(options.patience() * ANSWERS, opening).await.map_err(late)??;
    opened.adopt(&StoreSettings::new(options.patience(), Arc::new(SystemClock::new())));
    Ok(opened)
}

/// The business database of these options, if they name one.
///
/// # Errors
/// When the URL names no kind of store, its file is not there, or its password is given twice.
pub(crate) fn database_url(options: &Options) -> Result<Option<(StoreKind, String)>, Failure> {
    let Some(url) = &options.database else { return Ok(None) };
    let kind = StoreKind::of(url)?;
    Ok(Some((kind, complete(url, kind, password(DATABASE_PASSWORD).as_deref())?)))
}

/// The password in a variable of the environment.
fn password(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|password| !password.is_empty())
}

/// The URL with the password of the environment. A file must exist: no command creates one.
fn complete(url: &str, kind: StoreKind, password: Option<&str>) -> Result<String, Failure> {
    let usage = |why: &str| Err(Failure::Usage(why.to_owned()));
    if kind == StoreKind::Sqlite {
        if password.is_some() {
            return usage("a password is set in the environment, and an SQLite file has none");
        }
        let mark = if url.contains('?') { '&' } else { '?' };
        let names_mode = url.contains("?mode=") || url.contains("&mode=");
        return Ok(if names_mode { url.to_owned() } else { format!("{url}{mark}mode=rw") });
    }
    let Some((scheme, rest)) = url.split_once("://") else { return Ok(url.to_owned()) };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if !authority.is_empty() && !authority.contains('@') && tail.contains('@') {
        // A part of the password would be taken for a host, a port or a database, which errors print.
        return usage(
            "a URL has a `@` behind a `/`, `?` or `#`: write these three as `%2F`, `%3F` and \
             `%23` in a password, and an `@` that belongs behind the host as `%40`",
        );
    }
    let Some(password) = password else { return Ok(url.to_owned()) };
    let password = utf8_percent_encode(password, NON_ALPHANUMERIC);
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let has_parameter =
        ["?pass=", "&pass=", "?password=", "&password="].iter().any(|one| tail.contains(one));
    if user.contains(':') || has_parameter {
        return usage("the URL has a password, and the environment has another: give one");
    }
    if matches!(scheme, "redis+unix" | "unix") {
        let mark = if tail.contains('?') { '&' } else { '?' };
        return Ok(format!("{url}{mark}pass={password}"));
    }
    Ok(format!("{scheme}://{user}:{password}@{host}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(url: &str, password: Option<&str>) -> Result<String, u8> {
        let kind = StoreKind::of(url).map_err(|failure| failure.code())?;
        complete(url, kind, password).map_err(|failure| failure.code())
    }

    #[test]
    fn the_password_of_the_environment_stands_where_the_client_reads_it() {
        for (url, complete) in [
            ("redis://host", "redis://:p%40s%2Fs@host"),
            ("redis://me@host:1/2", "redis://me:p%40s%2Fs@host:1/2"),
            ("redis+cluster://h1:1,h2:2", "redis+cluster://:p%40s%2Fs@h1:1,h2:2"),
            ("redis+sentinel://me@h1,h2/main", "redis+sentinel://me:p%40s%2Fs@h1,h2/main"),
            ("redis+unix:///a.sock", "redis+unix:///a.sock?pass=p%40s%2Fs"),
            ("redis+unix:///a.sock?db=1", "redis+unix:///a.sock?db=1&pass=p%40s%2Fs"),
            (
                "postgres://me@host/db?sslmode=require",
                "postgres://me:p%40s%2Fs@host/db?sslmode=require",
            ),
            ("mysql://me@host/db", "mysql://me:p%40s%2Fs@host/db"),
        ] {
            assert_eq!(completed(url, Some("p@s/s")).as_deref(), Ok(complete));
            assert_eq!(completed(url, None).as_deref(), Ok(url));
        }
    }

    #[test]
    fn two_passwords_and_one_for_a_file_are_wrong() {
        for url in
            ["redis://:a@h", "redis+unix:///a?pass=a", "postgres://h/d?password=a", "sqlite:a.db"]
        {
            assert_eq!(completed(url, Some("b")), Err(2), "{url}");
        }
    }

    #[test]
    fn a_password_that_would_be_read_as_a_host_is_refused() {
        for url in
            ["postgres://me:p/a@h/db", "mysql://me:p?a@h/db", "redis://:p#a@h", "redis://p/a@h"]
        {
            assert_eq!(completed(url, None), Err(2), "{url}");
        }
        for url in ["redis+unix:///tmp/a@b.sock", "postgres://me:p@s@h/db", "redis://me:p@h/?a=b@c"]
        {
            assert_eq!(completed(url, None).as_deref(), Ok(url));
        }
    }

    #[test]
    fn a_file_is_looked_at_and_never_made() {
        assert_eq!(completed("sqlite:a.db", None).as_deref(), Ok("sqlite:a.db?mode=rw"));
        assert_eq!(
            completed("sqlite:a.db?cache=private", None).as_deref(),
            Ok("sqlite:a.db?cache=private&mode=rw")
        );
        assert_eq!(completed("sqlite:a.db?mode=rwc", None).as_deref(), Ok("sqlite:a.db?mode=rwc"));
    }

    #[test]
    fn a_url_of_no_store_is_wrong() {
        for url in [
            "",
            "redis",
            "redis:",
            "redis:/h",
            "postgres:me@h",
            "mysq://h",
            "memory:",
            "sqlite:",
            "http://h",
        ] {
            assert_eq!(completed(url, None), Err(2), "{url}");
        }
    }
}
