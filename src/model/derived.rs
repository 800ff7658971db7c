//! Names that are derived from a project's name: database, user, bucket.
//!
//! Two different projects never get the same one. What fits is the name itself with a prefix, and `-` as `_` (labels
//! have no `_`, so that stays one-to-one). What is too long is cut and ends in a hash, and begins with a doubled
//! separator, which no unshortened name does, because no label begins with `-`.

use sha2::{Digest, Sha256};

/// Longest name of a database.
///
/// Source: MySQL 8.4 reference manual, "Identifier Length Limits".
const DATABASE_LENGTH: usize = 64;
/// Longest name of a database user (same source).
const USER_LENGTH: usize = 32;
/// Longest name of a bucket.
///
/// Source: Amazon S3 user guide, "General purpose bucket naming rules" (2024).
const BUCKET_LENGTH: usize = 63;
/// Longest value of a label.
///
/// Source: Kubernetes apimachinery, `validation.IsValidLabelValue`, v1.33.
const LABEL_LENGTH: usize = 63;
/// Longest beginning of a name of a provisioning Job: with `-object-store-` and ten digits behind it, 63, because Jobs
/// write their name to a label.
const PROVISIONING_LENGTH: usize = LABEL_LENGTH - 24;
/// Longest name of objects for a shared server: with `-object-store-admin` and the like around it, 63.
const SERVER_LENGTH: usize = 40;
/// Characters of a hash, 5 bits each.
const HASH_LENGTH: usize = 16;

/// Returns the database of a project on a shared or external server.
pub fn database(project: &str) -> String {
    derive(project, '_', DATABASE_LENGTH)
}

/// Returns the database user of a project on a shared or external server.
pub fn user(project: &str) -> String {
    derive(project, '_', USER_LENGTH)
}

/// Returns the bucket of a project in a shared or external object store.
pub fn bucket(project: &str) -> String {
    derive(project, '-', BUCKET_LENGTH)
}

/// Returns the name of a namespace's objects in the namespace of Flux.
///
/// Flux writes a Kustomization's name to a label of every object that it applies.
pub fn flux(namespace: &str) -> String {
    derive(namespace, '-', LABEL_LENGTH)
}

/// Returns the beginning of the names of a namespace's objects among the provisioning Jobs.
pub fn provisioning(namespace: &str) -> String {
    derive(namespace, '-', PROVISIONING_LENGTH)
}

/// Returns the name of objects for a shared server: its own when that is a DNS label that is short enough, else what is
/// left of it with a hash.
pub fn server(name: &str) -> String {
    let label: String = name
        .chars()
        .map(|character| match character.to_ascii_lowercase() {
            known @ ('a'..='z' | '0'..='9') => known,
            _ => '-',
        })
        .collect();
    if label == name && name.len() <= SERVER_LENGTH {
        return label;
    }
    let kept: String = label
        .chars()
        .take(SERVER_LENGTH - HASH_LENGTH - 2)
        .collect();
    format!("{}--{}", kept.trim_end_matches('-'), hash(name))
}

fn derive(project: &str, separator: char, length: usize) -> String {
    let name: String = project
        .chars()
        .map(|character| {
            if character == '-' {
                separator
            } else {
                character
            }
        })
        .collect();
    let whole = format!("kfp{separator}{name}");
    if whole.len() <= length {
        return whole;
    }
    let head = format!("kfp{separator}{separator}");
    let kept = length - head.len() - 1 - HASH_LENGTH;
    let kept: String = name.chars().take(kept).collect();
    format!("{head}{kept}{separator}{}", hash(project))
}

/// Returns the beginning of a SHA-256 in base 32.
fn hash(text: &str) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let digest = Sha256::digest(text.as_bytes());
    let mut bits: u128 = 0;
    for byte in digest.iter().take(16) {
        bits = bits << 8 | u128::from(*byte);
    }
    (0..HASH_LENGTH)
        .map(|at| {
            let shift = 128 - 5 * (at + 1);
            char::from(ALPHABET[(bits >> shift & 31) as usize])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::storage;
    use proptest::prelude::*;

    #[test]
    fn short_names_are_kept() {
        assert_eq!(database("fraud-detection"), "kfp_fraud_detection");
        assert_eq!(user("fraud-detection"), "kfp_fraud_detection");
        assert_eq!(bucket("fraud-detection"), "kfp-fraud-detection");
        assert_eq!(user(&"a".repeat(28)), format!("kfp_{}", "a".repeat(28)));
    }

    #[test]
    fn long_names_end_in_a_hash() {
        let name = "a".repeat(63);
        for (derived, length) in [
            (database(&name), DATABASE_LENGTH),
            (user(&name), USER_LENGTH),
            (bucket(&name), BUCKET_LENGTH),
        ] {
            assert_eq!(derived.len(), length, "{derived}");
        }
        assert_eq!(user(&name), "kfp__aaaaaaaaaa_pu7hjic5pwyvxtsk");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]
        #[test]
        fn two_projects_never_meet(
            stem in "[a-z0-9]([a-z0-9-]{20,60}[a-z0-9])?",
            other in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
        ) {
            // A name made to look like the shortened form of another one is the hardest case.
            let forged = user(&stem).trim_start_matches("kfp_").replace('_', "-").trim_matches('-').to_owned();
            let changed = format!("{}0", &stem[..stem.len() - 1]);
            for pair in [(&stem, &other), (&stem, &forged), (&stem, &changed)] {
                if pair.0 == pair.1 {
                    continue;
                }
                prop_assert_ne!(database(pair.0), database(pair.1));
                prop_assert_ne!(user(pair.0), user(pair.1));
                prop_assert_ne!(bucket(pair.0), bucket(pair.1));
            }
        }

        #[test]
        fn derived_names_can_be_used(name in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?") {
            prop_assert!(storage::database(&database(&name)).is_ok());
            prop_assert!(storage::user(&user(&name)).is_ok());
            prop_assert!(storage::bucket(&bucket(&name)).is_ok(), "{}", bucket(&name));
        }
    }
}
