//! What a project says about a provider: `[provider.<name>]` in `promptgate.toml`.

use std::time::Duration;

/// The settings of one provider; everything has a default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderSettings {
    /// The kind, where the name in model ids is not a kind itself: `[provider.local] kind = "openai"`.
    pub kind: Option<String>,
    /// Where the API is, without a slash at the end.
    pub base_url: Option<String>,
    /// The environment variable that holds the key.
    pub key_env: Option<String>,
    /// The script of `scripted`, a path from the project's root.
    pub script: Option<String>,
    /// How long connecting may take.
    pub connect_timeout: Option<Duration>,
    /// How long the first byte may take; never less than the model's own `timeout`.
    pub first_byte_timeout: Option<Duration>,
    /// How long a connection may stay silent after the first byte.
    pub idle_timeout: Option<Duration>,
}
