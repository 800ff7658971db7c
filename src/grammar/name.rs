//! Names: of objects, labels, annotations, environment variables and keys.

use super::{Complaint, Verdict, at_most, characters, not_empty};

const LABEL_HINT: &str = "write lower-case letters, digits and `-`, with a letter or digit at both ends, at most 63 characters";

/// Checks a DNS-1123 label.
///
/// Source: Kubernetes apimachinery, `validation.IsDNS1123Label`, v1.31.
pub fn label(text: &str) -> Verdict {
    dns_label(text).map_err(|complaint| {
        let suggestion = suggest_label(text);
        match suggestion {
            Some(name) => complaint.hint(format!("{LABEL_HINT}, for example `{name}`")),
            None => complaint.hint(LABEL_HINT),
        }
    })
}

fn dns_label(text: &str) -> Verdict {
    not_empty(text)?;
    characters(text, |c| {
        c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
    })?;
    if text.starts_with('-') || text.ends_with('-') {
        return Err(Complaint::new("`-` stands at an end"));
    }
    at_most(text, 63)
}

/// Turns a text into the label that was probably meant.
fn suggest_label(text: &str) -> Option<String> {
    let changed: String = text
        .chars()
        .map(|c| match c.to_ascii_lowercase() {
            c if c.is_ascii_lowercase() || c.is_ascii_digit() => c,
            _ => '-',
        })
        .collect();
    let trimmed = changed.trim_matches('-');
    dns_label(trimmed).ok().map(|()| trimmed.to_owned())
}

/// Checks a DNS-1123 subdomain, the name of most objects.
///
/// Source: Kubernetes apimachinery, `validation.IsDNS1123Subdomain`, v1.31.
pub fn subdomain(text: &str) -> Verdict {
    not_empty(text)?;
    at_most(text, 253)?;
    for part in text.split('.') {
        let verdict = if part.is_empty() {
            Err(Complaint::new("a part between dots is empty"))
        } else {
            characters(part, |c| {
                c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
            })
            .and_then(|()| {
                if part.starts_with('-') || part.ends_with('-') {
                    Err(Complaint::new("`-` stands at an end"))
                } else {
                    Ok(())
                }
            })
        };
        verdict.map_err(|complaint| {
            complaint.hint(
                "write lower-case letters, digits, `-` and `.`, with a letter or digit at both ends, at most 253 characters",
            )
        })?;
    }
    Ok(())
}

/// Checks a name that other parts of `projects.yaml` refer to (a profile, a shared store).
pub fn reference(text: &str) -> Verdict {
    not_empty(text)?;
    at_most(text, 63)?;
    characters(text, |c| c.is_ascii_alphanumeric() || "-_.".contains(c))?;
    if text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
    {
        Ok(())
    } else {
        Err(Complaint::new("a letter or digit must stand at both ends"))
    }
}

/// Checks the value of a label.
///
/// Source: Kubernetes apimachinery, `validation.IsValidLabelValue`, v1.31.
pub fn label_value(text: &str) -> Verdict {
    if text.is_empty() {
        return Ok(());
    }
    name_part(text)
}

/// Checks the key of a label or annotation: an optional prefix, a slash, and a name.
///
/// Source: Kubernetes apimachinery, `validation.IsQualifiedName`, v1.31.
pub fn qualified(text: &str) -> Verdict {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    if let Some(prefix) = prefix {
        if prefix.is_empty() {
            return Err(Complaint::new("nothing stands before the `/`"));
        }
        subdomain(prefix)?;
    }
    not_empty(name)?;
    name_part(name)
}

fn name_part(text: &str) -> Verdict {
    let hint = "write letters, digits, `-`, `_` and `.`, with a letter or digit at both ends, at most 63 characters";
    characters(text, |c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        .and_then(|()| at_most(text, 63))
        .map_err(|complaint| complaint.hint(hint))?;
    if text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
    {
        Ok(())
    } else {
        Err(Complaint::new("a letter or digit must stand at both ends").hint(hint))
    }
}

/// Checks the key of an annotation: a label key, of which the API server lower-cases the prefix.
///
/// Source: Kubernetes apimachinery, `ValidateAnnotations`, v1.31.
pub fn annotation_key(text: &str) -> Verdict {
    qualified(&text.to_ascii_lowercase())
}

/// Checks the name of an environment variable.
///
/// Source: Kubernetes apimachinery, `validation.IsEnvVarName`, v1.31.
pub fn environment(text: &str) -> Verdict {
    not_empty(text)?;
    characters(text, |c| c.is_ascii_alphanumeric() || "-_.".contains(c))?;
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(Complaint::new("begins with a digit"));
    }
    if text == "." || text == ".." {
        return Err(Complaint::new("not a name"));
    }
    Ok(())
}

/// Checks a key in the data of a ConfigMap or Secret.
///
/// Source: Kubernetes apimachinery, `validation.IsConfigMapKey`, v1.31.
pub fn data_key(text: &str) -> Verdict {
    not_empty(text)?;
    at_most(text, 253)?;
    characters(text, |c| c.is_ascii_alphanumeric() || "-_.".contains(c))?;
    if text == "." || text.starts_with("..") {
        return Err(Complaint::new("must not be `.` or begin with `..`"));
    }
    Ok(())
}

/// Checks the name of a resource in a LimitRange: `cpu`, `memory`, `ephemeral-storage` or an extended resource.
///
/// Source: Kubernetes core validation, `ValidateContainerResourceName`, v1.31.
pub fn resource(text: &str) -> Verdict {
    if matches!(text, "cpu" | "memory" | "ephemeral-storage") || hugepages(text) {
        return Ok(());
    }
    if !text.contains('/') {
        return Err(Complaint::new("not a resource of a container").hint(
            "write `cpu`, `memory`, `ephemeral-storage`, or a resource with a domain, such as `nvidia.com/gpu`",
        ));
    }
    qualified(text)
}

fn hugepages(text: &str) -> bool {
    text.strip_prefix("hugepages-")
        .is_some_and(|size| super::quantity::Quantity::parse(size).is_ok())
}

/// Keys of a ResourceQuota that count objects or amounts, without a domain.
const QUOTA_KEYS: &[&str] = &[
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "persistentvolumeclaims",
    "services",
    "services.loadbalancers",
    "services.nodeports",
    "secrets",
    "configmaps",
    "replicationcontrollers",
    "resourcequotas",
];

/// Checks a key of a ResourceQuota.
///
/// Source: Kubernetes core validation, `ValidateResourceQuotaResourceName`, v1.31.
pub fn quota_key(text: &str) -> Verdict {
    if QUOTA_KEYS.contains(&text) || hugepages(text.strip_prefix("requests.").unwrap_or(text)) {
        return Ok(());
    }
    if text.contains('/') {
        return qualified(text);
    }
    let complaint = Complaint::new("not a key of a ResourceQuota");
    Err(
        match crate::diagnostic::nearest(text, QUOTA_KEYS.iter().copied()) {
            Some(near) => complaint.hint(format!("did you mean `{near}`?")),
            None => complaint.hint(
                "write `requests.cpu`, `limits.memory`, `pods`, `persistentvolumeclaims`, `count/<resource>.<group>`, `requests.<domain>/<resource>` …",
            ),
        },
    )
}

/// Tells whether a key of a ResourceQuota counts objects, so that its value must be a whole number.
///
/// Source: Kubernetes core validation, `validateResourceQuotaSpec` and `IsIntegerResourceName`, v1.31.
pub fn counts_objects(key: &str) -> bool {
    let amounts = ["cpu", "memory", "storage", "ephemeral-storage"];
    let last = key.rsplit(['/', '.']).next().unwrap_or(key);
    !(amounts.contains(&last) || key.contains("hugepages-"))
}

/// Checks the domain of a cluster.
pub fn domain(text: &str) -> Verdict {
    if text.ends_with('.') || text.starts_with('.') {
        return Err(Complaint::new("a dot stands at an end")
            .hint("write it without dots at its ends, such as `cluster.local`"));
    }
    subdomain(text)
}

/// Checks a member: `user:…`, `group:…` or `serviceAccount:<namespace>/<name>`.
pub fn member(text: &str) -> Verdict {
    let hint = "write `user:<name>`, `group:<name>` or `serviceAccount:<namespace>/<name>`";
    let (kind, name) = text
        .split_once(':')
        .ok_or_else(|| Complaint::new("says neither user, group nor service account").hint(hint))?;
    match kind {
        "user" | "group" => not_empty(name)
            .and_then(|()| characters(name, |c| !c.is_control()))
            .and_then(|()| match name.trim() == name {
                true => Ok(()),
                false => Err(Complaint::new("a blank stands at an end of the name")),
            })
            .map_err(|complaint| complaint.hint(hint))
            .and_then(|()| of_one_project(name)),
        "serviceAccount" => {
            let (namespace, name) = name
                .split_once('/')
                .ok_or_else(|| Complaint::new("the namespace is missing").hint(hint))?;
            label(namespace)?;
            subdomain(name)
        }
        _ => Err(Complaint::new(format!("`{kind}` is not a kind of member")).hint(hint)),
    }
}

/// Refuses the API server's own names for everybody and for service accounts, through which other projects would come in.
///
/// Source: Kubernetes `staging/src/k8s.io/apiserver/pkg/authentication/user` and `…/serviceaccount`, v1.33.
fn of_one_project(name: &str) -> Verdict {
    match name {
        "system:authenticated" => Err(Complaint::new(
            "stands for everybody, the service accounts of other projects among them",
        )
        .hint("name the people, or a group of them")),
        "system:unauthenticated" | "system:anonymous" => Err(Complaint::new(
            "stands for whoever does not say who they are",
        )
        .hint("name the people, or a group of them")),
        "system:serviceaccounts" => Err(Complaint::new(
            "stands for every service account of the cluster, those of other projects among them",
        )
        .hint("write `serviceAccount:<namespace>/<name>`")),
        _ if name.starts_with("system:serviceaccount:")
            || name.starts_with("system:serviceaccounts:") =>
        {
            Err(
                Complaint::new("names service accounts in the form of the API server")
                    .hint("write `serviceAccount:<namespace>/<name>`"),
            )
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn labels() {
        let long = "a".repeat(64);
        check(
            label,
            &["a", "0", "a-b", "a--b", "1e3", &"a".repeat(63)],
            &["", "A", "a_b", "-a", "a-", "a.b", "ä", "a b", "a\n", &long],
        );
        assert_eq!(
            label("Fraud_Detection").unwrap_err().hint,
            Some(format!("{LABEL_HINT}, for example `fraud-detection`"))
        );
    }

    #[test]
    fn subdomains_and_keys() {
        check(
            subdomain,
            &["a", "a.b-c.d", "kfp.example.com"],
            &["", ".", "a..b", "a.", ".a", "a.-b", "A.b"],
        );
        check(
            qualified,
            &["team", "example.com/team", "a.b/C_d.e"],
            &[
                "",
                "/a",
                "a/",
                "a/b/c",
                "A.b/c",
                "-a",
                "a b",
                &"k".repeat(64),
            ],
        );
        check(annotation_key, &["Example.COM/Team"], &["a b"]);
        check(
            label_value,
            &["", "a", "A.b_c-1"],
            &["-", "a b", "ü", &"v".repeat(64)],
        );
        check(
            environment,
            &["A", "_a.b-c"],
            &["", "1A", "A=B", "A B", ".."],
        );
        check(
            data_key,
            &["ca.crt", "A_b-c"],
            &["", ".", "..a", "a/b", "a b"],
        );
    }

    #[test]
    fn quota_keys() {
        check(
            quota_key,
            &[
                "requests.cpu",
                "pods",
                "requests.nvidia.com/gpu",
                "count/jobs.batch",
                "gold.storageclass.storage.k8s.io/requests.storage",
                "requests.hugepages-2Mi",
            ],
            &["request.cpu", "gpu", "Pods", "count/", ""],
        );
        for (key, counted) in [
            ("pods", true),
            ("count/jobs.batch", true),
            ("requests.cpu", false),
            ("gold.storageclass.storage.k8s.io/requests.storage", false),
            ("requests.nvidia.com/gpu", true),
            ("hugepages-2Mi", false),
        ] {
            assert_eq!(counts_objects(key), counted, "{key}");
        }
    }

    #[test]
    fn members() {
        check(
            member,
            &[
                "user:a@example.com",
                "user:https://id.example.com#a b",
                "group:ml",
                "group:system:masters",
                "serviceAccount:ns/sa",
            ],
            &[
                "a",
                "user:",
                "user: a",
                "group:a\n",
                "role:x",
                "serviceAccount:sa",
                "serviceAccount:NS/sa",
                "serviceAccount:ns/",
                "user:system:anonymous",
                "user:system:serviceaccount:ns:sa",
                "group:system:authenticated",
                "group:system:serviceaccounts",
                "group:system:serviceaccounts:ns",
            ],
        );
    }
}
