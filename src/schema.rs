//! The JSON Schema of `projects.yaml`, draft 2020-12.
//!
//! Derived from [`crate::config::types`]; editors use it, and [`crate::config::shape`] checks files against it.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::config::types::File;

/// Returns the schema.
pub fn schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<File>()
        .to_value();
    if let Value::Object(root) = &mut schema {
        root.insert(
            "title".to_owned(),
            Value::String("projects.yaml of Tenantry, version 1".to_owned()),
        );
    }
    schema
}
