//! The runner: what it tells about the CI run, what it must mask, and what it shows.

pub(crate) mod context;
pub(crate) mod log;
mod mask_commands;
mod redact;
pub(crate) mod secret;
pub(crate) mod text;
