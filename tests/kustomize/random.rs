//! Trees made up at random from pieces that touch each other: names that are referred to, layers that rename, patches that
//! hit what layers below have changed.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Files by path; the kustomization to build is in `overlay/`.
pub type Files = BTreeMap<String, String>;

/// Objects that name each other, by what distinguishes them.
const OBJECTS: [&str; 14] = [
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf, labels: {app: web}}\ndata: {a: one, n: \"7\", image: \"img:1\"}\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf, namespace: other}\ndata: {a: two}\n",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: conf}\ntype: Opaque\ndata: {p: cGFzcw==}\n",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: pass, annotations: {note: x}}\nstringData: {p: q}\n",
    "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: sa}\n",
    "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: sa, namespace: other}\n",
    "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80, name: http}]}\n",
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {app: web}}\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      serviceAccountName: sa\n      containers:\n      - {name: web, image: \"img:1\", args: [\"$(NAME)\"], envFrom: [{configMapRef: {name: conf}}, {configMapRef: {name: made}}]}\n      - {name: side, image: \"reg.io/side:2@sha256:00\", env: [{name: P, valueFrom: {secretKeyRef: {name: pass, key: p}}}]}\n      volumes: [{name: v, secret: {secretName: conf}}]\n",
    "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: web, annotations: {note: y}}\nspec:\n  serviceName: web\n  template: {spec: {containers: [{name: web, image: img}]}}\n  volumeClaimTemplates: [{metadata: {name: data}}]\n",
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: rb}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}\nsubjects: [{kind: ServiceAccount, name: sa}, {kind: ServiceAccount, name: sa, namespace: other}, {kind: ServiceAccount, name: default}]\n",
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r}\nrules: [{apiGroups: [\"\"], resources: [configmaps], resourceNames: [conf, made], verbs: [get]}]\n",
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: crb}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}\nsubjects: [{kind: ServiceAccount, name: sa, namespace: other}, {kind: ServiceAccount, name: sa, namespace: default}]\n",
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n",
    "apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: web}\nspec: {ref: conf, containers: [{image: \"img:3\"}]}\n",
];

/// Parts of a kustomization that may come together; each is a field of its own.
const PARTS: [(&str, &[&str]); 15] = [
    ("namespace", &["namespace: team\n", "namespace: other\n"]),
    ("namePrefix", &["namePrefix: p-\n", "namePrefix: q-\n"]),
    ("nameSuffix", &["nameSuffix: -s\n"]),
    (
        "labels",
        &[
            "labels: [{pairs: {l: one}}]\n",
            "labels: [{pairs: {l: two}, includeSelectors: true}, {pairs: {m: x}, includeTemplates: true}]\n",
        ],
    ),
    ("commonLabels", &["commonLabels: {app: new, c: d}\n"]),
    ("commonAnnotations", &["commonAnnotations: {note: z}\n"]),
    (
        "images",
        &[
            "images: [{name: img, newTag: \"9\"}]\n",
            "images: [{name: img, newName: reg.io/img}, {name: reg.io/side, digest: \"sha256:11\"}]\n",
        ],
    ),
    (
        "replicas",
        &[
            "replicas: [{name: web, count: 4}]\n",
            "replicas: [{name: p-web, count: 5}]\n",
        ],
    ),
    (
        "configMapGenerator",
        &[
            "configMapGenerator: [{name: made, literals: [x=1]}]\n",
            "configMapGenerator: [{name: made, behavior: merge, literals: [z=2]}]\n",
            "configMapGenerator: [{name: conf, behavior: merge, literals: [a=three]}]\n",
            "configMapGenerator: [{name: conf, namespace: other, behavior: replace, literals: [r=1]}]\n",
        ],
    ),
    (
        "secretGenerator",
        &[
            "secretGenerator: [{name: pass, behavior: replace, literals: [p=1]}]\n",
            "secretGenerator: [{name: fresh, literals: [p=1], options: {disableNameSuffixHash: true}}]\n",
        ],
    ),
    (
        "patches",
        &[
            "patches:\n- patch: |-\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: conf}\n    data: {a: null, patched: \"yes\"}\n",
            "patches:\n- target: {kind: Deployment, name: web}\n  patch: |-\n    - {op: replace, path: /spec/replicas, value: 7}\n    - {op: add, path: /metadata/annotations, value: {j: k}}\n",
            "patches:\n- target: {labelSelector: app=web}\n  patch: |-\n    apiVersion: v1\n    kind: X\n    metadata: {name: x, labels: {hit: \"1\"}}\n",
            "patches:\n- target: {namespace: other}\n  patch: |-\n    - {op: add, path: /metadata/labels, value: {ns: other}}\n",
            "patches:\n- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web}\n    spec: {template: {spec: {containers: [{name: side, $patch: delete}, {name: web, env: [{name: N, value: v}]}, {name: third, image: img}]}}}\n",
            "patches:\n- patch: |-\n    apiVersion: v1\n    kind: Service\n    metadata: {name: web}\n    $patch: delete\n",
            "patches:\n- target: {kind: ConfigMap, name: .*conf}\n  options: {allowNameChange: true}\n  patch: |-\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: renamed}\n",
        ],
    ),
    (
        "patchesStrategicMerge",
        &[
            "patchesStrategicMerge:\n- |-\n  apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: conf, namespace: other}\n  data: {s: m}\n",
        ],
    ),
    (
        "replacements",
        &[
            "replacements:\n- source: {kind: ConfigMap, name: conf, namespace: default, fieldPath: data.n}\n  targets:\n  - select: {kind: Deployment}\n    fieldPaths: [spec.replicas, \"spec.template.spec.containers.[name=web].args.0\"]\n",
            "replacements:\n- source: {kind: Service, name: web}\n  targets:\n  - select: {kind: Widget}\n    fieldPaths: [spec.ref, spec.made]\n    options: {create: true}\n",
        ],
    ),
    (
        "vars",
        &["vars:\n- name: NAME\n  objref: {apiVersion: v1, kind: Service, name: web}\n"],
    ),
    (
        "generatorOptions",
        &["generatorOptions: {labels: {g: o}}\n"],
    ),
];

/// One layer: fields of a kustomization, a choice for each.
fn parts() -> impl Strategy<Value = String> {
    (
        subsequence((0..PARTS.len()).collect::<Vec<_>>(), 0..4),
        vec(any::<prop::sample::Index>(), PARTS.len()),
    )
        .prop_map(|(chosen, which)| {
            chosen
                .into_iter()
                .map(|part| *which[part].get(PARTS[part].1))
                .collect()
        })
}

fn objects() -> impl Strategy<Value = String> {
    subsequence(OBJECTS.to_vec(), 11..=14).prop_map(|objects| objects.join("---\n"))
}

/// A tree of a base, two layers on top of it, a component, and at times a second use of the base.
pub fn tree() -> impl Strategy<Value = Files> {
    (
        (objects(), parts(), parts(), parts(), parts()),
        select(vec![0, 1, 2, 3]),
        objects(),
    )
        .prop_map(|((base, base_parts, middle, top, component), shape, own)| {
            let mut files = Files::new();
            let mut write = |path: &str, text: String| files.insert(path.to_owned(), text);
            write("base/objects.yaml", base);
            write(
                "base/kustomization.yaml",
                format!("resources: [objects.yaml]\n{base_parts}"),
            );
            write(
                "component/kustomization.yaml",
                format!(
                    "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n{component}"
                ),
            );
            write(
                "middle/kustomization.yaml",
                format!("resources: [../base]\n{middle}"),
            );
            let uses = match shape {
                0 => "resources: [../base]\n",
                1 => "resources: [../middle]\n",
                2 => "resources: [../middle]\ncomponents: [../component]\n",
                _ => {
                    write(
                        "own/kustomization.yaml",
                        "resources: [objects.yaml]\nnamePrefix: own-\n".to_owned(),
                    );
                    write("own/objects.yaml", own);
                    "resources: [../middle, ../own]\n"
                }
            };
            write("overlay/kustomization.yaml", format!("{uses}{top}"));
            files
        })
}
