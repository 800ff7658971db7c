//! `access`: how the UI and the API are exposed, and who checks those who come.
//!
//! Takes the block as written; gives what it means, or nothing when nothing is exposed. A setting of the project's own
//! that would have no effect beside the others is refused, since somebody believes in it; one from a layer below is
//! there for those who need it. Knows no proxy, port or object; the base does.

use serde::Serialize;

use super::project::Header;
use super::scope::{Report, Scope};
use super::{IssuerRef, Members, forms};
use crate::config::types;
use crate::diagnostic::{Code, Severity};
use crate::grammar::url;
use crate::source::Span;

/// `access` of a project that is exposed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// What exposes it.
    pub exposure: Exposure,
    /// Host in lower case; `None` for a Route whose host OpenShift chooses.
    pub host: Option<String>,
    /// Class of the Ingress; `None` is the cluster's default.
    pub ingress_class: Option<String>,
    /// Gateway of the HTTPRoute; `Some` for these.
    pub gateway: Option<Gateway>,
    /// Certificate of the host; `None` leaves it to what is in front.
    pub tls: Option<AccessTls>,
    /// Who checks those who come.
    pub auth: Auth,
    /// The issuer that logs people in; `Some` unless `auth` is `kubeRbacProxy`.
    pub oidc: Option<Oidc>,
}

/// What exposes a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Exposure {
    /// An Ingress.
    Ingress,
    /// An HTTPRoute of the Gateway API.
    HttpRoute,
    /// A Route of OpenShift.
    Route,
}

/// Who checks those who come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Auth {
    /// kube-rbac-proxy: tokens of the cluster, and its RBAC.
    KubeRbacProxy,
    /// OAuth2 Proxy: a login, and groups.
    Oauth2Proxy,
    /// A login, and the RBAC of the cluster.
    Both,
}

impl Auth {
    /// Tells whether people log in.
    pub fn logs_in(self) -> bool {
        self != Auth::KubeRbacProxy
    }

    /// Tells whether the RBAC of the cluster decides.
    pub fn asks_kubernetes(self) -> bool {
        self != Auth::Oauth2Proxy
    }
}

/// Gateway of an HTTPRoute.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gateway {
    /// Its name.
    pub name: String,
    /// Its namespace; `None` is the project's own.
    pub namespace: Option<String>,
    /// Its listener; `None` is every one that fits.
    pub section: Option<String>,
}

/// Certificate of a host: one of the two is `Some`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessTls {
    /// An existing Secret.
    pub secret: Option<String>,
    /// An issuer of cert-manager.
    pub issuer: Option<IssuerRef>,
}

/// An OpenID Connect issuer, and this client of it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Oidc {
    /// URL of the issuer, as tokens name it.
    pub issuer: String,
    /// Client id.
    pub client_id: String,
    /// Where the client secret is.
    pub client_secret: SecretKey,
    /// Claim that lists the groups, `groups` by default.
    pub groups_claim: String,
    /// Groups that may enter; empty for everybody whom the issuer knows.
    pub allowed_groups: Vec<String>,
}

impl Oidc {
    /// Returns host and port of the issuer.
    pub fn server(&self) -> Option<(String, u16)> {
        let url = url::parse(&self.issuer, &["https"]).ok()?;
        Some((url.host, url.port.unwrap_or(443)))
    }
}

/// A key of a Secret in the project's namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretKey {
    /// Name of the Secret.
    pub name: String,
    /// Key in its data.
    pub key: String,
}

/// Settles `access`; `None` when nothing is exposed, or when something is wrong.
///
/// Errors: `missing-key`, `conflict`, `ambiguous-choice`, `invalid-endpoint`. Warnings: `everybody-admitted`.
/// Source: projects-file §8; gitops-wiring §4.5, §4.6.
pub(super) fn resolve(
    scope: &Scope,
    report: &mut Report,
    header: &Header,
    openshift: Option<Span>,
    written: types::Access,
) -> Option<Access> {
    let exposure = match written.exposure {
        Some(types::Exposure::Ingress) => Exposure::Ingress,
        Some(types::Exposure::HttpRoute) => Exposure::HttpRoute,
        Some(types::Exposure::Route) => Exposure::Route,
        Some(types::Exposure::None) => return None,
        None => {
            if written.host.is_some() {
                scope.missing(
                    report,
                    "/access",
                    "exposure",
                    "write `exposure:` with one of `ingress`, `httpRoute` and `route`, or with `none`",
                );
            }
            return None;
        }
    };
    let block = Block {
        scope,
        exposure,
        word: match exposure {
            Exposure::Ingress => "ingress",
            Exposure::HttpRoute => "httpRoute",
            Exposure::Route => "route",
        },
    };
    block.openshift(report, header, openshift);
    let auth = block.auth(report, written.auth);
    let host = block.host(report, auth, written.host);
    if exposure != Exposure::Ingress && written.ingress_class.is_some() {
        block.idle(report, "ingressClass", "an Ingress", "ingress");
    }
    let gateway = block.gateway(report, header.namespace, written.gateway);
    let tls = written
        .tls
        .map(|tls| block.tls(report, host.is_some(), tls));
    let oidc = block.oidc(report, auth, written.oidc);
    let auth = auth?;
    // What is not there although it is needed was reported.
    if (host.is_none() && !block.may_lack_host(Some(auth)))
        || (oidc.is_none() && auth.logs_in())
        || (gateway.is_none() && exposure == Exposure::HttpRoute)
        || matches!(tls, Some(None))
    {
        return None;
    }
    Some(Access {
        exposure,
        host,
        ingress_class: written
            .ingress_class
            .map(|class| class.0)
            .filter(|_| exposure == Exposure::Ingress),
        gateway,
        tls: tls.flatten(),
        auth,
        oidc,
    })
}

/// Warns of a project that only those who administer the cluster can enter.
///
/// Warnings: `conflict`.
pub(super) fn check_members(
    access: &Access,
    members: &Members,
    scope: &Scope,
    report: &mut Report,
) {
    let nobody = members.levels().iter().all(|(_, list)| list.is_empty());
    if access.auth.asks_kubernetes() && nobody && !scope.doubtful("/members") {
        let mut warning = scope
            .error(
                Code::Conflict,
                "/access/auth",
                "nobody but those who administer the cluster gets in: the project has no members",
            )
            .label("asks Kubernetes who may enter")
            .hint("list people, groups or service accounts in `members`");
        warning.severity = Severity::Warning;
        report.push(warning);
    }
}

/// The block while it is settled.
struct Block<'a> {
    scope: &'a Scope,
    exposure: Exposure,
    /// The exposure as it is written.
    word: &'static str,
}

impl Block<'_> {
    fn openshift(&self, report: &mut Report, header: &Header, place: Option<Span>) {
        // A stand-in for a cluster that is not known has no place.
        let Some(place) = place else { return };
        if self.exposure != Exposure::Route || header.cluster.openshift {
            return;
        }
        report.push(
            self.scope
                .error(
                    Code::Conflict,
                    "/access/exposure",
                    format!(
                        "cluster `{}` is not declared as one of OpenShift, and has no Routes",
                        header.cluster.name
                    ),
                )
                .also(place, "its settings")
                .hint("write `openshift: true` there, or `exposure: ingress` or `httpRoute`"),
        );
    }

    fn auth(&self, report: &mut Report, written: Option<types::Auth>) -> Option<Auth> {
        match written {
            Some(types::Auth::KubeRbacProxy) => Some(Auth::KubeRbacProxy),
            Some(types::Auth::Oauth2Proxy) => Some(Auth::Oauth2Proxy),
            Some(types::Auth::Both) => Some(Auth::Both),
            None => {
                if !self.scope.doubtful("/access/auth") {
                    report.push(
                        self.scope
                            .error(
                                Code::MissingKey,
                                "/access/exposure",
                                "a stack asks nobody who they are, and is not exposed without `auth`",
                            )
                            .label("everybody would own the project")
                            .hint("write `auth:` with `oauth2Proxy` (people log in), `kubeRbacProxy` (tokens of the cluster) or `both`"),
                    );
                }
                None
            }
        }
    }

    /// Tells whether the cluster may choose the host.
    fn may_lack_host(&self, auth: Option<Auth>) -> bool {
        self.exposure == Exposure::Route && auth == Some(Auth::KubeRbacProxy)
    }

    fn host(
        &self,
        report: &mut Report,
        auth: Option<Auth>,
        written: Option<types::text::Host>,
    ) -> Option<String> {
        let Some(host) = written else {
            if !self.may_lack_host(auth) && (auth.is_some() || self.exposure != Exposure::Route) {
                self.scope.missing(
                    report,
                    "/access",
                    "host",
                    "write the name under which people reach the project, such as `churn.example.com`",
                );
            }
            return None;
        };
        let host = url::normal_host(&host.0);
        if host.parse::<std::net::IpAddr>().is_ok() {
            report.push(
                self.scope
                    .error(
                        Code::InvalidEndpoint,
                        "/access/host",
                        format!("`{host}` is an address, and `{}` wants a name", self.word),
                    )
                    .hint("write a host name such as `churn.example.com`"),
            );
            return None;
        }
        Some(host)
    }

    /// Refuses a setting of another exposure.
    fn idle(&self, report: &mut Report, key: &str, what: &str, wanted: &str) {
        let pointer = format!("/access/{key}");
        if !self.scope.is_own(&pointer) {
            return;
        }
        report.push(
            self.scope
                .error(
                    Code::Conflict,
                    &pointer,
                    format!("`{key}` is for {what}, and the exposure is `{}`", self.word),
                )
                .label("has no effect")
                .also(self.scope.at("/access/exposure"), "the exposure")
                .hint(format!("leave it out, or write `exposure: {wanted}`")),
        );
    }

    fn gateway(
        &self,
        report: &mut Report,
        namespace: &str,
        written: Option<types::Gateway>,
    ) -> Option<Gateway> {
        let hint =
            "write `gateway: {name: …, namespace: …}`: the Gateway that the HTTPRoute belongs to";
        match (self.exposure, written) {
            (Exposure::HttpRoute, Some(gateway)) => {
                let Some(name) = gateway.name else {
                    self.scope.missing(report, "/access/gateway", "name", hint);
                    return None;
                };
                Some(Gateway {
                    name: name.0,
                    namespace: gateway
                        .namespace
                        .map(|namespace| namespace.0)
                        .filter(|other| other != namespace),
                    section: gateway.section.map(|section| section.0),
                })
            }
            (Exposure::HttpRoute, None) => {
                self.scope.missing(report, "/access", "gateway", hint);
                None
            }
            (_, Some(_)) => {
                self.idle(report, "gateway", "an HTTPRoute", "httpRoute");
                None
            }
            (_, None) => None,
        }
    }

    fn tls(
        &self,
        report: &mut Report,
        has_host: bool,
        written: types::AccessTls,
    ) -> Option<AccessTls> {
        match (written.secret, written.issuer) {
            (Some(secret), None) => Some(AccessTls {
                secret: Some(secret.0),
                issuer: None,
            }),
            (None, Some(issuer)) => {
                let issuer = forms::issuer(self.scope, report, "/access/tls", Some(issuer))?;
                if !has_host && self.may_lack_host(Some(Auth::KubeRbacProxy)) {
                    self.scope.missing(
                        report,
                        "/access",
                        "host",
                        "write the name that the certificate is for, or leave `tls` out",
                    );
                }
                Some(AccessTls {
                    secret: None,
                    issuer: Some(issuer),
                })
            }
            (secret, _) => {
                if !self.scope.doubtful("/access/tls") {
                    let message = if secret.is_some() {
                        "`tls` says both `secret` and `issuer`"
                    } else {
                        "`tls` says neither `secret` nor `issuer`"
                    };
                    report.push(
                        self.scope
                            .error(Code::AmbiguousChoice, "/access/tls", message)
                            .hint("write exactly one of `{secret: …}` and `{issuer: {name: …}}`, or leave `tls` out"),
                    );
                }
                None
            }
        }
    }

    fn oidc(
        &self,
        report: &mut Report,
        auth: Option<Auth>,
        written: Option<types::Oidc>,
    ) -> Option<Oidc> {
        let auth = auth?;
        let Some(oidc) = written else {
            if auth.logs_in() {
                self.scope.missing(
                    report,
                    "/access",
                    "oidc",
                    "write `oidc: {issuer: …, clientId: …, clientSecret: {name: …, key: …}}`: the issuer that logs people in",
                );
            }
            return None;
        };
        if !auth.logs_in() {
            if !self.scope.is_own("/access/oidc") {
                return None;
            }
            report.push(
                self.scope
                    .error(
                        Code::Conflict,
                        "/access/oidc",
                        "`kubeRbacProxy` alone takes tokens of the cluster, and logs nobody in",
                    )
                    .label("has no effect")
                    .also(self.scope.at("/access/auth"), "the choice")
                    .hint("write `auth: both`, or leave `oidc` out"),
            );
            return None;
        }
        let missing = |report: &mut Report, block: &str, key: &str, hint: &str| {
            self.scope.missing(report, block, key, hint);
        };
        let at = "/access/oidc";
        if oidc.issuer.is_none() {
            missing(
                report,
                at,
                "issuer",
                "write the URL of the issuer, as its tokens name it",
            );
        }
        if oidc.client_id.is_none() {
            missing(
                report,
                at,
                "clientId",
                "write the id under which the issuer knows this project",
            );
        }
        let secret = oidc.client_secret.unwrap_or_default();
        if secret.name.is_none() && secret.key.is_none() {
            missing(
                report,
                at,
                "clientSecret",
                "write `clientSecret: {name: …, key: …}`: a Secret in the project's namespace",
            );
        } else {
            let at = "/access/oidc/clientSecret";
            if secret.name.is_none() {
                missing(
                    report,
                    at,
                    "name",
                    "write the name of a Secret in the project's namespace",
                );
            }
            if secret.key.is_none() {
                missing(
                    report,
                    at,
                    "key",
                    "write the key of the client secret in the Secret",
                );
            }
        }
        let allowed_groups: Vec<String> = oidc
            .allowed_groups
            .unwrap_or_default()
            .into_iter()
            .map(|group| group.0)
            .collect();
        let oidc = Oidc {
            issuer: oidc.issuer?.0,
            client_id: oidc.client_id?.0,
            client_secret: SecretKey {
                name: secret.name?.0,
                key: secret.key?.0,
            },
            groups_claim: oidc
                .groups_claim
                .map_or_else(|| "groups".to_owned(), |claim| claim.0),
            allowed_groups,
        };
        let everybody = oidc.allowed_groups.is_empty() && auth == Auth::Oauth2Proxy;
        if everybody && !self.scope.doubtful("/access/oidc/allowedGroups") {
            report.push(
                self.scope
                    .warning(
                        Code::EverybodyAdmitted,
                        "/access/oidc",
                        format!("everybody whom `{}` knows gets in", oidc.issuer),
                    )
                    .label("no `allowedGroups`")
                    .hint("list the project's groups in `allowedGroups`, or write `auth: both`, which holds people against `members`"),
            );
        }
        Some(oidc)
    }
}
