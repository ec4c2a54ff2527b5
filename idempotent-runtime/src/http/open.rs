//! The step before a run whose guard stands in the business transaction.

#![expect(clippy::result_large_err, reason = "a box for each exit would cost more than its moves")]

use crate::engine::ClaimRequest;
use crate::http::call::{Call, Exit};
use crate::http::answer::problem::ProblemKind;
use crate::http::answer::refusal;
use crate::http::answer::row::{self, Answer};
use crate::http::serving::{Run, misconfigured};
use crate::transaction::{self, Plan, RowAnswer, RowPlan, TransactionAdmission};
use actix_web::http::header::ETAG;

impl Call {
    /// Opens a transaction of the business database, guarded by the key, a row, or both.
    pub(super) async fn open(&self, ask: Option<ClaimRequest>) -> Result<(), Exit> {
        let Some(database) = self.app.database() else {
            let why = "the handler's strategy needs the business database: `.database(pool)`";
            return Err(Exit::Refused(misconfigured(&self.request, why)));
        };
        let wait = self.policy.wait.unwrap_or(self.app.settings().wait);
        let plan = Plan { ask, row: self.row_plan()?, wait };
        self.shared.committed.set(true);
        match transaction::begin(database, self.app.engine(), plan).await {
            Ok(TransactionAdmission::Run(mut run)) => {
                self.shared.attempt.set(u64::from(run.is_recorded()));
                run.lend(self.shared.lent());
                self.shared.run.replace(Some(Run::Transaction(run)));
                Ok(())
            }
            Ok(TransactionAdmission::Replay(stored)) => Err(self.replayed(*stored)),
            Ok(TransactionAdmission::Refused(refusal)) => Err(self.refused(refusal)),
            Ok(TransactionAdmission::Row(answer)) => Err(self.by_row(answer)),
            Err(error) => Err(self.exit(&refusal::store_failed(&self.request, &error))),
        }
    }

    /// The row that guards the handler, as the request names it.
    fn row_plan(&self) -> Result<Option<RowPlan>, Exit> {
        let (Some(row), Some(id)) = (&self.policy.row, &self.drafts.row) else { return Ok(None) };
        let id = self.filled(id, ProblemKind::KeyInvalid)?.whole();
        let version = match &self.drafts.version {
            None => 0,
            Some(draft) => {
                let written = self.filled(draft, ProblemKind::VersionMissing)?.whole();
                // What names no version matches none: versions count up from 0.
                row::version(&written).unwrap_or(-1)
            }
        };
        Ok(Some(RowPlan { row, id, version, on_duplicate: self.policy.on_duplicate }))
    }

    fn by_row(&self, answer: RowAnswer) -> Exit {
        match row::answer(&self.request, answer) {
            Answer::Done(response) => Exit::Answered(response),
            Answer::Problem(problem, version) => {
                let mut response = self.app.render(&self.request, &problem);
                if let Some(tag) = version.and_then(refusal::entity_tag) {
                    response.headers_mut().insert(ETAG, tag);
                }
                Exit::Answered(response)
            }
        }
    }
}
