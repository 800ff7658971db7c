//! `projects.yaml` as plain structs, one field for each key.
//!
//! From these the JSON Schema is derived, which is the single source of the structure ([`crate::schema`]), and into
//! these a tree of the right shape is converted. Everything but a few keys may be left out: `None` is "not written".
//! Defaults are named in the descriptions and applied in [`crate::model`].

mod components;
mod platform;
mod project;
mod storage;
pub mod text;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub use components::*;
pub use platform::*;
pub use project::*;
pub use storage::*;

use text::Reference;

/// The projects of a fleet and where they run.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "projects.yaml")]
pub struct File {
    /// Version of this format: 1.
    #[schemars(required, schema_with = "version")]
    pub version: Option<u64>,
    /// Where it all runs; once per fleet.
    #[schemars(required)]
    pub platform: Option<Platform>,
    /// Database servers that projects may share, by name.
    #[schemars(extend("propertyNames" = text::property_names::<Reference>()))]
    pub databases: Option<BTreeMap<String, Option<DatabaseServer>>>,
    /// Object stores that projects may share, by name.
    #[schemars(extend("propertyNames" = text::property_names::<Reference>()))]
    pub object_stores: Option<BTreeMap<String, Option<StoreServer>>>,
    /// Settings of every project, below those of its profile and its own.
    #[serde(default)]
    #[schemars(schema_with = "project::defaults")]
    pub defaults: Option<Project>,
    /// Settings that projects ask for by the name of a profile.
    #[serde(default)]
    #[schemars(schema_with = "project::profiles")]
    pub profiles: Option<BTreeMap<String, Option<Project>>>,
    /// The projects. Each needs nothing but a name.
    #[schemars(schema_with = "project::projects")]
    pub projects: Option<Vec<Project>>,
    /// Hazardous changes that may pass once; remove them afterwards.
    pub acknowledge: Option<Vec<Acknowledgement>>,
    /// Projects that got another name and keep their namespace, database, bucket and volumes.
    pub moved: Option<Vec<Move>>,
}

/// One hazardous change that may pass.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Acknowledgement {
    /// Name of the project.
    #[schemars(required)]
    pub project: Option<text::Label>,
    /// Name of the hazard.
    #[schemars(required)]
    pub hazard: Option<Hazard>,
    /// Why the change is right.
    #[schemars(required)]
    pub reason: Option<text::Line>,
}

/// What a change can endanger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Hazard {
    /// A directory disappears whose project was not retired.
    ProjectDeleted,
    /// A volume claim disappears.
    VolumeDeleted,
    /// A volume claim gets smaller.
    VolumeShrunk,
    /// An immutable field of a volume claim changes.
    VolumeClassChanged,
    /// Server or database change.
    DatabaseIdentity,
    /// Endpoint, bucket or prefix change.
    ObjectStoreIdentity,
    /// The source of a generated credential changes.
    CredentialsRegenerated,
    /// A field changes that the API server does not let change.
    ImmutableField,
    /// The new base needs a migration.
    BaseMigration,
    /// The new base is older.
    BaseDowngrade,
}

/// A project that got another name.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Move {
    /// The old name.
    #[schemars(required)]
    pub from: Option<text::Label>,
    /// The new name.
    #[schemars(required)]
    pub to: Option<text::Label>,
}

impl Hazard {
    /// Returns the word that the file uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Hazard::ProjectDeleted => "project-deleted",
            Hazard::VolumeDeleted => "volume-deleted",
            Hazard::VolumeShrunk => "volume-shrunk",
            Hazard::VolumeClassChanged => "volume-class-changed",
            Hazard::DatabaseIdentity => "database-identity",
            Hazard::ObjectStoreIdentity => "object-store-identity",
            Hazard::CredentialsRegenerated => "credentials-regenerated",
            Hazard::ImmutableField => "immutable-field",
            Hazard::BaseMigration => "base-migration",
            Hazard::BaseDowngrade => "base-downgrade",
        }
    }
}

fn version(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "integer", "const": 1})
}
