//! Whether this build can encrypt.

#[cfg(feature = "tls")]
use crate::store::tls::provider::choose_provider;

/// The error if TLS is asked for and this build does not have it.
#[derive(Debug, thiserror::Error)]
#[error(
    "{asked} asks for TLS, which this build does not have: add the feature `tls` of \
     `idempotent-runtime`; nothing was sent"
)]
pub(crate) struct NoTls {
    asked: String,
}

/// Prepares TLS, before the first connection that asks for it. `asked` is the part of the URL that asks, for
/// the error.
///
/// # Errors
/// When this build has no TLS. Nothing may be sent in clear instead.
pub(crate) fn ready(asked: &str) -> Result<(), NoTls> {
    allowed(asked, cfg!(feature = "tls"))?;
    #[cfg(feature = "tls")]
    choose_provider();
    Ok(())
}

fn allowed(asked: &str, is_built: bool) -> Result<(), NoTls> {
    if is_built { Ok(()) } else { Err(NoTls { asked: asked.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_tls_refuses_and_names_the_feature() {
        let error = allowed("`rediss://`", false).expect_err("refused").to_string();
        assert!(error.contains("`rediss://`") && error.contains("the feature `tls`"), "{error}");
        assert!(allowed("`rediss://`", true).is_ok());
        assert_eq!(ready("`rediss://`").is_ok(), cfg!(feature = "tls"));
    }
}
