//! Reports that take a while: `strategy = "async"`.

use crate::account::Account;
use crate::business::Business;
use crate::error::ShopError;
use crate::simulate::Simulate;
use actix_web::{HttpResponse, post, web};
use idempotent_runtime::extract::Attempt;
use idempotent_runtime::idempotent;
use idempotent_runtime::task::Progress;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A report as a client asks for it.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct NewReport {
    rows: u32,
    #[serde(default)]
    simulate: Simulate,
}

/// A report as the client gets it.
#[derive(Serialize)]
struct Report<'a> {
    account: &'a str,
    rows: u32,
    /// The sum of the numbers of all rows.
    sum: u64,
    /// The attempt that made the report: each run of the task has a greater one.
    attempt: u64,
}

impl NewReport {
    /// Makes the report row by row. The faults that the request asks for happen at each row.
    async fn make(
        &self,
        Account(account): Account,
        progress: &Progress,
        attempt: &Attempt,
    ) -> HttpResponse {
        let mut sum = 0;
        for row in 1..=self.rows {
            if let Some(failure) = self.simulate.suffer().await {
                return failure;
            }
            sum += u64::from(row);
            progress.report(row.into(), self.rows.into());
        }
        let report = Report { account: &account, rows: self.rows, sum, attempt: attempt.number() };
        self.simulate.dress(HttpResponse::Created(), "", &report)
    }
}

/// Is answered at once with the address of a task. If its process dies, another one makes the report.
#[idempotent(strategy = "async")]
#[utoipa::path(operation_id = "create_report")]
#[post("/reports")]
pub(crate) async fn create(
    account: Account,
    report: web::Json<NewReport>,
    business: web::Data<Business>,
    progress: Progress,
    attempt: Attempt,
) -> Result<HttpResponse, ShopError> {
    business.count("create_report").await?;
    Ok(report.make(account, &progress, &attempt).await)
}

/// The same for a report that must not be begun twice: if its process dies, it waits for an operator.
#[idempotent(strategy = "async", on_abandoned = "hold")]
#[utoipa::path(operation_id = "create_report_once")]
#[post("/reports/once")]
pub(crate) async fn create_once(
    account: Account,
    report: web::Json<NewReport>,
    business: web::Data<Business>,
    progress: Progress,
    attempt: Attempt,
) -> Result<HttpResponse, ShopError> {
    business.count("create_report_once").await?;
    Ok(report.make(account, &progress, &attempt).await)
}
