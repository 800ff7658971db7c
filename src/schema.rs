//! The JSON Schema of `projects.yaml`.

use serde_json::{Value, json};

/// Returns the JSON Schema of `projects.yaml`.
pub fn schema() -> Value {
    json!({"$schema": "https://json-schema.org/draft/2020-12/schema"})
}
