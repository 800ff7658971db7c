//! What databases and object stores have in common: forms that exclude each other, and references to ConfigMaps.

use super::scope::{Report, Scope, below};
use super::{ConfigMapKey, Credentials, IssuerRef};
use crate::config::types;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

/// Tells whether a name is a word for a storage form.
pub(super) fn is_form(name: &str) -> bool {
    matches!(name, "embedded" | "shared" | "external")
}

/// A shared server whose name means something else where it would be used.
pub(super) fn form_as_name(name: &str, place: Span) -> Diagnostic {
    Diagnostic::error(
        Code::InvalidName,
        format!("a shared server cannot be called `{name}`"),
    )
    .at(place)
    .label("the word for a form of storage")
    .hint("give it another name")
}

/// Reports a storage block that does not choose exactly one form.
pub(super) fn ambiguous_storage(
    scope: &Scope,
    report: &mut Report,
    block: &str,
    chosen: [bool; 3],
) {
    let pointer = below("", block);
    if scope.doubtful(&pointer) {
        return;
    }
    let forms: Vec<&str> = ["embedded", "shared", "external"]
        .into_iter()
        .zip(chosen)
        .filter_map(|(form, chosen)| chosen.then_some(form))
        .collect();
    let message = match forms.len() {
        0 => format!("`{block}` chooses none of its forms"),
        count => format!("`{block}` chooses {count} forms at once"),
    };
    let mut diagnostic = scope
        .error(Code::AmbiguousChoice, &pointer, message)
        .hint("write exactly one of `embedded`, `shared: {…}` and `external: {…}`");
    for form in forms {
        diagnostic = diagnostic.also(scope.at(&below(&pointer, form)), format!("`{form}` is one"));
    }
    report.push(diagnostic);
}

/// Reports credentials that only a server of the project's own can have.
pub(super) fn refuse_generated(
    scope: &Scope,
    report: &mut Report,
    block: &str,
    credentials: &Credentials,
) -> Option<()> {
    if *credentials != Credentials::Generated {
        return Some(());
    }
    report.push(
        scope
            .error(
                Code::UnsupportedCredentials,
                &below(block, "credentials"),
                "`generated` credentials would not be known to this server",
            )
            .label("for embedded servers only")
            .hint("write `{secret: {name: …}}` or `{externalSecret: {store: …, key: …}}`"),
    );
    None
}

/// Settles a reference to a key of a ConfigMap, both parts of which are needed.
pub(super) fn config_map_key(
    scope: &Scope,
    report: &mut Report,
    pointer: &str,
    written: types::ConfigMapKey,
) -> Option<ConfigMapKey> {
    if written.config_map.is_none() {
        scope.missing(
            report,
            pointer,
            "configMap",
            "write the name of a ConfigMap in the project's namespace",
        );
    }
    if written.key.is_none() {
        scope.missing(
            report,
            pointer,
            "key",
            "write the key of the certificates in the ConfigMap, such as `ca.crt`",
        );
    }
    Some(ConfigMapKey {
        config_map: written.config_map?.0,
        key: written.key?.0,
    })
}

/// Settles the reference to an issuer of cert-manager below `pointer`.
pub(super) fn issuer(
    scope: &Scope,
    report: &mut Report,
    pointer: &str,
    written: Option<types::Issuer>,
) -> Option<IssuerRef> {
    let Some(issuer) = written else {
        scope.missing(
            report,
            pointer,
            "issuer",
            "write `issuer: {name: …}`: an issuer of cert-manager",
        );
        return None;
    };
    let Some(name) = issuer.name else {
        scope.missing(
            report,
            &below(pointer, "issuer"),
            "name",
            "write the name of an issuer of cert-manager",
        );
        return None;
    };
    Some(IssuerRef {
        name: name.0,
        kind: match issuer.kind {
            Some(types::IssuerKind::ClusterIssuer) => "ClusterIssuer",
            Some(types::IssuerKind::Issuer) | None => "Issuer",
        }
        .to_owned(),
    })
}
