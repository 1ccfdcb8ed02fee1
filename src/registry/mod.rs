//! What is known of container registries: how their hosts are written, which services have rules of their own, which
//! credentials they accept, and what docker's output about them means.
//!
//! It knows neither the runner nor the API. Of the host it uses only the codec: JSON and base64.

pub(crate) mod address;
pub(crate) mod docker_output;
pub(crate) mod host_port;
pub(crate) mod kind;
pub(crate) mod pasted;
pub(crate) mod preflight;
#[cfg(any(test, feature = "page"))]
pub(crate) mod preset;
pub(crate) mod service_account;
