//! Kinds of strings: each has a name in the schema (`format`) and a grammar in [`crate::grammar`].
//!
//! Where a string is expected, any plain scalar is taken as it is written (`name: 1e3`), so the schema lets numbers
//! and booleans pass, too.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;

use crate::diagnostic::Code;
use crate::grammar::{
    self, Verdict, cidr, duration, image, name, path, quantity, storage, timezone, url,
};

/// A kind of strings.
#[derive(Debug)]
pub struct Format {
    /// Name in the schema.
    pub name: &'static str,
    /// What a value is, with its article, for messages: "a DNS label".
    pub noun: &'static str,
    /// Code of the diagnostic for a value that is none.
    pub code: Code,
    /// The grammar.
    pub check: fn(&str) -> Verdict,
    /// A regular expression (ECMA 262) that every valid value matches, for editors.
    pub pattern: Option<&'static str>,
}

/// A type of strings of one format.
pub trait OfFormat {
    /// The format.
    const FORMAT: &'static Format;
}

macro_rules! formats {
    ($($(#[$doc:meta])* $type:ident = $name:literal, $noun:literal, $code:ident, $check:expr $(, $pattern:literal)?;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
            #[serde(transparent)]
            pub struct $type(pub String);

            impl OfFormat for $type {
                const FORMAT: &'static Format = &Format {
                    name: $name,
                    noun: $noun,
                    code: Code::$code,
                    check: $check,
                    pattern: [$(Some($pattern),)? None][0],
                };
            }

            impl JsonSchema for $type {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($type).into()
                }

                fn inline_schema() -> bool {
                    true
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    text_schema(Self::FORMAT)
                }
            }
        )*

        /// Every format.
        pub const FORMATS: &[&Format] = &[$($type::FORMAT),*];
    };
}

formats! {
    /// A DNS-1123 label.
    Label = "dns-label", "a DNS label", InvalidName, name::label, "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";
    /// A DNS-1123 subdomain.
    Subdomain = "dns-subdomain", "a DNS subdomain", InvalidName, name::subdomain, "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$";
    /// A name that other parts of the file refer to.
    Reference = "reference", "a name", InvalidName, name::reference, "^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$";
    /// A key in the data of a ConfigMap or Secret.
    DataKey = "data-key", "a key of a ConfigMap or Secret", InvalidName, name::data_key, "^[A-Za-z0-9._-]{1,253}$";
    /// The name of an environment variable.
    Environment = "environment-variable", "the name of an environment variable", InvalidName, name::environment, "^[A-Za-z_.-][A-Za-z0-9_.-]*$";
    /// The key of a label.
    LabelKey = "label-key", "the key of a label", InvalidLabel, name::qualified;
    /// The value of a label.
    LabelValue = "label-value", "the value of a label", InvalidLabel, name::label_value, "^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$";
    /// The key of an annotation.
    AnnotationKey = "annotation-key", "the key of an annotation", InvalidLabel, name::annotation_key;
    /// A resource quantity that is not negative.
    Quantity = "quantity", "a quantity", InvalidQuantity, quantity::not_negative, "^[+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?$";
    /// The size of a volume.
    Size = "volume-size", "the size of a volume", InvalidQuantity, quantity::size, "^[+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?$";
    /// The name of a resource of a container.
    ResourceName = "resource-name", "the name of a resource", InvalidValue, name::resource;
    /// A key of a ResourceQuota.
    QuotaKey = "quota-key", "a key of a ResourceQuota", InvalidValue, name::quota_key;
    /// A range of addresses.
    Cidr = "cidr", "a range of addresses", InvalidCidr, cidr::cidr, "^[0-9A-Fa-f:.]+/[0-9]{1,3}$";
    /// A host name or address.
    Host = "host", "a host", InvalidEndpoint, url::host;
    /// The endpoint of an object store.
    Endpoint = "endpoint", "the URL of an object store", InvalidEndpoint, url::endpoint, "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@]+/?$";
    /// The URL of a proxy.
    ProxyUrl = "proxy-url", "the URL of a proxy", InvalidEndpoint, url::proxy, "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@]+/?$";
    /// The URL of a Kubernetes API server.
    ServerUrl = "server-url", "the URL of a Kubernetes API server", InvalidEndpoint, url::server, "^[Hh][Tt][Tt][Pp][Ss]://[^?#@]+$";
    /// The URL of an OpenID Connect issuer.
    IssuerUrl = "issuer-url", "the URL of an issuer", InvalidEndpoint, url::issuer, "^[Hh][Tt][Tt][Pp][Ss]://[^?#@]+$";
    /// The URL of a Git repository.
    RepositoryUrl = "repository-url", "the URL of a Git repository", InvalidEndpoint, url::repository;
    /// An entry of `NO_PROXY`.
    NoProxy = "no-proxy", "an entry of NO_PROXY", InvalidEndpoint, url::no_proxy;
    /// Entries of `NO_PROXY` with commas between them.
    NoProxyList = "no-proxy-list", "a list for NO_PROXY", InvalidEndpoint, url::no_proxy_list;
    /// The DNS domain of a cluster.
    Domain = "cluster-domain", "a DNS domain", InvalidName, name::domain;
    /// The name of a database.
    DatabaseName = "database-name", "the name of a database", InvalidIdentifier, storage::database, "^[A-Za-z_][A-Za-z0-9_]{0,63}$";
    /// The name of a database user.
    UserName = "database-user", "the name of a database user", InvalidIdentifier, storage::user, "^[A-Za-z_][A-Za-z0-9_]{0,31}$";
    /// The name of a DSN parameter.
    ParameterName = "database-parameter", "the name of a parameter", InvalidIdentifier, storage::parameter, "^[A-Za-z_][A-Za-z0-9_]{0,63}$";
    /// The name of a bucket.
    Bucket = "bucket", "the name of a bucket", InvalidBucket, storage::bucket, "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$";
    /// A key prefix in a bucket.
    Prefix = "key-prefix", "a key prefix", InvalidBucket, storage::prefix, "^[A-Za-z0-9._~=+@/-]*$";
    /// A region.
    Region = "region", "a region", InvalidValue, storage::region, "^[A-Za-z0-9_-]+$";
    /// A duration.
    Duration = "duration", "a duration", InvalidDuration, duration::duration, "^([0-9]+([.][0-9]+)?h)?([0-9]+([.][0-9]+)?m)?([0-9]+([.][0-9]+)?s)?$";
    /// A time zone.
    Timezone = "timezone", "a time zone", InvalidTimezone, timezone::timezone;
    /// A reference to a container image.
    Image = "image", "an image reference", InvalidImage, image::image;
    /// A registry with an optional path.
    ImagePrefix = "image-prefix", "the beginning of image references", InvalidImage, image::image_prefix;
    /// A file below the directory of `projects.yaml`.
    FilePath = "file-path", "a path inside of the repository", UnsafePath, path::relative;
    /// The directory of the rendered tree.
    TreePath = "tree-path", "a directory for the rendered tree", UnsafePath, path::tree;
    /// The name of a branch.
    Branch = "branch", "the name of a branch", InvalidValue, path::branch;
    /// A person, group or service account.
    Member = "member", "a member", InvalidValue, name::member;
    /// The address of a page, with a scheme or without.
    Page = "page", "the address of a page", InvalidEndpoint, page, "^[A-Za-z0-9._~:/?&=%+@-]+$";
    /// Text that is not empty.
    Line = "text", "a text", InvalidValue, line;
    /// Text of any kind.
    Text = "any-text", "a text", InvalidValue, any;
}

fn line(text: &str) -> Verdict {
    grammar::not_empty(text)?;
    any(text)
}

/// Takes what stands in an address as it is, and means nothing to the templates of Prometheus.
fn page(text: &str) -> Verdict {
    grammar::not_empty(text)?;
    grammar::characters(text, |c| {
        c.is_ascii_alphanumeric() || "._~:/?&=%+@-".contains(c)
    })
}

/// Refuses the characters that no YAML reader of a cluster can carry.
fn any(text: &str) -> Verdict {
    grammar::characters(text, |c| !c.is_control() || matches!(c, '\n' | '\t' | '\r'))
}

fn text_schema(format: &Format) -> Schema {
    let mut schema = json_schema!({
        "type": ["string", "number", "boolean"],
        "format": format.name,
    });
    if let Some(pattern) = format.pattern {
        schema.insert("pattern".to_owned(), Value::String(pattern.to_owned()));
    }
    schema
}

/// Returns the schema for the keys of a mapping whose keys are of one format.
pub fn property_names<T: OfFormat>() -> Value {
    let mut names = serde_json::json!({ "format": T::FORMAT.name });
    if let Some(pattern) = T::FORMAT.pattern {
        names["pattern"] = Value::String(pattern.to_owned());
    }
    names
}

/// Returns the format with the given name in the schema.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name).copied()
}
