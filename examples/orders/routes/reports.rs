//! Reports that take a while: `strategy = "async"`.

use crate::account::Account;
use crate::business::Business;
use crate::error::ShopError;
use crate::simulate::Simulate;
use actix_web::{HttpResponse, post, web};
use idempotent_runtime::{Progress, idempotent};
use serde::{Deserialize, Serialize};

/// What a client wants to know.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct NewReport {
    rows: u32,
    #[serde(default)]
    simulate: Simulate,
}

/// What it gets to know.
#[derive(Serialize)]
struct Report<'a> {
    account: &'a str,
    rows: u32,
    /// Of the numbers of all rows.
    sum: u64,
}

/// Answered at once with the address of a task. Each row suffers what is to be suffered.
#[post("/reports")]
#[idempotent(strategy = "async")]
pub(crate) async fn create(
    account: Account,
    report: web::Json<NewReport>,
    business: web::Data<Business>,
    progress: Progress,
) -> Result<HttpResponse, ShopError> {
    business.count("create_report").await?;
    let NewReport { rows, simulate } = report.into_inner();
    let mut sum = 0;
    for row in 1..=rows {
        if let Some(failure) = simulate.suffer().await {
            return Ok(failure);
        }
        sum += u64::from(row);
        progress.report(row.into(), rows.into());
    }
    let report = Report { account: &account.0, rows, sum };
    Ok(simulate.dress(HttpResponse::Created(), "", &report))
}
