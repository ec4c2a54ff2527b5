//! The shop's own errors, and their answers.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;

/// An error of the shop's own, apart from those of idempotency.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShopError {
    /// No credential, or one that was revoked.
    #[error("send a valid credential")]
    Unauthorized,
    /// The thing does not exist, or belongs to somebody else.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The code belongs to another account.
    #[error("the code is taken")]
    Taken,
    /// An account would go below zero.
    #[error("there is not enough money on the account")]
    NotEnoughMoney,
    /// The business database failed.
    #[error("the shop cannot reach its database; try again later")]
    Database(#[from] sqlx::Error),
}

impl ResponseError for ShopError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::NotEnoughMoney | Self::Taken => StatusCode::CONFLICT,
            Self::Database(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        if let Self::Database(error) = self {
            eprintln!("business database: {error}");
        }
        let status = self.status_code();
        let title = status.canonical_reason().unwrap_or_default();
        let mut response = HttpResponse::build(status);
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        response.insert_header((CONTENT_TYPE, "application/problem+json")).body(
            json!({
                "type": "about:blank",
                "title": title,
                "status": status.as_u16(),
                "detail": self.to_string(),
            })
            .to_string(),
        )
    }
}
