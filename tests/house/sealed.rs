//! Outcomes are put into records only in the room where they are sealed.

use crate::assert_none;
use crate::sources::{CRATES, Sources, made_up, without_tests};
use syn::visit::{Visit, visit_expr_call};
use syn::{Expr, ExprCall};

/// The room that puts outcomes into records and reads them, and the tests of stores, which do not use an engine.
const ROOMS: [&str; 2] = ["store/record/", "store/conformance/"];

/// Counts the outcomes that are put into a state of a record, except tombstones, which hold no data.
#[derive(Default)]
struct Outcomes(usize);

fn is_path(expression: &Expr, ends: [&str; 2]) -> bool {
    let Expr::Path(path) = expression else { return false };
    let segments: Vec<_> = path.path.segments.iter().map(|one| one.ident.to_string()).collect();
    segments.ends_with(&ends.map(str::to_owned))
}

impl<'a> Visit<'a> for Outcomes {
    fn visit_expr_call(&mut self, call: &'a ExprCall) {
        let is_tombstone =
            call.args.first().is_some_and(|it| is_path(it, ["Outcome", "Tombstone"]));
        if is_path(&call.func, ["State", "Completed"]) && !is_tombstone {
            self.0 += 1;
        }
        visit_expr_call(self, call);
    }
}

/// Files outside of these rooms that put an outcome into a record as it is.
fn unsealed(sources: &Sources) -> Vec<String> {
    let is_inside = |file: &str| ROOMS.iter().any(|room| file.starts_with(room));
    let others = sources.iter().filter(|(file, _)| !is_inside(file));
    let found = others.filter_map(|(file, text)| {
        let mut outcomes = Outcomes::default();
        outcomes.visit_file(&syn::parse_file(text).expect("a file of ours"));
        (outcomes.0 > 0).then(|| format!("{file}: {} outcomes", outcomes.0))
    });
    found.collect()
}

#[test]
fn outcomes_become_parts_of_records_where_they_are_sealed() {
    let mut sources = without_tests(CRATES[0]);
    // This file shows an opened outcome, and puts none.
    assert!(sources.remove("engine/task/found_task.rs").is_some());
    assert_none(CRATES[0], unsealed(&sources));
}

#[test]
fn an_outcome_that_is_put_as_it_is_is_noticed() {
    let put = "fn end() { Record { state: State::Completed(outcome), ..record }.encode(key) }";
    let read = "fn read() { let State::Completed(outcome) = state else { return }; }";
    let tombstone = "fn end() { State::Completed(Outcome::Tombstone) }";
    let sources = made_up(&[("a.rs", put), ("b.rs", read), ("c.rs", tombstone)]);
    assert_eq!(unsealed(&sources), ["a.rs: 1 outcomes"]);
}
