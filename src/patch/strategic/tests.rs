//! Every row of the measured rules of strategic merge, on fields of a Deployment, a Service and a kind without schema.

use serde_json::{Value, json};

use super::super::place::Place;
use super::super::{PatchError, change};
use super::*;

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Merges a patch into an object and gives the body that remains, `None` when the object is removed.
fn merged(base: &Value, patch: &Value) -> Result<Option<Value>, PatchError> {
    check(patch)?;
    let object = Object {
        body: base.clone(),
        file: "extra".to_owned(),
    };
    let mut body = base.clone();
    Ok(match changes(&object, patch, Place::Root(""))? {
        Some(change) => change::carry_out(&mut body, change).then_some(body),
        None => Some(body),
    })
}

/// A frame around the value that a test is about: an object with the value somewhere inside.
#[derive(Debug, Clone, Copy)]
enum Frame {
    /// `spec` of a kind without schema.
    Free,
    /// The pod spec of a Deployment.
    Pod,
    /// `spec` of a Deployment.
    Deployment,
    /// `spec.ports` of a Service.
    Ports,
    /// `metadata` of a ConfigMap.
    Metadata,
}

impl Frame {
    fn path(self) -> &'static str {
        match self {
            Frame::Free | Frame::Deployment => "/spec",
            Frame::Pod => "/spec/template/spec",
            Frame::Ports => "/spec/ports",
            Frame::Metadata => "/metadata",
        }
    }

    fn around(self, value: Value) -> Value {
        match self {
            Frame::Free => json!({"apiVersion": "example.com/v1", "kind": "Thing",
                "metadata": {"name": "d"}, "spec": value}),
            Frame::Deployment => json!({"apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": "d"}, "spec": value}),
            Frame::Pod => Frame::Deployment.around(json!({"template": {"spec": value}})),
            Frame::Ports => json!({"apiVersion": "v1", "kind": "Service",
                "metadata": {"name": "d"}, "spec": {"ports": value}}),
            Frame::Metadata => json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": value}),
        }
    }
}

/// Checks the value that is there after the merge, byte for byte, so the order of keys and elements too.
fn gives(frame: Frame, base: &str, patch: &str, expect: &str) {
    let body = merged(&frame.around(yaml(base)), &frame.around(yaml(patch)))
        .unwrap_or_else(|error| panic!("{base} + {patch}: {error:?}"))
        .expect("the object remains");
    let found = body.pointer(frame.path()).map(Value::to_string);
    let expect = (expect != "gone").then(|| yaml(expect).to_string());
    assert_eq!(found, expect, "{base} + {patch}");
}

/// Checks that the patch is not applied, with this code, pointer (below the frame) and message.
fn fails(frame: Frame, base: &str, patch: &str, code: Code, pointer: &str, message: &str) {
    let error = merged(&frame.around(yaml(base)), &frame.around(yaml(patch)))
        .expect_err(&format!("{base} + {patch}"));
    let pointer = format!("{}{pointer}", frame.path());
    assert_eq!(
        (error.code, error.pointer.as_str(), error.message.as_str()),
        (code, pointer.as_str(), message),
        "{base} + {patch}"
    );
    assert!(!error.hints.is_empty(), "{base} + {patch}");
}

fn refused(frame: Frame, base: &str, patch: &str, pointer: &str, message: &str) {
    fails(frame, base, patch, Code::PatchRefused, pointer, message);
}

#[test]
fn scalars_replace_and_mappings_merge() {
    let check = |base, patch, expect| gives(Frame::Free, base, patch, expect);
    check("{a: 1, b: 2}", "{a: 3}", "{a: 3, b: 2}");
    check("{a: 1}", "{a: '1'}", "{a: '1'}");
    check("{a: 1}", "{a: true}", "{a: true}");
    check("{a: x}", "{a: ''}", "{a: ''}");
    check(
        "{a: {b: 1, c: 2}}",
        "{a: {c: 3, d: 4}}",
        "{a: {b: 1, c: 3, d: 4}}",
    );
    check("{a: {b: 1}}", "{a: {}}", "{a: {b: 1}}");
    check("{a: {b: 1}}", "{}", "{a: {b: 1}}");
    check("{}", "{a: {}}", "{a: {}}");
    check("{a: null}", "{a: 1}", "{a: 1}");
    check("{a: null}", "{a: {b: 1}}", "{a: {b: 1}}");
    check(
        "{a: {b: {c: 1}}}",
        "{a: {b: {d: 2}}}",
        "{a: {b: {c: 1, d: 2}}}",
    );
}

#[test]
fn null_deletes_and_vanishes_from_what_is_new() {
    let check = |base, patch, expect| gives(Frame::Free, base, patch, expect);
    check("{a: 1, b: 2, c: 3}", "{a: null}", "{b: 2, c: 3}");
    check("{a: 1}", "{a: ~}", "{}");
    check("{a: 1}", "{b: null}", "{a: 1}");
    check("{a: {b: 1}}", "{a: {b: null}}", "{a: {}}");
    check("{a: {b: {c: 1}}}", "{a: {b: {c: null}}}", "{a: {b: {}}}");
    check("{b: 1}", "{a: {x: null, y: 2}}", "{b: 1, a: {y: 2}}");
    check(
        "{b: 1}",
        "{a: {x: null, y: {z: null}}}",
        "{b: 1, a: {y: {}}}",
    );
    check(
        "{a: null, b: {c: null}}",
        "{b: {d: 1}}",
        "{a: null, b: {c: null, d: 1}}",
    );
    check("{a: null, b: 1}", "{a: null}", "{b: 1}");
    check(
        "{l: [1]}",
        "{l: [null, {a: null, b: {c: null}}]}",
        "{l: [null, {a: null, b: {c: null}}]}",
    );
    check("{}", "{l: [null, {a: null}]}", "{l: [null, {a: null}]}");
}

#[test]
fn directives_of_mappings() {
    let check = |base, patch, expect| gives(Frame::Free, base, patch, expect);
    check("{a: {b: 1}, c: 2}", "{a: {$patch: delete}}", "{c: 2}");
    check("{a: {b: 1}, c: 2}", "{a: {$patch: delete, x: 1}}", "{c: 2}");
    check(
        "{a: {b: 1}, c: 2}",
        "{a: {$patch: replace, x: 1}}",
        "{a: {x: 1}, c: 2}",
    );
    check(
        "{a: {b: 1}}",
        "{a: {$patch: merge, x: 1}}",
        "{a: {b: 1, x: 1}}",
    );
    check("{c: 2}", "{a: {$patch: delete, x: 1}}", "{c: 2}");
    check(
        "{c: 2}",
        "{a: {$patch: replace, x: 1}}",
        "{c: 2, a: {x: 1}}",
    );
    check("{c: 2}", "{a: {$patch: merge, x: 1}}", "{c: 2, a: {x: 1}}");
    check("{a: null}", "{a: {$patch: delete}}", "{}");
    check("{a: {}}", "{a: {$patch: delete}}", "{}");
    check(
        "{}",
        "{a: {b: {$patch: delete, x: 1}, c: 1}}",
        "{a: {c: 1}}",
    );
    check(
        "{a: {q: 1, y: {e: 1}}}",
        "{a: {$patch: replace, y: {$patch: delete, w: 1}, z: {$patch: replace, k: 1}, n: null, m: {n: null}}}",
        "{a: {z: {k: 1}, m: {}}}",
    );
    gives(Frame::Free, "{a: 1}", "{$patch: delete}", "gone");
    gives(Frame::Free, "{a: 1}", "{$patch: replace, b: 2}", "{b: 2}");

    let message = "`replcae` is not a patch directive";
    fails(
        Frame::Free,
        "{a: {b: 1}}",
        "{a: {$patch: replcae}}",
        Code::InvalidPatch,
        "/a/$patch",
        message,
    );
    fails(
        Frame::Free,
        "{}",
        "{l: [{x: {$patch: replcae}}]}",
        Code::InvalidPatch,
        "/l/0/x/$patch",
        message,
    );
    let message = "`null` is not a patch directive";
    fails(
        Frame::Free,
        "{a: {b: 1}}",
        "{a: {$patch: null}}",
        Code::InvalidPatch,
        "/a/$patch",
        message,
    );
}

#[test]
fn values_of_other_kinds_do_not_merge() {
    let check = |base: &str, patch: &str, of_base: &str, of_patch: &str| {
        let message = format!("`a` is {of_base} in `Thing/d` and {of_patch} in the patch");
        fails(Frame::Free, base, patch, Code::PatchFailed, "/a", &message);
    };
    check("{a: {b: 1}}", "{a: [1]}", "a mapping", "a list");
    check("{a: {}}", "{a: [1]}", "a mapping", "a list");
    check("{a: {b: 1}}", "{a: ''}", "a mapping", "a string");
    check("{a: [1]}", "{a: {b: 1}}", "a list", "a mapping");
    check("{a: [1]}", "{a: 1}", "a list", "a number");
    check("{a: 1}", "{a: {}}", "a number", "a mapping");
    check("{a: ''}", "{a: []}", "a string", "a list");
}

#[test]
fn lists_without_schema_are_replaced() {
    let check = |base, patch, expect| gives(Frame::Free, base, patch, expect);
    check(
        "{l: [{name: a}, {name: b}]}",
        "{l: [{name: a, x: 1}]}",
        "{l: [{name: a, x: 1}]}",
    );
    check(
        "{containers: [{name: a}]}",
        "{containers: [{name: b}]}",
        "{containers: [{name: b}]}",
    );
    check("{l: [1]}", "{l: []}", "{l: []}");
    check("{l: [1]}", "{l: null}", "{}");
    let pod = |base, patch, expect| gives(Frame::Pod, base, patch, expect);
    pod(
        "{tolerations: [{key: a}]}",
        "{tolerations: [{key: b}]}",
        "{tolerations: [{key: b}]}",
    );
    pod(
        "{containers: [{name: a, args: [x, y], command: [c]}]}",
        "{containers: [{name: a, args: [z]}]}",
        "{containers: [{name: a, args: [z], command: [c]}]}",
    );
    refused(
        Frame::Free,
        "{l: [1]}",
        "{l: [{$patch: replace}, 2]}",
        "/l/0/$patch",
        "a directive in a list that does not merge in a Thing is no directive",
    );
    refused(
        Frame::Free,
        "{}",
        "{l: [{x: [{y: {$patch: delete}}]}]}",
        "/l/0/x/0/y/$patch",
        "a directive in a list that does not merge in a Thing is no directive",
    );
    refused(
        Frame::Pod,
        "{tolerations: [{key: a}]}",
        "{tolerations: [{key: a, $patch: delete}]}",
        "/tolerations/0/$patch",
        "a directive in a list that does not merge in a Deployment is no directive",
    );
}

#[test]
fn keyed_lists_keep_their_order() {
    let check = |base: &str, patch: &str, expect: &str| {
        let list = |names: &str| format!("{{containers: {names}}}");
        let expect = if expect == "gone" {
            "{}".to_owned()
        } else {
            list(expect)
        };
        gives(Frame::Pod, &list(base), &list(patch), &expect);
    };
    check(
        "[{name: a}, {name: b}]",
        "[{name: b, image: x}]",
        "[{name: a}, {name: b, image: x}]",
    );
    check(
        "[{name: a}, {name: b}, {name: e}]",
        "[{name: c}, {name: a, image: x}, {name: d}]",
        "[{name: a, image: x}, {name: b}, {name: e}, {name: c}, {name: d}]",
    );
    check("[{name: a}, {name: b}]", "[]", "[{name: a}, {name: b}]");
    check("[{name: a}, {name: b}]", "null", "gone");
    check(
        "[{name: a}, {name: b}, {name: c}]",
        "[{name: a, $patch: delete}]",
        "[{name: b}, {name: c}]",
    );
    check(
        "[{name: a}, {name: b}]",
        "[{name: a, image: x, $patch: delete}]",
        "[{name: b}]",
    );
    check("[{name: a}]", "[{name: b, $patch: delete}]", "[{name: a}]");
    check("[{name: a}]", "[{name: a, $patch: delete}]", "[]");
    check(
        "[{name: a}]",
        "[{name: a, $patch: delete}, {name: b}]",
        "[{name: b}]",
    );
    check(
        "[{name: a}, {name: b}, {name: c}]",
        "[{name: c, $patch: delete}, {name: a, $patch: delete}]",
        "[{name: b}]",
    );
    check(
        "[{name: a}]",
        "[{$patch: replace}, {name: b, image: null}]",
        "[{name: b}]",
    );
    check(
        "[{name: a}]",
        "[{name: b}, {$patch: replace}]",
        "[{name: b}]",
    );
    check("[{name: a}]", "[{$patch: replace}]", "[]");
    check("[]", "[{$patch: replace}, {name: b}]", "[{name: b}]");
    check("[{name: a}]", "[{$patch: delete}]", "gone");
    check("[{name: a}]", "[{$patch: merge}]", "[{name: a}]");
    check(
        "[{name: a}]",
        "[{$patch: merge}, {name: b}]",
        "[{name: a}, {name: b}]",
    );
    check(
        "[{name: a}]",
        "[{name: a, $patch: merge, image: x}]",
        "[{name: a, image: x}]",
    );
    check(
        "[{name: a}]",
        "[{name: b, $patch: merge}]",
        "[{name: a}, {name: b}]",
    );
    check(
        "[{name: 1}]",
        "[{name: '1', image: x}]",
        "[{name: '1', image: x}]",
    );
    check(
        "[{name: a}]",
        "[{name: b, image: null, env: [{name: x, value: null}], args: [null], resources: {limits: null}}]",
        "[{name: a}, {name: b, env: [{name: x}], args: [null], resources: {}}]",
    );
    check(
        "[{name: a}]",
        "[{name: b, resources: {$patch: delete}}]",
        "[{name: a}, {name: b}]",
    );
    check(
        "[{name: a}]",
        "[{name: b, env: [{name: x, $patch: delete}]}]",
        "[{name: a}, {name: b, env: []}]",
    );
    check(
        "[{name: a, env: [{name: x, value: '1'}, {name: y, value: '2'}]}]",
        "[{name: a, env: [{name: z, value: '3'}, {name: y, value: '4'}]}]",
        "[{name: a, env: [{name: x, value: '1'}, {name: y, value: '4'}, {name: z, value: '3'}]}]",
    );
}

#[test]
fn keyed_lists_that_are_new() {
    let check = |patch, expect| gives(Frame::Pod, "{x: 1}", patch, expect);
    check(
        "{containers: [{name: a, image: null}]}",
        "{x: 1, containers: [{name: a}]}",
    );
    check("{containers: []}", "{x: 1, containers: []}");
    check(
        "{containers: [{name: a, $patch: delete}]}",
        "{x: 1, containers: []}",
    );
    gives(
        Frame::Pod,
        "{containers: null}",
        "{containers: [{name: a}]}",
        "{containers: [{name: a}]}",
    );
    for directive in ["replace", "delete", "merge"] {
        for base in ["{x: 1}", "{containers: null}"] {
            refused(
                Frame::Pod,
                base,
                &format!("{{containers: [{{name: a}}, {{$patch: {directive}}}]}}"),
                "/containers/1",
                "`Deployment/d` has no list `containers` that the directive could be about",
            );
        }
    }
    let twice = "`name: b` stands twice in `containers`, first in element 0";
    refused(
        Frame::Pod,
        "{}",
        "{containers: [{name: b}, {name: b}]}",
        "/containers/1",
        twice,
    );
}

#[test]
fn elements_that_kustomize_would_damage_are_refused() {
    let check = |base: &str, patch: &str, pointer: &str, message: &str| {
        refused(
            Frame::Pod,
            &format!("{{containers: {base}}}"),
            &format!("{{containers: {patch}}}"),
            &format!("/containers{pointer}"),
            message,
        );
    };
    let no_key = "an element of `containers` has no `name`, by which the list merges";
    check("[{name: a}]", "[{image: z}]", "/0", no_key);
    check("[{name: a}]", "[{name: a}, {image: z}]", "/1", no_key);
    check("[{name: a}]", "[{name: null, image: z}]", "/0", no_key);
    check("[{name: a}]", "[{name: '', image: z}]", "/0", no_key);
    check("[{name: a}]", "[{name: {a: 1}, image: z}]", "/0", no_key);
    check("[{name: a}]", "[{$patch: replace, image: z}]", "/0", no_key);
    check("[{name: a}]", "[{}]", "/0", no_key);
    check(
        "[{name: a}]",
        "[{$patch: replace}, {image: z}]",
        "/1",
        no_key,
    );
    check(
        "[{name: a}]",
        "[null]",
        "/0",
        "an element of `containers` is null, and the list merges",
    );
    check(
        "[{name: a}]",
        "[a]",
        "/0",
        "an element of `containers` is a string, and the list merges by `name`",
    );
    let ignored = "`$patch: replace` in an element of `containers` would be ignored";
    check(
        "[{name: a}]",
        "[{name: a, $patch: replace}]",
        "/0/$patch",
        ignored,
    );
    check(
        "[{name: a}]",
        "[{name: b, $patch: replace}]",
        "/0/$patch",
        ignored,
    );
    let twice = "`name: a` stands twice in `containers`, first in element 0";
    check(
        "[{name: a}]",
        "[{name: a, image: x}, {name: a, image: y}]",
        "/1",
        twice,
    );
    check(
        "[{name: a}]",
        "[{name: a, $patch: delete}, {name: a}]",
        "/1",
        twice,
    );
    let both = "the list `containers` has two different directives";
    check(
        "[{name: a}]",
        "[{$patch: replace}, {$patch: delete}]",
        "/1",
        both,
    );
    check(
        "[{name: a}]",
        "[{$patch: merge}, {$patch: replace}]",
        "/1",
        both,
    );
    let mixed =
        "`$patch` in this element of `containers` would be mixed up with the directive of the list";
    check(
        "[{name: a}]",
        "[{$patch: merge}, {name: a}, {name: b, $patch: merge}]",
        "/2",
        mixed,
    );
    check(
        "[{name: a}]",
        "[{name: a, $patch: delete}, {$patch: merge}]",
        "/0",
        mixed,
    );
    check(
        "[{name: a}]",
        "[{name: a, $patch: merge}, {$patch: replace}]",
        "/0",
        mixed,
    );
    check(
        "[{name: a}]",
        "[{name: b}, {$patch: replace}, {name: a, $patch: delete}]",
        "/2",
        mixed,
    );
    check(
        "[{name: a}]",
        "[{$patch: replace}, {name: b, $patch: replace}]",
        "/1",
        mixed,
    );
    let lost = "`$patch: delete` deletes the whole list `containers`, this element with it";
    check("[{name: a}]", "[{$patch: delete}, {name: b}]", "/1", lost);
    let base_twice = "`name: a` stands twice in `containers` of `Deployment/d`";
    check(
        "[{name: a}, {name: a}]",
        "[{name: a, image: x}]",
        "",
        base_twice,
    );
    check("[{name: a}, {name: a}]", "[{name: b}]", "", base_twice);
    let base_without =
        "element 0 of `containers` in `Deployment/d` has no `name`, by which the list merges";
    check(
        "[{image: x}, {name: a}]",
        "[{name: a, image: y}]",
        "",
        base_without,
    );
    check("[x]", "[{name: a}]", "", base_without);
}

#[test]
fn lists_that_a_patch_leaves_alone_may_be_in_any_state() {
    gives(
        Frame::Pod,
        "{containers: [{name: a, env: [{name: x}, {name: x}, {value: y}, null]}]}",
        "{containers: [{name: a, image: z, env: []}]}",
        "{containers: [{name: a, env: [{name: x}, {name: x}, {value: y}, null], image: z}]}",
    );
    gives(
        Frame::Pod,
        "{containers: [{name: a}, {name: a}]}",
        "{containers: [{$patch: replace}, {name: b}]}",
        "{containers: [{name: b}]}",
    );
}

#[test]
fn ports_are_told_apart_by_protocol_too() {
    let check = |base, patch, expect| gives(Frame::Ports, base, patch, expect);
    check(
        "[{port: 80, protocol: TCP}, {port: 53, protocol: UDP}, {port: 53, protocol: TCP}]",
        "[{port: 53, protocol: UDP, name: dns}]",
        "[{port: 80, protocol: TCP}, {port: 53, protocol: UDP, name: dns}, {port: 53, protocol: TCP}]",
    );
    check(
        "[{port: 80}, {port: 81}]",
        "[{port: 81, name: b}]",
        "[{port: 80}, {port: 81, name: b}]",
    );
    check(
        "[{port: 80}]",
        "[{port: '80', name: b}]",
        "[{port: '80', name: b}]",
    );
    check(
        "[{port: 80}]",
        "[{port: 80, protocol: null, name: b}]",
        "[{port: 80, name: b}]",
    );
    check(
        "[{port: 80}]",
        "[{port: 90, protocol: TCP}]",
        "[{port: 80}, {port: 90, protocol: TCP}]",
    );
    check(
        "[{port: 80, protocol: TCP}]",
        "[{port: 90}]",
        "[{port: 80, protocol: TCP}, {port: 90}]",
    );
    check(
        "[{port: 80, protocol: UDP}]",
        "[{port: 80, protocol: TCP}]",
        "[{port: 80, protocol: UDP}, {port: 80, protocol: TCP}]",
    );
    check(
        "[{port: 80, protocol: TCP}, {port: 81}]",
        "[{port: 80, protocol: TCP, $patch: delete}]",
        "[{port: 81}]",
    );

    let check =
        |base, patch, pointer, message| refused(Frame::Ports, base, patch, pointer, message);
    let more = "`port: 80` has `protocol` here and none in the list";
    let less = "`port: 80` has no `protocol` here and `TCP` in the list";
    check("[{port: 80}]", "[{port: 80, protocol: TCP}]", "/0", more);
    check(
        "[{port: 80}]",
        "[{port: 80, protocol: TCP, $patch: delete}]",
        "/0",
        more,
    );
    check(
        "[{port: 80, protocol: TCP}]",
        "[{port: 80, name: b}]",
        "/0",
        less,
    );
    check(
        "[{port: 80, protocol: TCP}]",
        "[{port: 80, $patch: delete}]",
        "/0",
        less,
    );
    check("[]", "[{port: 80, protocol: TCP}, {port: 80}]", "/1", less);
    check(
        "[{port: 81}]",
        "[{$patch: replace}, {port: 80}, {port: 80, protocol: TCP}]",
        "/2",
        more,
    );
    let half = "deleting `port: 81` would be ignored: other elements have `protocol`, and this one has not";
    check(
        "[{port: 81}, {port: 80, protocol: TCP}]",
        "[{port: 81, $patch: delete}]",
        "/0",
        half,
    );
    check(
        "[{port: 81}]",
        "[{port: 80, protocol: TCP}, {port: 81, $patch: delete}]",
        "/1",
        half,
    );
    let mixed = "`ports` of `Service/d` has `port: 80` with and without `protocol`";
    check(
        "[{port: 80}, {port: 80, protocol: UDP}]",
        "[{port: 80, protocol: UDP, name: b}]",
        "",
        mixed,
    );
    let no_key = "an element of `ports` has no `port`, by which the list merges";
    check("[{port: 80}]", "[{protocol: TCP}]", "/0", no_key);
}

#[test]
fn other_keys() {
    let check = |base, patch, expect| gives(Frame::Pod, base, patch, expect);
    check(
        "{topologySpreadConstraints: [{topologyKey: a, whenUnsatisfiable: X}, {topologyKey: a, whenUnsatisfiable: Y}]}",
        "{topologySpreadConstraints: [{topologyKey: a, whenUnsatisfiable: Y, maxSkew: 2}]}",
        "{topologySpreadConstraints: [{topologyKey: a, whenUnsatisfiable: X}, {topologyKey: a, whenUnsatisfiable: Y, maxSkew: 2}]}",
    );
    check(
        "{hostAliases: [{ip: 1.1.1.1, hostnames: [a]}]}",
        "{hostAliases: [{ip: 1.1.1.1, hostnames: [b]}]}",
        "{hostAliases: [{ip: 1.1.1.1, hostnames: [b]}]}",
    );
    check(
        "{imagePullSecrets: [{name: a}]}",
        "{imagePullSecrets: [{name: b}]}",
        "{imagePullSecrets: [{name: a}, {name: b}]}",
    );
    check(
        "{containers: [{name: a, volumeMounts: [{mountPath: /x, name: v}]}]}",
        "{containers: [{name: a, volumeMounts: [{mountPath: /x, readOnly: true}, {mountPath: /y, name: v}]}]}",
        "{containers: [{name: a, volumeMounts: [{mountPath: /x, name: v, readOnly: true}, {mountPath: /y, name: v}]}]}",
    );
}

#[test]
fn sets_grow_at_the_end() {
    let check = |base: &str, patch: &str, expect: &str| {
        let framed = |list: &str| format!("{{name: d, finalizers: {list}}}");
        let expect = match expect {
            "gone" => "{name: d}".to_owned(),
            list => framed(list),
        };
        gives(Frame::Metadata, &framed(base), &framed(patch), &expect);
    };
    check("[a, b]", "[c, b]", "[a, b, c]");
    check("[a]", "[c, c]", "[a, c]");
    check("[a, 1]", "['1']", "[a, 1]");
    check("[a]", "[]", "[a]");
    check("[a]", "null", "gone");
    check("[a]", "[{$patch: delete}]", "gone");
    check("[a]", "[{$patch: replace}, b]", "[b]");
    check("[a]", "[{$patch: merge}, b]", "[a, b]");
    check("null", "[b, b]", "[b]");
    let null = "an element of `finalizers` is null, and the list merges";
    refused(
        Frame::Metadata,
        "{finalizers: [a]}",
        "{finalizers: [null]}",
        "/finalizers/0",
        null,
    );
    let missing = "`ConfigMap/d` has no list `finalizers` that the directive could be about";
    refused(
        Frame::Metadata,
        "{name: d}",
        "{finalizers: [{$patch: replace}, a]}",
        "/finalizers/0",
        missing,
    );
    let kind = "an element of `finalizers` is a mapping, and the list is a set of strings";
    fails(
        Frame::Metadata,
        "{name: d, finalizers: [a]}",
        "{finalizers: [{a: 1}]}",
        Code::PatchFailed,
        "/finalizers/0",
        kind,
    );
    gives(
        Frame::Free,
        "{finalizers: [a]}",
        "{finalizers: [b]}",
        "{finalizers: [b]}",
    );
}

#[test]
fn fields_that_exclude_each_other_do_not_stay_together() {
    let check = |base, patch, expect| gives(Frame::Pod, base, patch, expect);
    check(
        "{volumes: [{name: v, emptyDir: {}}]}",
        "{volumes: [{name: v, emptyDir: null, secret: {secretName: s}}]}",
        "{volumes: [{name: v, secret: {secretName: s}}]}",
    );
    check(
        "{volumes: [{name: v, emptyDir: {}, secret: {secretName: s}}]}",
        "{volumes: [{name: v, secret: {secretName: t}}]}",
        "{volumes: [{name: v, emptyDir: {}, secret: {secretName: t}}]}",
    );
    check(
        "{containers: [{name: a, env: [{name: x, value: '1'}]}]}",
        "{containers: [{name: a, env: [{name: x, value: null, valueFrom: {fieldRef: {fieldPath: p}}}]}]}",
        "{containers: [{name: a, env: [{name: x, valueFrom: {fieldRef: {fieldPath: p}}}]}]}",
    );
    let check = |base, patch, pointer, message| refused(Frame::Pod, base, patch, pointer, message);
    check(
        "{volumes: [{name: v, emptyDir: {}}]}",
        "{volumes: [{name: v, secret: {secretName: s}}]}",
        "/volumes/0/secret",
        "`Deployment/d` would have both `emptyDir` and `secret`, which exclude each other",
    );
    check(
        "{volumes: []}",
        "{volumes: [{name: v, emptyDir: {}, secret: {secretName: s}}]}",
        "/volumes/0/secret",
        "`emptyDir` and `secret` exclude each other",
    );
    check(
        "{volumes: [{name: v}]}",
        "{volumes: [{name: v, emptyDir: {}, secret: {secretName: s}}]}",
        "/volumes/0/secret",
        "`emptyDir` and `secret` exclude each other",
    );
    check(
        "{containers: [{name: a, env: [{name: x, value: '1'}]}]}",
        "{containers: [{name: a, env: [{name: x, valueFrom: {fieldRef: {fieldPath: p}}}]}]}",
        "/containers/0/env/0/valueFrom",
        "`Deployment/d` would have both `value` and `valueFrom`, which exclude each other",
    );

    let both = "`Deployment/d` would have both `type: Recreate` and `rollingUpdate`, which exclude each other";
    let check = |base, patch, expect| gives(Frame::Deployment, base, patch, expect);
    check(
        "{strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}}",
        "{strategy: {type: Recreate, rollingUpdate: null}}",
        "{strategy: {type: Recreate}}",
    );
    check(
        "{strategy: {type: Recreate}}",
        "{strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}}",
        "{strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}}",
    );
    check(
        "{strategy: {rollingUpdate: {maxSurge: 1}}}",
        "{strategy: {$patch: replace, type: Recreate}}",
        "{strategy: {type: Recreate}}",
    );
    let check = |base, patch| refused(Frame::Deployment, base, patch, "/strategy", both);
    check(
        "{strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}}",
        "{strategy: {type: Recreate}}",
    );
    check(
        "{strategy: {type: Recreate}}",
        "{strategy: {rollingUpdate: {maxSurge: 1}}}",
    );
    check(
        "{}",
        "{strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}}",
    );
}

#[test]
fn directives_of_other_tools_are_refused() {
    let check = |patch, pointer, key| {
        let message = format!("kustomize does not know the directive `{key}`");
        refused(Frame::Pod, "{}", patch, pointer, &message);
    };
    check(
        "{$setElementOrder/containers: [{name: a}]}",
        "/$setElementOrder~1containers",
        "$setElementOrder/containers",
    );
    check(
        "{volumes: [{name: a, $retainKeys: [name]}]}",
        "/volumes/0/$retainKeys",
        "$retainKeys",
    );
    check(
        "{$deleteFromPrimitiveList/x: [a]}",
        "/$deleteFromPrimitiveList~1x",
        "$deleteFromPrimitiveList/x",
    );
    gives(Frame::Free, "{}", "{$ref: a}", "{$ref: a}");
}

#[test]
fn a_patch_does_not_change_what_an_object_is() {
    let base = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "d", "labels": {"l": "m"}}, "data": {"a": "b"}});
    let patch = json!({"apiVersion": "x.io/v1", "kind": "Secret",
        "metadata": {"name": "z", "namespace": "n", "$patch": "replace", "annotations": {"k": "v"}}, "data": {"a": "c"}});
    let expect = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "d", "annotations": {"k": "v"}}, "data": {"a": "c"}});
    assert_eq!(merged(&base, &patch), Ok(Some(expect)));
    assert_eq!(merged(&base, &json!({"$patch": "delete"})), Ok(None));
    assert_eq!(
        merged(&base, &json!({"$patch": "merge"})),
        Ok(Some(base.clone()))
    );
}

#[test]
fn what_is_wrong_without_any_object() {
    let wrong = |patch: Value, code: Code, pointer: &str, message: &str| {
        let error = check(&patch).expect_err(&patch.to_string());
        assert_eq!(
            (error.code, error.pointer.as_str(), error.message.as_str()),
            (code, pointer, message)
        );
    };
    let invalid = Code::InvalidPatch;
    wrong(
        json!("x"),
        invalid,
        "",
        "a strategic merge patch is a mapping, not a string",
    );
    wrong(
        json!(null),
        invalid,
        "",
        "a strategic merge patch is a mapping, not null",
    );
    wrong(
        json!({"kind": 1}),
        invalid,
        "/kind",
        "`kind` is a string, not a number",
    );
    wrong(
        json!({"metadata": []}),
        invalid,
        "/metadata",
        "`metadata` is a mapping, not a list",
    );
    wrong(
        json!({"metadata": null}),
        invalid,
        "/metadata",
        "an object cannot lose its `metadata`",
    );
    wrong(
        json!({"metadata": {"$patch": "delete"}}),
        invalid,
        "/metadata/$patch",
        "an object cannot lose its `metadata`",
    );
    wrong(
        json!({"metadata": {"name": null}}),
        invalid,
        "/metadata/name",
        "`name` is a string, not null",
    );
    wrong(
        json!({"kind": "List", "items": [{}, {"metadata": {"name": 1}}]}),
        invalid,
        "/items/1/metadata/name",
        "`name` is a string, not a number",
    );
    wrong(
        json!({"kind": "List", "items": []}),
        invalid,
        "/items",
        "the list of patches is empty",
    );
    wrong(
        json!({"$patch": "replace"}),
        Code::PatchRefused,
        "/$patch",
        "`$patch: replace` does not replace a whole object",
    );
}
