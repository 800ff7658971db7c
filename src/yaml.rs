//! Reading and writing manifests.
//!
//! Takes YAML text and gives `serde_json` values, as the Go programs of a cluster would read them, and the other way round.
//! Where those programs disagree among themselves, reading is an error or the result is written so that they agree.
//! Knows nothing of Kubernetes, and nothing of where a text came from.

mod characters;
mod emit;
mod error;
mod load;
mod marks;
mod scalar;
mod tagged;

pub use characters::{KeyFault, check_representable, check_representable_key};
pub use emit::{Leaf, emit, emit_documents, emit_leaf, emit_reporting};
pub use error::{LoadError, LoadErrorKind};
pub use load::{Document, LoadOptions, load, load_one};
pub use marks::Marks;
pub(crate) use marks::push_token;
pub(crate) use scalar::{Plain, resolve};
