//! A project rendered from the skeleton of its shape gets the bytes that it gets when it is rendered alone.

mod compiler;

use std::collections::BTreeMap;

use compiler::compile_with;

/// Compiles two projects of one shape together, and each alone, which is always direct.
#[track_caller]
fn check(platform: &str, settings: &str, names: [&str; 2]) {
    let fleet = |names: &[&str]| {
        let mut text = format!("version: 1\n{platform}\nprojects:\n");
        for name in names {
            let settings = settings.replace("NAME", name);
            text.push_str(&format!("- {{name: \"{name}\"{settings}}}\n"));
        }
        let outcome = compile_with(&text, &BTreeMap::new(), 2);
        assert!(!outcome.tree.is_empty(), "{text}\n{:#?}", outcome.findings);
        outcome.tree
    };
    let together = fleet(&names);
    for name in names {
        let prefixes = [
            format!("in-cluster/{name}/"),
            format!("in-cluster/ns-{name}/"),
        ];
        let of = |tree: &BTreeMap<String, String>| -> BTreeMap<String, String> {
            let own = |path: &str| prefixes.iter().any(|prefix| path.starts_with(prefix));
            let files = tree.iter().filter(|(path, _)| own(path));
            files
                .map(|(path, text)| (path.clone(), text.clone()))
                .collect()
        };
        let alone = of(&fleet(&[name]));
        assert!(alone.len() > 5, "{name} has files");
        for (path, text) in of(&together) {
            assert_eq!(text, alone[&path], "{path} of {settings}");
        }
        assert_eq!(of(&together).len(), alone.len());
    }
}

const PLATFORM: &str = r#"platform: {base: kfp-2.17.0, network: {apiServer: [10.0.0.1/32]}}
databases:
  central: {engine: mysql, host: mysql.databases.svc.cluster.local, credentials: {externalSecret: {store: vault, key: "ml/{{ project.name }}/mysql"}}}
objectStores:
  lake: {provider: s3, endpoint: "https://s3.eu-west-1.amazonaws.com", region: eu-west-1, bucket: ml-lake, credentials: {externalSecret: {store: vault, key: "ml/{{ project.namespace }}/s3"}}}
  ceph: {provider: s3, endpoint: "http://rgw.ceph.svc:8080", region: main, credentials: {secret: {name: s3, keys: {accessKey: a, secretKey: s}}}}"#;

#[test]
fn storage_choices() {
    for settings in [
        "",
        ", database: {embedded: {engine: mysql}}, objectStore: {embedded: {engine: minio}}",
        ", database: central, objectStore: lake",
        ", database: central, objectStore: ceph",
        ", objectStore: {shared: {name: lake, prefix: teams/NAME/x}}",
        ", base: kfp-2.15.0",
        ", state: paused",
        ", podToPodTLS: {issuer: {name: internal}}",
        ", podSecurity: {enforce: restricted, runAsUser: 1000}, network: {egress: restricted}",
        ", proxy: {http: \"http://proxy:3128\"}, quota: {requests.cpu: 4}",
        ", components: {viewer: {enabled: true}, apiServer: {pipelineStore: kubernetes}}",
    ] {
        check(
            PLATFORM,
            settings,
            ["alpha", "a-much-longer-name-for-a-project"],
        );
    }
}

#[test]
fn names_that_need_quotes() {
    for names in [
        ["no", "alpha"],
        ["1e3", "0777"],
        ["true", "null"],
        ["12-30", "x"],
        ["y", "on"],
    ] {
        check(PLATFORM, ", database: central, objectStore: ceph", names);
        check(PLATFORM, "", names);
    }
}

#[test]
fn prose() {
    check(
        PLATFORM,
        ", description: \"NAME says: \\\"hi\\\" # not a comment\", owner: \"no\"",
        ["alpha", "beta"],
    );
    check(
        PLATFORM,
        ", description: \"NAME\\n  two lines\\n\", owner: 'a: b'",
        ["alpha", "beta"],
    );
    check(
        PLATFORM,
        ", description: \"zq7tenantrys000\"",
        ["alpha", "beta"],
    );
    check(
        PLATFORM,
        ", namespace: ns-NAME, annotations: {a: \"NAME\"}, labels: {b: NAME}",
        ["alpha", "beta"],
    );
}

#[test]
fn members() {
    for members in [
        r#"{admins: ["group:NAME"], viewers: ["user:NAME@example.com", "serviceAccount:NAME/notebooks"]}"#,
        r#"{editors: ["group:NAME: leads # all", "user:no", "group:alpha", "serviceAccount:ci/NAME"]}"#,
    ] {
        for names in [["alpha", "beta"], ["no", "1e3"]] {
            check(PLATFORM, &format!(", members: {members}"), names);
        }
    }
}

#[test]
fn exposed_stacks() {
    for access in [
        r#"{exposure: ingress, host: NAME.example.com, auth: kubeRbacProxy}"#,
        r#"{exposure: ingress, host: NAME.example.com, tls: {issuer: {name: ca}}, auth: oauth2Proxy, oidc: {issuer: "https://id.example.com", clientId: kfp-NAME, clientSecret: {name: oidc-NAME, key: secret}, allowedGroups: ["team, one", ml]}}"#,
        r#"{exposure: httpRoute, host: NAME.example.com, gateway: {name: g, namespace: beta}, tls: {secret: c}, auth: both, oidc: {issuer: "https://id.example.com", clientId: NAME, clientSecret: {name: oidc, key: secret}, allowedGroups: [NAME]}}"#,
    ] {
        for names in [["alpha", "gamma"], ["no", "1e3"], ["alpha", "beta"]] {
            check(
                PLATFORM,
                &format!(", members: {{viewers: [\"group:NAME\"]}}, access: {access}"),
                names,
            );
        }
    }
}
