//! The servers that speak OpenAI's Chat Completions under another roof: one line each.

use crate::endpoint::{Api, Place};
use crate::openai;
use crate::openai::chat::Dialect;
use crate::registry::ProviderKind;

/// Mistral names the seed otherwise.
const MISTRAL: Dialect = Dialect { seed: "random_seed", stream_options: false, ..Dialect::COMMON };

/// DeepSeek and Moonshot know JSON, but no schemas.
const NO_SCHEMA: Dialect = Dialect { schema: false, ..Dialect::COMMON };

/// A server of OpenAI's shape: name, summary, example; where it is, the variables that hold its key and another address;
/// whether it may want no key; its dialect.
macro_rules! server {
    ($name:literal $summary:literal $example:literal, $url:expr, $key:literal $base:literal, $open:literal, $dialect:expr) => {{
        const API: Api = Api { is_open: $open, ..Api::bearer($name, $url, &[$base], &[$key]) };
        ProviderKind {
            name: $name,
            summary: $summary,
            environment: &[$key, $base],
            example: $example,
            api: Some(&API),
            build: |context| openai::built(context, &API, Place::of(context, &API)?, $dialect, None),
        }
    }};
}

/// One that is somebody's service and needs a key.
macro_rules! hosted {
    ($name:literal $summary:literal $example:literal, $url:literal, $key:literal $base:literal $(, $dialect:expr)?) => {
        server!($name $summary $example, Some($url), $key $base, false, hosted!(@ $($dialect)?))
    };
    (@ $dialect:expr) => { $dialect };
    (@) => { Dialect::COMMON };
}

/// One that runs on this machine by default.
macro_rules! local {
    ($name:literal $summary:literal $example:literal, $url:literal, $key:literal $base:literal) => {
        server!($name $summary $example, Some($url), $key $base, true, Dialect::COMMON)
    };
}

/// The lines of the registry.
pub(crate) const KINDS: [ProviderKind; 14] = [
    hosted!("deepseek" "models of DeepSeek" "deepseek/deepseek-chat",
        "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY" "DEEPSEEK_BASE_URL", NO_SCHEMA),
    hosted!("fireworks" "open models on Fireworks" "fireworks/accounts/fireworks/models/qwen3-8b",
        "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY" "FIREWORKS_BASE_URL"),
    hosted!("groq" "open models on Groq" "groq/llama-3.3-70b-versatile",
        "https://api.groq.com/openai/v1", "GROQ_API_KEY" "GROQ_BASE_URL"),
    server!("litellm" "whatever a LiteLLM proxy routes to" "litellm/gpt-4.1-mini",
        None, "LITELLM_API_KEY" "LITELLM_BASE_URL", true, Dialect::COMMON),
    local!("llamacpp" "a model on this machine, served by llama.cpp" "llamacpp/default",
        "http://localhost:8080/v1", "LLAMACPP_API_KEY" "LLAMACPP_BASE_URL"),
    local!("lmstudio" "models on this machine, served by LM Studio" "lmstudio/qwen3-8b",
        "http://localhost:1234/v1", "LMSTUDIO_API_KEY" "LMSTUDIO_BASE_URL"),
    hosted!("mistral" "models of Mistral" "mistral/mistral-small-latest",
        "https://api.mistral.ai/v1", "MISTRAL_API_KEY" "MISTRAL_BASE_URL", MISTRAL),
    hosted!("moonshot" "models of Moonshot" "moonshot/kimi-k2",
        "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY" "MOONSHOT_BASE_URL", NO_SCHEMA),
    local!("ollama" "models on this machine, served by Ollama" "ollama/llama3.2",
        "http://localhost:11434/v1", "OLLAMA_API_KEY" "OLLAMA_BASE_URL"),
    hosted!("openrouter" "many vendors through OpenRouter" "openrouter/openai/gpt-4.1-mini",
        "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY" "OPENROUTER_BASE_URL"),
    local!("sglang" "models of one's own, served by SGLang" "sglang/Qwen/Qwen3-8B",
        "http://localhost:30000/v1", "SGLANG_API_KEY" "SGLANG_BASE_URL"),
    hosted!("together" "open models on Together" "together/meta-llama/Llama-3.3-70B-Instruct-Turbo",
        "https://api.together.xyz/v1", "TOGETHER_API_KEY" "TOGETHER_BASE_URL"),
    local!("vllm" "models of one's own, served by vLLM" "vllm/Qwen/Qwen3-8B",
        "http://localhost:8000/v1", "VLLM_API_KEY" "VLLM_BASE_URL"),
    hosted!("xai" "models of xAI" "xai/grok-4",
        "https://api.x.ai/v1", "XAI_API_KEY" "XAI_BASE_URL"),
];
