//! Whether what a database server is told is encrypted: what the options ask for, and what this build can do.
//!
//! Nothing is sent in clear that asked not to be. The client library has its own check, but it falls back to
//! plaintext where it does not understand the environment or a parameter, and does not say what to build.

use crate::error::{StoreError, StoreErrorKind};
use crate::store::finding::Finding;
#[cfg(feature = "tls")]
use crate::store::tls::choose_provider;
use crate::store::tls::is_loopback;

/// The protection that connections ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protection {
    /// Plaintext, in so many words.
    Unwanted,
    /// Plaintext, where the server or somebody between says so.
    Optional,
    /// TLS with whoever answers.
    Unverified,
    /// TLS with a server whose certificate is checked.
    Verified,
}

/// The listeners there may be on the way to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Socket,
    Loopback,
    Network,
}

/// Whether the client library speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TlsBuild {
    Present,
    Absent,
}

/// The words of a database for its modes.
pub(super) struct ModeWords {
    /// The parameter of a URL.
    pub(super) parameter: &'static str,
    /// The mode that checks the certificate and the name in it.
    pub(super) verified: &'static str,
    /// The mode that is plaintext.
    pub(super) unwanted: &'static str,
    /// The parameter with a file of authorities.
    pub(super) authority: &'static str,
}

impl Way {
    /// The way to a server on this socket, or else on this host.
    pub(super) fn to(host: &str, socket: bool) -> Self {
        if socket || host.starts_with('/') {
            return Self::Socket;
        }
        if is_loopback(host) { Self::Loopback } else { Self::Network }
    }
}

impl TlsBuild {
    /// That of this build, or of the app's own feature of the client library.
    pub(super) fn ours() -> Self {
        let is_present = cfg!(feature = "tls") || sqlx_core::net::tls::available();
        if is_present { Self::Present } else { Self::Absent }
    }
}

impl Protection {
    /// Refuses to connect where TLS is asked for and not built.
    pub(super) fn refuse_without(self, build: TlsBuild) -> Result<(), StoreError> {
        if let (Self::Unverified | Self::Verified, TlsBuild::Absent) = (self, build) {
            return Err(refused(
                "TLS is asked for: build `idempotent-runtime` with the feature `tls`",
            ));
        }
        #[cfg(feature = "tls")]
        choose_provider();
        Ok(())
    }

    /// The harm that somebody on the way could do: read, or pretend to be the server.
    pub(super) fn finding(self, way: Way, words: &ModeWords) -> Option<Finding> {
        let ModeWords { parameter, verified, unwanted, authority } = words;
        let verify = format!("`{parameter}={verified}` (feature `tls`), with `{authority}=FILE`");
        match (self, way) {
            (Self::Optional, Way::Network) => Some(Finding::warning(
                "connections to another host may be plaintext, with the password and every stored answer",
                format!(
                    "use {verify}, or `{parameter}={unwanted}` where nobody else is on the network"
                ),
            )),
            (Self::Unverified, Way::Loopback | Way::Network) => Some(Finding::warning(
                "connections are encrypted, and whoever answers is taken for the server",
                format!("use {verify} for an authority of your own"),
            )),
            _ => None,
        }
    }
}

/// Refuses a URL whose parameter for TLS is spelt as the client library does not read it: it would be ignored.
pub(super) fn refuse_misspelt(url: &str) -> Result<(), StoreError> {
    let (_, query) = url.split_once('?').unwrap_or_default();
    let names = query.split(['&', '#']).map(|pair| pair.split('=').next().unwrap_or_default());
    for name in names {
        let bare: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let is_mode = matches!(
            bare.to_ascii_lowercase().as_str(),
            "sslmode" | "ssl" | "tls" | "usessl" | "requiressl" | "tlsmode"
        );
        if is_mode && !matches!(name, "sslmode" | "ssl-mode") {
            let why =
                format!("`{name}` is not a parameter, and would be ignored: write `sslmode=…`");
            return Err(refused(why));
        }
    }
    Ok(())
}

pub(super) fn refused(why: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Rejected, "connect").because(why.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: ModeWords = ModeWords {
        parameter: "sslmode",
        verified: "verify-full",
        unwanted: "disable",
        authority: "sslrootcert",
    };

    #[test]
    fn what_asks_for_tls_is_refused_by_a_build_without_it() {
        use Protection::{Optional, Unverified, Unwanted, Verified};
        for (asked, is_refused) in
            [(Unwanted, false), (Optional, false), (Unverified, true), (Verified, true)]
        {
            assert_eq!(asked.refuse_without(TlsBuild::Present).ok(), Some(()), "{asked:?}");
            let without = asked.refuse_without(TlsBuild::Absent);
            assert_eq!(without.is_err(), is_refused, "{asked:?}");
            if let Err(error) = without {
                assert_eq!(error.kind(), StoreErrorKind::Rejected);
                assert!(error.to_string().contains("feature `tls`"), "{error}");
            }
        }
        #[cfg(feature = "tls")]
        assert_eq!(TlsBuild::ours(), TlsBuild::Present);
    }

    #[test]
    fn what_others_can_read_or_pretend_is_found() {
        use Protection::{Optional, Unverified, Unwanted, Verified};
        for (asked, way, is_found) in [
            (Optional, Way::Network, true),
            (Optional, Way::Loopback, false),
            (Optional, Way::Socket, false),
            (Unverified, Way::Network, true),
            (Unverified, Way::Loopback, true),
            (Unverified, Way::Socket, false),
            (Unwanted, Way::Network, false),
            (Verified, Way::Network, false),
        ] {
            assert_eq!(asked.finding(way, &WORDS).is_some(), is_found, "{asked:?}, {way:?}");
        }
    }

    #[test]
    fn only_this_host_is_loopback() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]", "::1"] {
            assert_eq!(Way::to(host, false), Way::Loopback, "{host}");
        }
        for host in ["db", "10.0.0.1", "localhost.example", "[2001:db8::1]", "0.0.0.0"] {
            assert_eq!(Way::to(host, false), Way::Network, "{host}");
        }
        assert_eq!(Way::to("/var/run/postgresql", false), Way::Socket);
        assert_eq!(Way::to("db", true), Way::Socket);
    }

    #[test]
    fn a_misspelt_parameter_is_refused_and_others_are_not() {
        for name in ["ssl_mode", "sslMode", "SSLMODE", "ssl", "tls", "useSSL", "requiressl"] {
            let error = refuse_misspelt(&format!("mysql://u@h/d?a=b&{name}=REQUIRED"));
            let error = error.expect_err(name).to_string();
            assert!(error.contains(name) && error.contains("`sslmode=…`"), "{error}");
        }
        for url in [
            "mysql://h/ssl",
            "mysql://h/d?ssl-mode=REQUIRED&ssl-ca=x",
            "postgres://h?sslmode=allow",
        ] {
            refuse_misspelt(url).expect(url);
        }
    }
}
