//! The guarantees: what must hold after every job, judged by the true state of the servers and by what was printed.
//! `docs/guarantees.md` explains them.

mod bounds;
mod case;
mod collateral;
mod leftovers;
mod progress;
mod silence;
mod truth;

use super::job::History;
use case::Case;
pub(super) use leftovers::reasons;

/// A guarantee that a job has broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) guarantee: &'static str,
    pub(super) what: String,
}

/// Checks all guarantees.
pub(super) fn judge(history: &History) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (of, record) in history.uses.iter().enumerate() {
        let Some(use_) = history.plan.uses.get(of) else { continue };
        let case = Case::new(history, of, use_, record);
        for (guarantee, check) in GUARANTEES {
            let mut found = Vec::new();
            check(&case, &mut found);
            violations.extend(found.into_iter().map(|what| Violation { guarantee, what: format!("use {of}: {what}") }));
        }
    }
    violations
}

type Check = fn(&Case<'_>, &mut Vec<String>);

const GUARANTEES: [(&str, Check); 6] = [
    ("truth", truth::check),
    ("no leftovers", leftovers::check),
    ("no collateral", collateral::check),
    ("bounds", bounds::check),
    ("silence", silence::check),
    ("progress", progress::check),
];
