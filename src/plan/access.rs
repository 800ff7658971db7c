//! The exposure of a stack as its proxy and the objects in front of it need it.

use serde::Serialize;

use crate::base::Base;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::model::{Exposure, Gateway, IssuerRef, Oidc, Project};

/// Source: OpenShift service-ca operator; gitops-wiring §4.5.
const SERVING_CERTIFICATE: &str = "service.beta.openshift.io/serving-cert-secret-name";

/// How a stack is exposed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessPlan {
    /// What exposes it.
    pub exposure: Exposure,
    /// Host; `None` for a Route whose host OpenShift chooses.
    pub host: Option<String>,
    /// Class of the Ingress.
    pub ingress_class: Option<String>,
    /// Gateway of the HTTPRoute.
    pub gateway: Option<Gateway>,
    /// Secret with the certificate of the host; `None` leaves it to what is in front.
    pub certificate: Option<String>,
    /// Issuer that writes this Secret; `None` when it is there.
    pub issuer: Option<IssuerRef>,
    /// Whether people log in.
    #[serde(rename = "oauth2Proxy")]
    pub oauth2_proxy: bool,
    /// Whether the RBAC of the cluster decides.
    pub kube_rbac_proxy: bool,
    /// The issuer that logs people in.
    pub oidc: Option<Oidc>,
    /// Whether the pods are reached with TLS.
    pub secure: bool,
    /// Annotation of a Service with the Secret that OpenShift writes a certificate to.
    ///
    /// It stands here and not in the base, whose words the tenant-leak check takes for nobody's: a project may be called
    /// like a part of it.
    pub serving_certificate: &'static str,
    /// Pod port that accepts traffic from outside.
    pub port: u16,
    /// Host and port of the issuer of logins, for network policies.
    #[serde(skip)]
    pub oidc_server: Option<(String, u16)>,
}

/// Decides on the exposure; `None` when nothing is exposed.
///
/// Errors: `unsupported-by-base`.
pub(super) fn resolve(
    project: &Project,
    base: &Base,
    diagnostics: &mut Diagnostics,
) -> Option<AccessPlan> {
    let access = project.access.as_ref()?;
    let Some(facts) = &base.facts.access else {
        let place = project.spans.get("/access/exposure");
        diagnostics.push(
            Diagnostic::error(
                Code::UnsupportedByBase,
                format!(
                    "base `{}` has nothing to expose a stack with",
                    base.facts.name
                ),
            )
            .at(place.copied().unwrap_or(project.span))
            .hint("use a newer base, or write `exposure: none`")
            .project(&project.name),
        );
        return None;
    };
    let secure = access.exposure == Exposure::Route;
    let tls = access.tls.as_ref();
    Some(AccessPlan {
        exposure: access.exposure,
        host: access.host.clone(),
        ingress_class: access.ingress_class.clone(),
        gateway: access.gateway.clone(),
        certificate: tls.map(|tls| {
            let secret = tls.secret.as_ref();
            secret.unwrap_or(&facts.certificate).clone()
        }),
        issuer: tls.and_then(|tls| tls.issuer.clone()),
        oauth2_proxy: access.auth.logs_in(),
        kube_rbac_proxy: access.auth.asks_kubernetes(),
        oidc: access.oidc.clone(),
        secure,
        serving_certificate: SERVING_CERTIFICATE,
        port: if secure { facts.https } else { facts.http },
        oidc_server: access.oidc.as_ref().and_then(Oidc::server),
    })
}
