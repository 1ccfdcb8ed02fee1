//! What the post step will do about a login.

#[derive(Clone, Copy)]
pub(crate) enum Cleanup {
    LogOut,
    /// `cleanup: false`
    Keep,
    /// The state could not be saved.
    Impossible,
}

impl Cleanup {
    pub(crate) fn new(cleanup: bool, is_state_saved: bool) -> Self {
        match (cleanup, is_state_saved) {
            (false, _) => Self::Keep,
            (true, true) => Self::LogOut,
            (true, false) => Self::Impossible,
        }
    }

    /// The end of the sentence "the post step …".
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::LogOut => "will log out",
            Self::Keep => "will not log out (cleanup: false)",
            Self::Impossible => "cannot log out: run docker logout for this registry on the server",
        }
    }
}
