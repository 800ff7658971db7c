#!/usr/bin/env python3
"""Records what `kubectl kustomize` answers to the cases below; `tests/patch_oracle.rs` replays the recordings.

Run it from anywhere: `python3 tests/patch/record.py`. It needs kubectl 1.32 (kustomize v5.5.0) and PyYAML, and writes
the *.yaml files beside it. A case is a line `BASE + PATCH`, both put into the frame of its group. ` => CODE` after it
says that we answer with an error of that code instead (a documented difference from kustomize); ` => exact` says that
kustomize damages the object without our noticing a difference of kind, and that ours is what the patch says.
"""

import json
import pathlib
import re
import subprocess
import tempfile

import yaml

HERE = pathlib.Path(__file__).parent


def thing(spec):
    return {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "d"}, "spec": spec}


def deployment(spec):
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}


def pod(spec):
    return deployment({"template": {"spec": spec}})


def containers(items):
    return pod({"containers": items})


def ports(items):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "d"}, "spec": {"ports": items}}


def metadata(more):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d", **more}}


def whole(body):
    """Fills in what every object has, in the short form `{kind: .., ..}`."""
    defaults = {"apiVersion": "v1", "metadata": {"name": "d"}}
    return {**defaults, **body}


MAPPINGS = """
{a: 1, b: 2} + {a: 3}
{a: 1} + {a: "1"}
{a: 1} + {a: true}
{a: x} + {a: ""}
{a: x} + {a: 1} => exact
{a: 1} + {a: x}
{a: 1} + {b: [1, {c: 2}]}
{a: {b: 1, c: 2}} + {a: {c: 3, d: 4}}
{a: {b: 1}} + {a: {}}
{a: 1} + {}
{b: 1} + {a: {}}
{a: null} + {a: 1}
{a: null} + {a: {b: 1}}
{a: null} + {a: [1]}
{a: {b: {c: 1}}} + {a: {b: {d: 2}}}
{a: 1, b: 2, c: 3} + {a: null}
{a: 1, b: 2} + {c: null}
{a: {b: 1}} + {a: {b: null}}
{a: {b: 1, c: 2}} + {a: {b: null, c: null}}
{a: {b: {c: 1}}} + {a: {b: {c: null}}}
{b: 1} + {a: {x: null, y: 2}}
{b: 1} + {a: {x: null}}
{b: 1} + {a: {x: null, y: {z: null}, l: [null, {a: null, b: {c: null}}]}}
{a: {b: null, c: {}}, l: [null]} + {a: {d: 1}}
{a: null, b: 1} + {a: null}
{a: null, b: 1} + {b: 2}
{l: [1]} + {l: [null, {a: null, b: {c: null}}]}
{l: [1, 2]} + {l: []}
{l: [1, 2]} + {l: null}
{l: [1, 2]} + {l: [2]}
{l: [[1], [2]]} + {l: [[3]]}
{l: [{name: a, x: 1}, {name: b}]} + {l: [{name: a, y: 1}]}
{containers: [{name: a}]} + {containers: [{name: b}]}
{ports: [{port: 80}]} + {ports: [{port: 81}]}
{a: {b: 1}, c: 2} + {a: {$patch: delete}}
{a: {b: 1}, c: 2} + {a: {$patch: delete, x: 1}}
{a: {b: 1}, c: 2} + {a: {$patch: replace, x: 1}}
{a: {b: 1}, c: 2} + {a: {$patch: replace}}
{a: {b: 1}, c: 2} + {a: {$patch: merge, x: 1}}
{a: {b: {c: 1}, d: 2}} + {a: {b: {$patch: replace, e: 1}}}
{b: 1} + {a: {$patch: delete, x: 1}}
{b: 1} + {a: {$patch: replace, x: 1}}
{b: 1} + {a: {$patch: merge, x: 1}}
{b: 1} + {a: {c: {$patch: delete, x: 1}, d: 1}}
{b: 1} + {a: {c: {$patch: replace, x: 1}, d: 1}}
{b: 1, a: null} + {a: {$patch: replace, x: 1}}
{b: 1, a: null} + {a: {$patch: delete, x: 1}}
{b: 1, a: {}} + {a: {$patch: delete}}
{a: {q: 1}} + {a: {$patch: replace, x: null, y: {z: null, w: 1}, l: [null, {a: null}]}}
{a: {q: 1, y: {e: 1}}} + {a: {$patch: replace, y: {$patch: delete, w: 1}, z: {$patch: replace, k: 1}, m: {$patch: merge, k: 1}}}
{a: 1} + {$patch: delete}
{a: {b: 1}} + {$patch: replace, c: 1}
{a: {b: 1}} + {a: [1]}
{a: {}} + {a: [1]}
{a: {b: 1}} + {a: []}
{a: {b: 1}} + {a: ""}
{a: [1]} + {a: {b: 1}}
{a: [1]} + {a: 1}
{a: []} + {a: 1}
{a: 1} + {a: {}}
{a: 1} + {a: []}
{a: ""} + {a: {b: 1}}
{a: {b: 1}} + {a: {$patch: other}}
{a: {b: 1}} + {a: {$patch: null}}
{a: {b: 1}} + {a: {$patch: 1}}
{b: 1} + {a: {$patch: other, x: 1}} => invalid-patch
{l: [1]} + {l: [{$patch: delete, x: 1}, {y: 1}]} => patch-refused
{l: [1]} + {l: [{a: {$patch: delete, x: 1}}]} => patch-refused
{b: 1} + {l: [{$patch: replace}, {y: 1}]} => patch-refused
{b: 1} + {$setElementOrder/l: [a], l: [a]} => patch-refused
{b: 1} + {$retainKeys: [b]} => patch-refused
{l: [a, b]} + {$deleteFromPrimitiveList/l: [a]} => patch-refused
{a: 1.5, b: -3} + {a: 2.5, c: 1e3}
{a: "yes", b: "0644"} + {c: "no", d: "1_000", e: "null", f: "~"}
{a: "x\\ny"} + {b: "p\\n  q\\n"}
"""

CONTAINERS = """
[{name: a, image: x}, {name: b, image: y}] + [{name: b, image: z}]
[{name: a}, {name: b}, {name: e}] + [{name: c}, {name: a, image: z}, {name: d}]
[{name: a}, {name: b}] + []
[{name: a}, {name: b}] + null
[{name: a}] + [{name: a}]
[{name: a, image: q}, {name: c}] + [{name: a, image: z, $patch: delete}]
[{name: a}] + [{name: b, $patch: delete}]
[{name: a}] + [{name: a, $patch: delete}]
[{name: a}] + [{name: a, $patch: delete}, {name: z}]
[{name: a}, {name: b}, {name: c}] + [{name: c, $patch: delete}, {name: a, $patch: delete}]
[{name: a}] + [{name: b}, {$patch: replace}]
[{name: a}] + [{$patch: replace}, {name: b, image: null, env: [{name: q, value: null}]}]
[{name: a}] + [{$patch: replace}]
[{name: a}] + [{name: b}, {$patch: replace}, {name: a, $patch: delete}] => patch-refused
[{name: a}] + [{$patch: replace}, {$patch: replace}, {name: b}]
[] + [{$patch: replace}, {name: b}]
[{name: a}] + [{$patch: delete}]
[] + [{$patch: delete}]
[{name: a}] + [{$patch: merge}]
[{name: a}] + [{$patch: merge}, {name: b}]
[] + [{$patch: merge}, {name: b}]
[{name: a}] + [{name: a, $patch: delete}, {$patch: merge}] => patch-refused
[{name: a}, {name: c}] + [{name: a, $patch: delete}, {name: b}, {$patch: merge}] => patch-refused
[{name: a, image: x}, {name: b, image: y}] + [{name: a, $patch: delete}, {$patch: replace}, {name: b}] => patch-refused
[{name: a, image: x}] + [{name: a, $patch: merge}, {$patch: replace}] => patch-refused
[{name: a}] + [{$patch: merge}, {name: b}, {$patch: replace}] => patch-refused
[{name: a}] + [{$patch: replace}, {$patch: merge}, {name: b}] => patch-refused
[{name: a}] + [{$patch: merge}, {$patch: delete}] => patch-refused
[{name: a}] + [{$patch: merge}, {$patch: merge}, {name: b}]
[{name: a}] + [{$patch: delete}, {$patch: delete}]
[{name: a}] + [{$patch: merge}, {name: b, $patch: merge}] => patch-refused
[{name: a, image: x}] + [{$patch: merge}, {name: a, image: y, $patch: merge}] => patch-refused
[{name: a, image: q}] + [{name: a, $patch: merge, image: r}]
[{name: a}] + [{name: b, $patch: merge, image: r}]
[{name: 1, image: x}] + [{name: "1", image: z}]
[{name: true, image: x}] + [{name: "true", image: z}]
[{name: a}] + [{name: b, image: null, env: [{name: x, value: null}], args: [null], resources: {limits: null}}]
[{name: a}] + [{name: b, resources: {$patch: delete}}]
[{name: a}] + [{name: b, resources: {$patch: replace, limits: {}}}]
[{name: a}] + [{name: b, env: [{name: x, $patch: delete}]}]
[{name: a, resources: {limits: {cpu: 1}, requests: {cpu: 1}}}] + [{name: a, resources: {limits: {memory: 1Gi}, requests: null}}]
[{name: a, resources: {limits: {cpu: 1}}}] + [{name: a, resources: {$patch: replace, requests: {cpu: 1}}}]
[{name: a, args: [x, y], command: [c]}] + [{name: a, args: [z]}]
[{name: a, args: [x, y]}] + [{name: a, args: null}]
[{name: a, args: [x, y]}] + [{name: a, args: []}]
[{name: a, envFrom: [{secretRef: {name: x}}]}] + [{name: a, envFrom: [{secretRef: {name: y}}]}]
[{name: a, env: [{name: x, value: "1"}, {name: y, value: "2"}]}] + [{name: a, env: [{name: z, value: "3"}, {name: y, value: "4"}]}]
[{name: a, env: [{name: x, value: "1"}, {name: y, value: "2"}]}] + [{name: a, env: [{name: x, $patch: delete}]}]
[{name: a, env: [{name: x, value: "1"}]}] + [{name: a, env: null}]
[{name: a, env: [{name: x, value: "1"}]}] + [{name: a, env: [{$patch: replace}, {name: y, value: "2"}]}]
[{name: a, env: [{name: x, value: "1"}]}] + [{name: a, env: [{name: x, value: null, valueFrom: {fieldRef: {fieldPath: p}}}]}]
[{name: a, env: [{name: x, valueFrom: {fieldRef: {fieldPath: p}}}]}] + [{name: a, env: [{name: x, valueFrom: {fieldRef: {fieldPath: q}}}]}]
[{name: a, volumeMounts: [{mountPath: /x, name: v}]}] + [{name: a, volumeMounts: [{mountPath: /x, readOnly: true}, {mountPath: /y, name: v}]}]
[{name: a, volumeDevices: [{devicePath: /x, name: v}]}] + [{name: a, volumeDevices: [{devicePath: /y, name: w}]}]
[{name: a, ports: [{containerPort: 80, name: x}]}] + [{name: a, ports: [{containerPort: 80, name: y}, {containerPort: 81}]}]
[{name: a, ports: [{containerPort: 80, protocol: TCP}]}] + [{name: a, ports: [{containerPort: 81, protocol: TCP}]}]
[{name: a, livenessProbe: {httpGet: {path: /a, port: 80}}}] + [{name: a, livenessProbe: {httpGet: null, tcpSocket: {port: 81}}}]
[{name: a}] + [{image: z}] => patch-refused
[{name: a}, {name: b}] + [{name: a, image: y}, {image: z}] => patch-refused
[{name: a}] + [{name: null, image: z}] => patch-refused
[{name: a}] + [{name: "", image: z}] => patch-refused
[{name: a}] + [{name: {a: 1}, image: z}] => patch-refused
[{name: a}] + [null] => patch-refused
[{name: a}] + [a] => patch-refused
[{name: a}] + [{}] => patch-refused
[{name: a, image: q, args: [x]}] + [{name: a, $patch: replace, image: r}] => patch-refused
[{name: a}] + [{name: b, $patch: replace, image: r}] => patch-refused
[{name: a}] + [{$patch: replace}, {$patch: delete}] => patch-refused
[{name: a}] + [{name: b}, {$patch: delete}] => patch-refused
[{name: a}] + [{$patch: replace, image: x}, {name: b}] => patch-refused
[{name: a}] + [{$patch: replace}, {image: x}, {name: b}] => patch-refused
[{name: a}] + [{name: b, image: x}, {name: b, image: y}] => patch-refused
[{name: a}] + [{name: a, $patch: delete}, {name: a, image: y}] => patch-refused
[{name: a}, {name: a}] + [{name: a, image: z}] => patch-refused
[{name: a}, {name: a}] + [{name: b, image: z}] => patch-refused
[{image: x}, {name: a}] + [{name: a, image: z}] => patch-refused
[{image: x}, {name: a}] + [{name: b}] => patch-refused
null + [{$patch: replace}, {name: b}] => patch-refused
null + [{$patch: delete}] => patch-refused
null + [{$patch: merge}, {name: b}] => patch-refused
null + [{name: b}]
null + [{name: b, $patch: delete}]
[{name: a}] + [{name: b, env: [{$patch: replace}, {name: x}]}] => patch-refused
[{name: a, env: [{name: x, value: "1"}]}] + [{name: a, env: [{name: x, valueFrom: {fieldRef: {fieldPath: p}}}]}] => patch-refused
[{name: a, args: [x]}] + [{name: a, args: [{$patch: replace}, y]}] => patch-refused
[{name: a, $retainKeys: [name]}] + [{name: a, image: x, $retainKeys: [name, image]}] => patch-refused
[{name: a}] + [{name: a, $patch: zzz}]
[{name: a}] + [{$patch: zzz}]
[{name: a}] + {name: b}
[{name: a}] + x
{a: 1} + [{name: b}]
[x] + [{name: b}]
[{name: a, env: [{name: x}, {name: x, value: "2"}]}] + [{name: a, image: z}] => exact
[{name: a, env: [{value: "1"}, {name: x}]}] + [{name: a, image: z}] => exact
"""

PODS = """
{x: 1} + {containers: [{name: b, image: null}]}
{x: 1} + {containers: []}
{x: 1} + {containers: [{name: b, $patch: delete}]}
{x: 1} + {containers: [{name: b}, {name: b, image: y}]} => patch-refused
{x: 1} + {containers: [{name: b}, {image: y}]} => patch-refused
{x: 1} + {containers: [{name: b}, null]} => patch-refused
{x: 1} + {containers: [{$patch: replace}, {name: b}]} => patch-refused
{x: 1} + {containers: [{$patch: delete}]} => patch-refused
{initContainers: [{name: a}, {name: b}]} + {initContainers: [{name: b, image: x}, {name: c}]}
{ephemeralContainers: [{name: a}]} + {ephemeralContainers: [{name: a, image: x}]}
{ephemeralContainers: [{name: a, ports: [{containerPort: 1}]}]} + {ephemeralContainers: [{name: a, ports: [{containerPort: 2}]}]}
{imagePullSecrets: [{name: a}]} + {imagePullSecrets: [{name: b}]}
{hostAliases: [{ip: 1.1.1.1, hostnames: [a]}]} + {hostAliases: [{ip: 1.1.1.1, hostnames: [b]}, {ip: 2.2.2.2}]}
{tolerations: [{key: a}]} + {tolerations: [{key: b}]}
{tolerations: [{key: a}]} + {tolerations: [{key: a, $patch: delete}]} => patch-refused
{tolerations: [{key: a}]} + {tolerations: [{$patch: replace}, {key: b}]} => patch-refused
{nodeSelector: {a: b, c: d}} + {nodeSelector: {$patch: replace, e: f}}
{nodeSelector: {a: b, c: d}} + {nodeSelector: {a: null}}
{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{a: 1}]}}}} + {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{b: 1}]}}}}
{topologySpreadConstraints: [{topologyKey: a, whenUnsatisfiable: X, maxSkew: 1}, {topologyKey: a, whenUnsatisfiable: Y, maxSkew: 1}]} + {topologySpreadConstraints: [{topologyKey: a, whenUnsatisfiable: Y, maxSkew: 2}]}
{topologySpreadConstraints: [{topologyKey: a, whenUnsatisfiable: X}]} + {topologySpreadConstraints: [{topologyKey: b, whenUnsatisfiable: X}]}
{topologySpreadConstraints: [{topologyKey: a, whenUnsatisfiable: X}]} + {topologySpreadConstraints: [{topologyKey: a, maxSkew: 2}]} => patch-refused
{volumes: [{name: y, emptyDir: {}}]} + {volumes: [{name: y, emptyDir: null, secret: {secretName: s}}]}
{volumes: [{name: y, emptyDir: {}}]} + {volumes: [{name: y, emptyDir: {medium: Memory}}]}
{volumes: [{name: y, emptyDir: {}}]} + {volumes: [{name: z, secret: {secretName: s}}]}
{volumes: [{name: y, projected: {sources: [{secret: {name: a}}]}}]} + {volumes: [{name: y, projected: {sources: [{secret: {name: b}}]}}]}
{volumes: [{name: y, configMap: {name: c, items: [{key: a, path: a}]}}]} + {volumes: [{name: y, configMap: {items: [{key: b, path: b}]}}]}
{volumes: [{name: y, emptyDir: {}}]} + {volumes: [{name: y, $patch: delete}]}
{volumes: [{name: y, emptyDir: {}}]} + {volumes: [{name: y, secret: {secretName: s}}]} => patch-refused
{volumes: []} + {volumes: [{name: y, emptyDir: {}, secret: {secretName: s}}]} => patch-refused
{volumes: [{name: y, emptyDir: {}}]} + {volumes: [{name: y, $retainKeys: [name, secret], secret: {secretName: s}}]} => patch-refused
{volumes: [{name: y, ephemeral: {volumeClaimTemplate: {metadata: {finalizers: [a]}, spec: {accessModes: [x]}}}}]} + {volumes: [{name: y, ephemeral: {volumeClaimTemplate: {metadata: {finalizers: [b]}, spec: {accessModes: [y]}}}}]}
{securityContext: {runAsUser: 1}} + {securityContext: {runAsUser: null, runAsNonRoot: true}}
{$setElementOrder/containers: [{name: a}], containers: [{name: a}]} + {containers: [{name: b}]}
{containers: [{name: a}]} + {$setElementOrder/containers: [{name: b}], containers: [{name: b}]} => patch-refused
"""

PORTS = """
[{port: 80, name: a}, {port: 81}] + [{port: 80, name: b}]
[{port: 80, name: a}, {port: 81}] + [{port: 82, name: b}]
[{port: 80, protocol: TCP}, {port: 81, protocol: TCP}] + [{port: 81, protocol: TCP, name: b}]
[{port: 80, protocol: TCP}, {port: 81, protocol: TCP}] + [{port: 82, protocol: TCP, name: b}, {port: 80, protocol: TCP, name: z}]
[{port: 80, protocol: TCP}, {port: 53, protocol: UDP}, {port: 53, protocol: TCP}] + [{port: 53, protocol: UDP, name: dns}]
[{port: 80}, {port: 53, protocol: UDP}] + [{port: 80, name: b}]
[{port: 80}, {port: 53, protocol: UDP}] + [{port: 53, protocol: UDP, name: b}]
[{port: 80}, {port: 53, protocol: UDP}] + [{port: 90}]
[{port: 80}, {port: 53, protocol: UDP}] + [{port: 90, protocol: TCP}]
[{port: 80, protocol: TCP}] + [{port: 90, name: z}]
[{port: 80}] + [{port: 90, protocol: TCP, name: z}, {port: 80, name: k}]
[{port: 80, protocol: UDP}] + [{port: 80, protocol: TCP, name: x}]
[] + [{port: 90, protocol: TCP, name: z}, {port: 80, name: k}]
[{port: 80}, {port: 81}] + [{port: 80, $patch: delete}]
[{port: 80, protocol: TCP}, {port: 81, protocol: TCP}] + [{port: 80, protocol: TCP, $patch: delete}]
[{port: 80, protocol: TCP}, {port: 81, protocol: TCP}] + [{port: 80, protocol: TCP, $patch: delete}, {port: 90, protocol: TCP}]
[{port: 80, protocol: TCP}] + [{port: 81, protocol: TCP, $patch: delete}]
[{port: 53, name: a}] + [{port: "53", name: x}]
[{port: 53}] + [{port: 53, protocol: null, name: x}]
[{port: 53, protocol: TCP}] + [{$patch: replace}, {port: 54}]
[{port: 53, protocol: TCP}] + [{$patch: delete}]
[{port: 53, protocol: TCP}] + null
[{port: 53, protocol: TCP}] + []
[{port: 80}, {port: 53, protocol: UDP}] + [{port: 80, protocol: TCP, name: z}] => patch-refused
[{port: 80}, {port: 53, protocol: UDP}] + [{port: 53, name: z}] => patch-refused
[{port: 80, protocol: TCP}] + [{port: 80, name: z}] => patch-refused
[{port: 80}] + [{port: 80, protocol: TCP, name: z}] => patch-refused
[{port: 80, protocol: TCP}, {port: 81}] + [{port: 80, $patch: delete}] => patch-refused
[{port: 80}, {port: 81}] + [{port: 80, protocol: TCP, $patch: delete}] => patch-refused
[{port: 80}] + [{port: 80, $patch: delete}, {port: 80, protocol: TCP}] => patch-refused
[{port: 80}, {port: 53, protocol: UDP}] + [{port: 80, $patch: delete}] => patch-refused
[{port: 80}, {port: 53, protocol: UDP}] + [{port: 53, protocol: UDP, $patch: delete}]
[{port: 80}, {port: 81}] + [{port: 80, $patch: delete}, {port: 90, protocol: TCP}] => patch-refused
[] + [{port: 80, $patch: delete}, {port: 90, protocol: TCP}] => patch-refused
[{port: 80}] + [{port: 81, protocol: TCP, $patch: delete}]
[{port: 80}, {port: 53, protocol: UDP}] + [{port: 80, $patch: merge, name: x}]
[{port: 80}, {port: 81}] + [{protocol: TCP, name: x}] => patch-refused
[{port: 53, name: a}, {port: 53, name: b}] + [{port: 54, name: x}] => patch-refused
[{port: 53, protocol: TCP, name: a}, {port: 53, protocol: TCP}, {port: 1, protocol: TCP}] + [{port: 1, protocol: TCP, name: z}] => patch-refused
[{port: 53, protocol: TCP}] + [{port: 54, protocol: TCP, name: z}, {port: 54, protocol: TCP}] => patch-refused
[{port: 80, protocol: UDP}, {port: 80}] + [{port: 80, protocol: UDP, name: x}] => patch-refused
[{port: 80}, {port: 80, protocol: UDP}] + [{port: 81, name: x}] => patch-refused
[] + [{port: 80, protocol: UDP}, {port: 80}] => patch-refused
[{port: 53, protocol: TCP}] + [{port: 53, protocol: null, name: x}] => patch-refused
[{port: 53, protocol: TCP}] + [{$patch: replace}, {port: 54, $patch: replace}] => patch-refused
"""

METADATA = """
{finalizers: [a, b]} + {finalizers: [b, c]}
{finalizers: [a]} + {finalizers: [c, c]}
{labels: {a: b}} + {finalizers: [c, c]}
{finalizers: [a]} + {finalizers: [a]}
{finalizers: [a, 1]} + {finalizers: ["1"]}
{finalizers: [a]} + {finalizers: []}
{finalizers: [a]} + {finalizers: null}
{finalizers: []} + {finalizers: [a]}
{finalizers: null} + {finalizers: [a]}
{finalizers: [a]} + {finalizers: [{$patch: delete}]}
{finalizers: [a]} + {finalizers: [{$patch: replace}, b]}
{finalizers: [a]} + {finalizers: [{$patch: merge}, b]}
{finalizers: [a]} + {finalizers: [""]}
{finalizers: [a]} + {finalizers: [{a: 1}]}
{finalizers: [a]} + {finalizers: [null]} => patch-refused
{finalizers: [a]} + {finalizers: [{$patch: delete}, b]} => patch-refused
{labels: {a: b}} + {finalizers: [{$patch: replace}, b]} => patch-refused
{ownerReferences: [{uid: a, name: x}]} + {ownerReferences: [{uid: a, name: y}, {uid: b, name: z}]}
{labels: {a: b, c: d}} + {labels: {a: x, e: f}}
{labels: {a: b, c: d}} + {labels: {a: null}}
{labels: {a: b}} + {labels: null}
{labels: {a: b}} + {labels: {$patch: replace, c: d}}
{labels: {a: b}} + {annotations: {c: d}}
{annotations: {a: b}} + {annotations: {$patch: delete}}
{labels: {a: b}, annotations: {c: d}} + {$patch: replace, labels: {e: f}}
{labels: {a: b}} + {$patch: delete} => invalid-patch
"""

KINDS = """
{kind: ConfigMap, data: {a: b}} + {kind: ConfigMap, data: {a: null}}
{kind: ConfigMap, data: {a: b}} + {kind: ConfigMap, data: {c: "x\\ny\\n"}}
{kind: ConfigMap, data: {a: b}} + {kind: ConfigMap, $patch: delete}
{kind: ConfigMap, data: {a: b}} + {kind: ConfigMap, $patch: merge, data: {c: d}}
{kind: ConfigMap, data: {a: b}} + {kind: ConfigMap, $patch: replace, data: {c: d}} => patch-refused
{kind: ConfigMap, data: {a: b}} + {kind: ConfigMap, metadata: {name: e}, data: {c: d}}
{kind: ConfigMap, data: {a: b}} + {kind: ConfigMap, metadata: {name: d, namespace: n}, data: {c: d}}
{kind: ConfigMap, data: {a: b}} + {kind: ConfigMap, metadata: {name: d, namespace: default}, data: {c: d}}
{kind: ConfigMap, metadata: {name: d, namespace: default}, data: {a: b}} + {kind: ConfigMap, data: {c: d}}
{kind: ConfigMap, metadata: {name: d, namespace: n}, data: {a: b}} + {kind: ConfigMap, metadata: {name: d, namespace: n}, data: {c: d}}
{kind: ConfigMap, data: {a: b}} + {kind: Secret, data: {c: d}}
{kind: ConfigMap, data: {a: b}} + {kind: ConfigMapList, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: d}, data: {c: d}}]}
{kind: ConfigMap, data: {a: b}} + {kind: List, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {c: d}}]}
{kind: ConfigMap, data: {a: b}} + {kind: List, items: []}
{kind: ConfigMap, data: {a: b}} + {kind: List, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: d}, data: {c: d}}, {apiVersion: v1, kind: ConfigMap, metadata: {name: d}, data: {a: null}}]}
{apiVersion: apps/v1, kind: Deployment, spec: {a: 1}} + {apiVersion: apps/v1beta1, kind: Deployment, spec: {b: 1}}
{apiVersion: apps/v1beta1, kind: Deployment, spec: {template: {spec: {containers: [{name: a}]}}}} + {apiVersion: apps/v1beta1, kind: Deployment, spec: {template: {spec: {containers: [{name: b}]}}}}
{apiVersion: apps/v1, kind: Deployment, spec: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}}} + {apiVersion: apps/v1, kind: Deployment, spec: {strategy: {type: Recreate, rollingUpdate: null}}}
{apiVersion: apps/v1, kind: Deployment, spec: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}}} + {apiVersion: apps/v1, kind: Deployment, spec: {strategy: {$patch: replace, type: Recreate}}}
{apiVersion: apps/v1, kind: Deployment, spec: {strategy: {rollingUpdate: {maxSurge: 1}}}} + {apiVersion: apps/v1, kind: Deployment, spec: {strategy: {rollingUpdate: {maxUnavailable: 1}}}}
{apiVersion: apps/v1, kind: Deployment, spec: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}}} + {apiVersion: apps/v1, kind: Deployment, spec: {strategy: {type: Recreate}}} => patch-refused
{apiVersion: apps/v1, kind: Deployment, spec: {replicas: null}} + {apiVersion: apps/v1, kind: Deployment, spec: {paused: true}}
{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 1}} + {apiVersion: apps/v1, kind: Deployment, spec: {replicas: "3"}}
{apiVersion: apps/v1, kind: DaemonSet, spec: {template: {spec: {containers: [{name: a}]}}}} + {apiVersion: apps/v1, kind: DaemonSet, spec: {template: {spec: {containers: [{name: b}]}}}}
{apiVersion: apps/v1, kind: StatefulSet, spec: {volumeClaimTemplates: [{metadata: {name: a}}]}} + {apiVersion: apps/v1, kind: StatefulSet, spec: {volumeClaimTemplates: [{metadata: {name: b}}]}}
{apiVersion: apps/v1, kind: StatefulSet, spec: {template: {metadata: {finalizers: [a]}, spec: {volumes: [{name: a, emptyDir: {}}]}}}} + {apiVersion: apps/v1, kind: StatefulSet, spec: {template: {metadata: {finalizers: [b]}, spec: {volumes: [{name: b, emptyDir: {}}]}}}}
{apiVersion: batch/v1, kind: Job, spec: {template: {spec: {containers: [{name: a, env: [{name: x, value: y}]}]}}}} + {apiVersion: batch/v1, kind: Job, spec: {template: {spec: {containers: [{name: a, env: [{name: z, value: y}]}]}}}}
{apiVersion: batch/v1, kind: CronJob, spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a}]}}}}}} + {apiVersion: batch/v1, kind: CronJob, spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: b}]}}}}}}
{kind: Pod, spec: {containers: [{name: a}]}} + {kind: Pod, spec: {containers: [{name: b}]}}
{kind: PodTemplate, template: {spec: {containers: [{name: a}]}}} + {kind: PodTemplate, template: {spec: {containers: [{name: b}]}}}
{kind: ReplicationController, spec: {template: {spec: {containers: [{name: a}]}}}} + {kind: ReplicationController, spec: {template: {spec: {containers: [{name: b}]}}}}
{kind: ServiceAccount, secrets: [{name: a}], imagePullSecrets: [{name: a}]} + {kind: ServiceAccount, secrets: [{name: b}], imagePullSecrets: [{name: b}]}
{kind: Service, spec: {clusterIPs: [a], ports: [{port: 1}]}} + {kind: Service, spec: {clusterIPs: [b], ports: [{port: 2}]}}
{kind: Namespace, spec: {finalizers: [a]}} + {kind: Namespace, spec: {finalizers: [b]}}
{kind: Node, spec: {podCIDRs: [a], taints: [{key: a}]}} + {kind: Node, spec: {podCIDRs: [b], taints: [{key: b}]}}
{kind: PersistentVolumeClaim, spec: {accessModes: [a]}} + {kind: PersistentVolumeClaim, spec: {accessModes: [b]}}
{kind: LimitRange, spec: {limits: [{type: a}]}} + {kind: LimitRange, spec: {limits: [{type: b}]}}
{kind: Secret, stringData: {a: b}} + {kind: Secret, stringData: {c: d}, type: Opaque}
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, rules: [{verbs: [get]}]} + {apiVersion: rbac.authorization.k8s.io/v1, kind: Role, rules: [{verbs: [list]}]}
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, subjects: [{name: a}]} + {apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, subjects: [{name: b}]}
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, rules: []} + {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: d, namespace: n}, rules: [{verbs: [list]}]}
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, spec: {ingress: [{from: [{a: 1}]}], podSelector: {}}} + {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, spec: {ingress: [{from: [{b: 1}]}]}}
{apiVersion: networking.k8s.io/v1, kind: Ingress, spec: {rules: [{host: a}], tls: [{secretName: a}]}} + {apiVersion: networking.k8s.io/v1, kind: Ingress, spec: {rules: [{host: b}], tls: [{secretName: b}]}}
{apiVersion: policy/v1, kind: PodDisruptionBudget, spec: {selector: {matchLabels: {a: b}}}} + {apiVersion: policy/v1, kind: PodDisruptionBudget, spec: {selector: {matchLabels: {c: d}}}}
{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: d, finalizers: [a]}, spec: {metrics: [{type: a}]}} + {apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: d, finalizers: [b]}, spec: {metrics: [{type: b}]}}
{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, webhooks: [{name: a, rules: [{a: 1}]}]} + {apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, webhooks: [{name: a, rules: [{b: 1}]}, {name: b}]}
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, spec: {versions: [{name: a}]}} + {apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, spec: {versions: [{name: b}]}}
{apiVersion: storage.k8s.io/v1, kind: CSINode, spec: {drivers: [{name: a}]}} + {apiVersion: storage.k8s.io/v1, kind: CSINode, spec: {drivers: [{name: b}]}}
{apiVersion: argoproj.io/v1alpha1, kind: Workflow, metadata: {name: d, finalizers: [a]}, spec: {templates: [{name: a}]}} + {apiVersion: argoproj.io/v1alpha1, kind: Workflow, metadata: {name: d, finalizers: [b]}, spec: {templates: [{name: b}]}}
"""

# With targets: `TARGET + PATCH` on the objects of TARGET_BASE.
TARGET_BASE = [
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d", "labels": {"a": "b", "n": "2"}}, "data": {"k": "v"}},
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d2", "annotations": {"note": "x"}}, "data": {"k": "v"}},
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "d", "namespace": "team"}, "data": {"k": "v"}},
    {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a.c", "namespace": "default"}, "data": {"k": "v"}},
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "d"}, "data": {"k": "v"}},
]
ANY = "{apiVersion: v1, kind: ConfigMap, metadata: {name: q}, data: {c: d}}"
TARGETS = f"""
{{kind: ConfigMap}} + {ANY}
{{kind: Config}} + {ANY} => patch-no-match
{{kind: Config.*}} + {ANY}
{{kind: ConfigMap|Secret}} + {ANY}
{{name: d}} + {ANY}
{{name: "d."}} + {ANY}
{{name: "^d$"}} + {ANY}
{{name: a.c}} + {ANY}
{{name: "(?i)D2"}} + {ANY}
{{name: D}} + {ANY} => patch-no-match
{{name: "["}} + {ANY}
{{name: d, foo: 1}} + {ANY}
{{name: 1}} + {ANY}
{{kind: null, name: d2}} + {ANY}
{{}} + {ANY}
{{group: example.com}} + {ANY}
{{group: ""}} + {ANY}
{{group: ".*"}} + {ANY}
{{version: "v."}} + {ANY}
{{version: v1, group: core}} + {ANY} => patch-no-match
{{namespace: default}} + {ANY}
{{namespace: team}} + {ANY}
{{namespace: "def.*"}} + {ANY}
{{namespace: ".*"}} + {ANY}
{{kind: ClusterRole, namespace: default}} + {ANY} => patch-no-match
{{labelSelector: "a=b"}} + {ANY}
{{labelSelector: "a==b,n"}} + {ANY}
{{labelSelector: "a!=b"}} + {ANY}
{{labelSelector: "a in (b, c)"}} + {ANY}
{{labelSelector: "a notin (b)"}} + {ANY}
{{labelSelector: "!a"}} + {ANY}
{{labelSelector: "n>1"}} + {ANY}
{{labelSelector: "n<2"}} + {ANY} => patch-no-match
{{labelSelector: "a in ()"}} + {ANY} => patch-no-match
{{labelSelector: ""}} + {ANY}
{{labelSelector: "a in (b"}} + {ANY}
{{labelSelector: "a b"}} + {ANY}
{{labelSelector: "a=b,"}} + {ANY}
{{labelSelector: "a=b/c"}} + {ANY}
{{annotationSelector: "note=x"}} + {ANY}
{{annotationSelector: "note"}} + {ANY}
{{kind: ConfigMap, name: d}} + {{apiVersion: x.io/v1, kind: Secret, metadata: {{name: z, namespace: n, labels: {{c: d}}}}, data: {{c: d}}}}
{{kind: ConfigMap, name: d}} + {{apiVersion: v1, kind: ConfigMap, metadata: {{name: z, $patch: replace, labels: {{c: d}}}}}}
{{kind: Secret}} + {{apiVersion: v1, kind: ConfigMap, metadata: {{name: z, $patch: replace, labels: {{c: d}}}}}}
{{kind: ConfigMap}} + {{apiVersion: v1, kind: ConfigMap, metadata: {{name: z}}, $patch: delete}}
{{kind: ConfigMap}} + {{apiVersion: v1, kind: ConfigMap, metadata: {{name: z}}, $patch: replace}} => patch-refused
{{kind: ConfigMap}} + {{apiVersion: v1, kind: ConfigMap, metadata: null, data: {{c: d}}}}
{{kind: ConfigMap}} + {{apiVersion: v1, kind: ConfigMap, metadata: {{name: {{a: b}}}}, data: {{c: d}}}}
{{kind: ConfigMap}} + {{kind: List, apiVersion: v1, items: [{ANY}]}}
{{kind: ConfigMap}} + {{kind: List, apiVersion: v1, items: [{ANY}, {ANY}]}}
{{kind: ConfigMap}} + {{kind: FooList, apiVersion: x.io/v1, items: [{ANY}]}}
{{kind: ConfigMap}} + {{kind: Foo, apiVersion: x.io/v1, metadata: {{name: q}}, items: [a]}}
{{kind: ConfigMap}} + {{data: {{c: d}}}} => accepted
{{kind: ConfigMap, name: d}} + {{metadata: {{labels: {{a: null}}}}, data: {{k: null}}}} => accepted
"""

JSON_BASE = [
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "labels": {"a": "b", "x/y": "z", "t~u": "w"}},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "a", "args": ["x", "y"]}, {"name": "b"}]}},
                 "empty": {}, "none": None},
    }
]
JSON_STEPS = """
[{op: add, path: /spec/paused, value: true}]
[{op: add, path: /spec/replicas, value: 2}]
[{op: add, path: /spec/template/spec/containers/-, value: {name: c}}]
[{op: add, path: /spec/template/spec/containers/0, value: {name: c}}]
[{op: add, path: /spec/template/spec/containers/2, value: {name: c}}]
[{op: add, path: /spec/template/spec/containers/3, value: {name: c}}]
[{op: add, path: /spec/template/spec/containers/0/args/1, value: z}]
[{op: add, path: /spec/empty/, value: 1}]
[{op: add, path: /spec/missing/x, value: 1}]
[{op: add, path: /spec/replicas/x, value: 1}]
[{op: add, path: /spec/none/x, value: 1}]
[{op: add, path: /spec/x, value: null}]
[{op: add, path: /spec/x, value: [1, {a: null}]}]
[{op: add, path: /metadata/labels/c, value: d}]
[{op: add, path: /metadata/labels/p~1q, value: d}]
[{op: add, path: /metadata/labels/p~01q, value: d}]
[{op: add, path: /metadata/annotations, value: {a: b}}]
[{op: add, path: "", value: {apiVersion: v1, kind: ConfigMap, metadata: {name: e}}}] => accepted
[{op: add, path: /spec/x, value: 1, comment: y}]
[{op: replace, path: /spec/replicas, value: 3}]
[{op: replace, path: /spec/replicas, value: "3"}]
[{op: replace, path: /spec/none, value: 3}]
[{op: replace, path: /spec/template/spec/containers/1, value: {name: c}}]
[{op: replace, path: /spec/template/spec/containers/0/args, value: []}]
[{op: replace, path: /spec/template/spec/containers/2, value: {name: c}}]
[{op: replace, path: /spec/template/spec/containers/-, value: {name: c}}]
[{op: replace, path: /spec/missing/x, value: 1}]
[{op: replace, path: /metadata/labels/x~1y, value: d}]
[{op: replace, path: /metadata/labels/t~0u, value: d}]
[{op: replace, path: /metadata/name, value: e}]
[{op: replace, path: /kind, value: StatefulSet}]
[{op: replace, path: "", value: {apiVersion: v1, kind: ConfigMap, metadata: {name: e}}}]
[{op: remove, path: /spec/replicas}]
[{op: remove, path: /spec/none}]
[{op: remove, path: /spec/template/spec/containers/0}]
[{op: remove, path: /spec/template/spec/containers/0/args/1}]
[{op: remove, path: /spec/template/spec/containers/2}]
[{op: remove, path: /spec/missing}]
[{op: remove, path: /spec/missing/x}]
[{op: remove, path: /metadata/labels}]
[{op: remove, path: /metadata/labels/a}, {op: remove, path: /metadata/labels/x~1y}, {op: remove, path: /metadata/labels/t~0u}]
[{op: move, from: /spec/replicas, path: /spec/copies}]
[{op: move, from: /spec/template/spec/containers/0, path: /spec/template/spec/containers/1}]
[{op: move, from: /spec/missing, path: /spec/copies}]
[{op: move, from: /spec/replicas, path: /spec/replicas}]
[{op: copy, from: /spec/replicas, path: /spec/copies}]
[{op: copy, from: /spec/template/spec/containers/0, path: /spec/template/spec/containers/-}]
[{op: copy, from: /metadata/labels, path: /spec/labels}]
[{op: copy, from: /spec/template, path: /spec/template/again}]
[{op: test, path: /spec/replicas, value: 1}, {op: replace, path: /spec/replicas, value: 2}]
[{op: test, path: /spec/replicas, value: 2}, {op: replace, path: /spec/replicas, value: 3}]
[{op: test, path: /spec/replicas, value: "1"}, {op: replace, path: /spec/replicas, value: 3}]
[{op: test, path: /metadata/labels, value: {t~u: w, x/y: z, a: b}}, {op: remove, path: /metadata/labels}]
[{op: test, path: /spec/template/spec/containers/0/args, value: [y, x]}, {op: remove, path: /metadata/labels}]
[{op: test, path: /spec/missing, value: 1}, {op: remove, path: /metadata/labels}]
[{op: test, path: /spec/replicas, value: 1}]
[{op: add, path: /spec/x, value: 1}, {op: move, from: /spec/x, path: /spec/y}, {op: remove, path: /spec/y}]
[{op: add, path: /spec/x, value: {}}, {op: add, path: /spec/x/y, value: []}, {op: add, path: /spec/x/y/-, value: 1}]
[{op: Replace, path: /spec/replicas, value: 3}]
[{op: frob, path: /spec/replicas, value: 3}]
[{op: add, path: /spec/x, value: 1}, {op: remove, path: /spec/missing}]
[{op: replace, path: /spec/missing, value: 1}] => patch-failed
[{op: add, path: /metadata/annotations/a, value: b}] => patch-failed
[{op: remove, path: /metadata/annotations}] => patch-failed
[{op: add, path: /spec/template/spec/containers/-1, value: {name: c}}] => patch-failed
[{op: replace, path: /spec/template/spec/containers/-1, value: {name: c}}] => patch-failed
[{op: remove, path: /spec/template/spec/containers/-1}] => patch-failed
[{op: replace, path: /spec/template/spec/containers/00, value: {name: c}}] => patch-failed
[{op: add, path: /spec/template/spec/containers/01, value: {name: c}}] => patch-failed
[{op: test, path: /spec/missing, value: null}, {op: remove, path: /metadata/labels}] => patch-failed
[{op: copy, from: /spec/missing, path: /spec/x}] => patch-failed
[{op: add, path: /spec/x}] => invalid-patch
[{op: replace, path: spec/replicas, value: 3}] => invalid-patch
[{op: add, path: /spec/big, value: 9007199254740993}] => exact
"""


def split(lines, parts):
    for line in lines.strip().splitlines():
        line, _, ours = line.partition(" => ")
        yield [yaml.safe_load(part) for part in line.split(" + ", parts - 1)] + [ours or None, line]


def strategic(frame, lines):
    for base, patch, ours, line in split(lines, 2):
        yield line, [frame(base)], None, frame(patch), ours


def groups():
    yield "strategic-mappings", strategic(thing, MAPPINGS)
    yield "strategic-containers", strategic(containers, CONTAINERS)
    yield "strategic-pods", strategic(pod, PODS)
    yield "strategic-ports", strategic(ports, PORTS)
    yield "strategic-metadata", strategic(metadata, METADATA)
    yield "strategic-kinds", strategic(whole, KINDS)
    yield "targets", ((line, TARGET_BASE, target, patch, ours) for target, patch, ours, line in split(TARGETS, 2))
    target = {"kind": "Deployment"}
    yield "json6902", ((line, JSON_BASE, target, steps, ours) for steps, ours, line in split(JSON_STEPS, 1))


def kustomize(base, target, patch):
    """Gives {objects: [..]} or {error: text}."""
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        (directory / "base.yaml").write_text("\n---\n".join(json.dumps(body) for body in base))
        (directory / "patch.yaml").write_text(json.dumps(patch))
        entry = {"path": "patch.yaml"}
        if target is not None:
            entry["target"] = target
        kustomization = {"resources": ["base.yaml"], "patches": [entry]}
        (directory / "kustomization.yaml").write_text(json.dumps(kustomization))
        run = subprocess.run(["kubectl", "kustomize", str(directory)], capture_output=True, text=True)
    if run.returncode == 0:
        return {"objects": list(yaml.safe_load_all(run.stdout))}
    # The log prefix holds a clock and a process id.
    message = re.sub(r'^.*?"command failed" err=', "", run.stderr.strip(), flags=re.S)
    message = " ".join(message.strip('"<> \n').split()).replace('\\"', '"')
    return {"error": message}


def version():
    run = subprocess.run(["kubectl", "version", "--client"], capture_output=True, text=True, check=True)
    return " ".join(line.split(": ")[1].split("-")[0] for line in reversed(run.stdout.splitlines()))


def write(name, cases):
    lines = [
        f"# Recorded by record.py: answers of kustomize and kubectl {version()}. Do not edit.",
        "# `ours` is the code of the error that we give instead, or what else differs; see record.py.",
    ]
    for line, base, target, patch, ours in cases:
        case = {"case": line, "base": base}
        if target is not None:
            case["target"] = target
        case["patch"] = patch
        if ours:
            case["ours"] = ours
        case["kustomize"] = kustomize(base, target, patch)
        for index, (key, value) in enumerate(case.items()):
            lines.append(f"{'-' if index == 0 else ' '} {key}: {json.dumps(value)}")
    (HERE / f"{name}.yaml").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    for group, group_cases in groups():
        write(group, group_cases)
