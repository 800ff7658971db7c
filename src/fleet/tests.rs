use serde_json::json;

use super::*;
use crate::object::Object;

/// A deployment that asks for some CPU and memory, and a claim.
fn demand(cpu: &str, memory: &str, replicas: u64, storage: &str) -> Demand {
    let object = |body| Object {
        body,
        file: String::new(),
    };
    let objects = [
        object(json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "a"},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": [
                {"name": "a", "resources": {"requests": {"cpu": cpu, "memory": memory}}},
            ]}}},
        })),
        object(json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "a"},
            "spec": {"resources": {"requests": {"storage": storage}}},
        })),
    ];
    Demand::of(objects.iter())
}

fn line(name: &str, ring: Option<&str>, demand: Demand) -> Line {
    Line {
        name: name.to_owned(),
        cluster: "in-cluster".to_owned(),
        namespace: name.to_owned(),
        state: "active",
        ring: ring.map(str::to_owned),
        base: "kfp".to_owned(),
        owner: Some("<b>\"me\" & 'you'</b>\n".to_owned()),
        database: "embedded mariadb, 10Gi".to_owned(),
        object_store: "external, s3 at https://s3.example.com, a/b".to_owned(),
        demand,
    }
}

fn fleet() -> Fleet {
    let hazard = |gate, what: &str| HazardLine {
        gate,
        hazard: "volume-shrunk",
        project: Some("a".to_owned()),
        directory: "in-cluster/a".to_owned(),
        what: what.to_owned(),
        old: Some("20Gi".to_owned()),
        new: Some("10Gi".to_owned()),
    };
    let mut fleet = Fleet::new(
        vec![
            line("long-name", None, demand("1500m", "1.5Gi", 2, "10Gi")),
            line("a", Some("one"), demand("0.1", "512Mi", 1, "2Ti")),
            line("paused", Some("one"), demand("4", "8Gi", 0, "1500M")),
        ],
        Verdict::default(),
        "overlays".to_owned(),
    );
    fleet.hazards = vec![hazard("stops", "claim <x>"), hazard("listed", "y")];
    fleet
}

#[test]
fn the_page_as_text() {
    let expected = "\
3 projects: 3.1 CPU, 3.5 GiB memory, 2.02 TiB storage

PROJECT    CLUSTER/NAMESPACE     STATE   RING  BASE  CPU   MEMORY  STORAGE  DATABASE                OBJECT STORE
a          in-cluster/a          active  one   kfp   0.1  512 MiB    2 TiB  embedded mariadb, 10Gi  external, s3 at https://s3.example.com, a/b
long-name  in-cluster/long-name  active  -     kfp     3    3 GiB   10 GiB  embedded mariadb, 10Gi  external, s3 at https://s3.example.com, a/b
paused     in-cluster/paused     active  one   kfp     0        0  1.4 GiB  embedded mariadb, 10Gi  external, s3 at https://s3.example.com, a/b

CLUSTER     PROJECTS  CPU   MEMORY   STORAGE
in-cluster         3  3.1  3.5 GiB  2.02 TiB

BASE  PROJECTS  CPU   MEMORY   STORAGE
kfp          3  3.1  3.5 GiB  2.02 TiB

RING  PROJECTS  CPU   MEMORY   STORAGE
one          2  0.1  512 MiB  2.01 TiB

STATE   PROJECTS  CPU   MEMORY   STORAGE
active         3  3.1  3.5 GiB  2.02 TiB

Hazards against overlays
  stops volume-shrunk a: claim <x>: 20Gi -> 10Gi
  listed volume-shrunk a: y: 20Gi -> 10Gi
";
    let text = text::write(&fleet());
    assert_eq!(text, expected, "\n{text}");
}

#[test]
fn the_page_as_json() {
    let document = json::document(&fleet());
    assert_eq!(
        document["total"],
        json!({"projects": 3, "requests": {"cpu": "3100m", "memory": "3758096384", "storage": "2211260673792"}})
    );
    assert_eq!(document["by"]["ring"]["one"]["projects"], 2);
    assert_eq!(document["projects"][1]["name"], "long-name");
    assert_eq!(document["projects"][2]["requests"]["cpu"], "0");
    assert_eq!(document["hazards"][0]["gate"], "stops");
}

#[test]
fn the_page_as_html() {
    let page = html::write(&fleet());
    assert_eq!(page, html::write(&fleet()), "it is the same each time");
    for escaped in [
        "&lt;b&gt;&quot;me&quot; &amp; &#39;you&#39;&lt;/b&gt;",
        "claim &lt;x&gt;",
        "<td class=\"n\">2.02 TiB</td>",
        "<td class=\"stops\">stops</td>",
    ] {
        assert!(page.contains(escaped), "{escaped}\nin\n{page}");
    }
    for foreign in ["<b>", "<x>", "<script", "src=", "href=", "http:", "url("] {
        assert!(!page.contains(foreign), "{foreign}\nin\n{page}");
    }
    // Everything that is opened is closed.
    for name in ["table", "tr", "td", "th", "section", "div", "tfoot", "p"] {
        let opened =
            page.matches(&format!("<{name}>")).count() + page.matches(&format!("<{name} ")).count();
        assert_eq!(
            opened,
            page.matches(&format!("</{name}>")).count(),
            "{name}"
        );
    }
}
