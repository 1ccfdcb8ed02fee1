//! One request and its response, as the step and the judge know them.

use crate::host::{Response, TransportError};
use crate::simulation::plan::{Call, Fault};
use std::fmt;

pub(crate) const API_KEY: &str = "rca_simulated-k3y";
pub(crate) const USERNAME: &str = "robot-ci";
pub(crate) const ACCESS_TOKEN: &str = "tok-simulated-s3cret";

pub(crate) fn server_id(server: usize) -> String {
    format!("5e0c1a00-0000-4000-8000-{server:012x}")
}

pub(crate) fn server_name(server: usize) -> String {
    format!("web-{server}")
}

pub(crate) fn credential_id(credential: usize) -> String {
    format!("c4ed0000-0000-4000-8000-{credential:012x}")
}

/// The number in an ID of a server or credential.
pub(super) fn number(id: &str) -> Option<usize> {
    usize::from_str_radix(id.rsplit('-').next()?, 16).ok()
}

/// Which step of which use of the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) of: usize,
    pub(crate) is_main: bool,
}

/// What a step has learned from a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The step was killed, or gave the request up, before it ended.
    Nothing,
    /// There was no connection.
    NotSent,
    /// No response, or none that says anything. The request may have been executed.
    NoAnswer,
    Rejected {
        status: u16,
        retry_after_ms: Option<u64>,
    },
    /// A login or logout was accepted. `operation` is the one that the response has named, if any.
    Accepted {
        operation: Option<usize>,
        /// Whether it has everything that the API documents.
        is_valid: bool,
    },
    /// A logout has ended without an operation to ask for.
    LoggedOut,
    Status {
        operation: usize,
        has_ended: bool,
    },
}

impl Seen {
    /// Whether it is certain that the request was not executed: its status is that of the API itself, or of a redirect
    /// that was not followed. A gateway sends 408, 499 and 5xx, and may have passed the request on.
    pub(crate) fn rules_out_execution(self) -> bool {
        match self {
            Self::NotSent => true,
            Self::Rejected { status, .. } => matches!(status, 301 | 302 | 304..=399 | 400..=407 | 409..=498),
            _ => false,
        }
    }
}

/// One request of the job.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// Among all requests of the job, from 0.
    pub(super) number: usize,
    pub(crate) step: Step,
    pub(crate) call: Call,
    pub(crate) server: usize,
    /// `None` for polls.
    pub(crate) registry: Option<usize>,
    pub(crate) credential: usize,
    pub(super) has_key: bool,
    /// The operation of a poll.
    pub(crate) asks_for: Option<usize>,
    pub(crate) fault: Option<Fault>,
    pub(crate) sent_ms: u64,
    pub(crate) ended_ms: Option<u64>,
    /// The operations that it has started.
    pub(crate) started: Vec<usize>,
    pub(crate) seen: Seen,
    pub(super) answer: Option<Answer>,
}

impl Exchange {
    /// Whether a gateway sends it a second time, which nobody knows of.
    pub(crate) fn is_sent_twice(&self) -> bool {
        matches!(self.fault, Some(Fault::Twice | Fault::TwiceSecondResponse))
    }
}

/// What reaches the step, and when.
pub(super) struct Answer {
    pub(super) at_ms: u64,
    pub(super) response: Result<Response, TransportError>,
    pub(super) seen: Seen,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {} ms", self.seen, self.at_ms)
    }
}
