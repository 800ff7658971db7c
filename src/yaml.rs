//! Reading and writing manifests.
