//! What objects ask a cluster for: CPU and memory of their pods, and the size of their volumes.
//!
//! Takes objects of one namespace and gives sums. Knows the rules by which the scheduler and the admission of a namespace
//! count, and nothing of projects. Pods of Jobs come and go, and are not counted.
//!
//! Source: Kubernetes 1.33, "Resource Management for Pods and Containers", "Sidecar Containers", "Limit Ranges".

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde_json::{Value, json};

use crate::grammar::quantity::Quantity;
use crate::object::Object;

/// Units of 10^-9 in one.
const NANO: u128 = 1_000_000_000;

/// What is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Demand {
    /// CPUs, in units of 10^-9.
    cpu: u128,
    /// Bytes of memory, in units of 10^-9, since quantities may have fractions.
    memory: u128,
    /// Bytes of volumes, in the same units.
    storage: u128,
}

/// CPU and memory, in units of 10^-9.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Compute {
    cpu: u128,
    memory: u128,
}

impl Demand {
    /// Adds up what objects of one namespace ask for.
    ///
    /// What cannot be read as a quantity counts as nothing: old trees may hold anything.
    pub fn of<'a>(objects: impl Iterator<Item = &'a Object> + Clone) -> Demand {
        let defaults = objects
            .clone()
            .filter(|object| object.kind() == "LimitRange")
            .find_map(|object| container_defaults(&object.body))
            .unwrap_or_default();
        objects
            .map(|object| of_object(object, defaults))
            .sum::<Demand>()
    }

    /// Returns quantities as they stand in manifests, for scripts.
    pub fn to_json(self) -> Value {
        let quantity = |nanos: u128, suffix: &str| {
            let text = format!("{nanos}n{suffix}");
            Quantity::parse(&text).map_or(text, |quantity| quantity.canonical())
        };
        json!({
            "cpu": quantity(self.cpu, ""),
            "memory": self.memory.div_ceil(NANO).to_string(),
            "storage": self.storage.div_ceil(NANO).to_string(),
        })
    }

    /// Tells whether nothing is asked for.
    pub fn is_nothing(&self) -> bool {
        *self == Demand::default()
    }

    /// Returns `1.35 CPU`, `2.5 GiB memory`, `20 GiB storage`, or what of it there is.
    pub fn parts(&self) -> Vec<String> {
        self.amounts()
            .into_iter()
            .filter(|(nanos, _)| *nanos > 0)
            .map(|(nanos, what)| format!("{} {what}", what.show(nanos)))
            .collect()
    }

    /// Returns CPU, memory and storage, each with its unit and without its name; `0` for nothing.
    pub fn columns(&self) -> [String; 3] {
        self.amounts().map(|(nanos, what)| match nanos {
            0 => "0".to_owned(),
            nanos => what.show(nanos),
        })
    }

    /// Returns how one demand differs from another: `+1 CPU`, `-10 GiB storage`.
    pub fn change(&self, to: &Demand) -> Vec<String> {
        let pairs = self.amounts().into_iter().zip(to.amounts());
        pairs
            .filter(|((old, _), (new, _))| old != new)
            .map(|((old, what), (new, _))| {
                let sign = if new > old { '+' } else { '-' };
                format!("{sign}{} {what}", what.show(new.abs_diff(old)))
            })
            .collect()
    }

    fn amounts(&self) -> [(u128, What); 3] {
        [
            (self.cpu, What::Cpu),
            (self.memory, What::Memory),
            (self.storage, What::Storage),
        ]
    }
}

/// Writes what is asked for in a few words; `nothing` when it is nothing.
impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            parts if parts.is_empty() => f.write_str("nothing"),
            parts => f.write_str(&parts.join(", ")),
        }
    }
}

impl AddAssign for Demand {
    fn add_assign(&mut self, other: Demand) {
        // A sum that no cluster could satisfy need not be exact.
        self.cpu = self.cpu.saturating_add(other.cpu);
        self.memory = self.memory.saturating_add(other.memory);
        self.storage = self.storage.saturating_add(other.storage);
    }
}

impl Sum for Demand {
    fn sum<I: Iterator<Item = Demand>>(demands: I) -> Demand {
        demands.fold(Demand::default(), |mut sum, demand| {
            sum += demand;
            sum
        })
    }
}

/// What an amount is one of.
#[derive(Debug, Clone, Copy)]
enum What {
    Cpu,
    Memory,
    Storage,
}

impl What {
    /// Returns an amount as people read it: rounded up to two decimals, in the largest fitting unit.
    fn show(self, nanos: u128) -> String {
        let steps: &[(&str, u128)] = match self {
            What::Cpu => &[("", 1)],
            What::Memory | What::Storage => {
                &[(" TiB", 1 << 40), (" GiB", 1 << 30), (" MiB", 1 << 20)]
            }
        };
        let smallest = steps.len() - 1;
        let (unit, size) = steps
            .iter()
            .find(|(_, size)| nanos / NANO >= *size)
            .unwrap_or(&steps[smallest]);
        let hundredths = (nanos.saturating_mul(100)).div_ceil(size * NANO);
        let (whole, rest) = (hundredths / 100, hundredths % 100);
        let fraction = match rest {
            0 => String::new(),
            rest if rest % 10 == 0 => format!(".{}", rest / 10),
            rest => format!(".{rest:02}"),
        };
        format!("{whole}{fraction}{unit}")
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            What::Cpu => "CPU",
            What::Memory => "memory",
            What::Storage => "storage",
        })
    }
}

impl Add for Compute {
    type Output = Compute;

    fn add(self, other: Compute) -> Compute {
        Compute {
            cpu: self.cpu.saturating_add(other.cpu),
            memory: self.memory.saturating_add(other.memory),
        }
    }
}

impl Compute {
    fn max(self, other: Compute) -> Compute {
        Compute {
            cpu: self.cpu.max(other.cpu),
            memory: self.memory.max(other.memory),
        }
    }
}

fn of_object(object: &Object, defaults: Compute) -> Demand {
    let spec = &object.body["spec"];
    let (group, kind) = (object.group(), object.kind());
    match (group, kind) {
        ("", "PersistentVolumeClaim") => Demand {
            storage: claimed(spec),
            ..Demand::default()
        },
        ("", "Pod") => times(pod(spec, defaults), 0, 1),
        ("apps", "Deployment" | "StatefulSet" | "ReplicaSet") => {
            let replicas = spec["replicas"].as_u64().unwrap_or(1);
            let templates = spec["volumeClaimTemplates"].as_array();
            // The claims of a StatefulSet stay when it is scaled down.
            let claims = templates.into_iter().flatten();
            let storage: u128 = claims.map(|claim| claimed(&claim["spec"])).sum();
            times(pod(&spec["template"]["spec"], defaults), storage, replicas)
        }
        // One for each node; how many there are is not known here.
        ("apps", "DaemonSet") => times(pod(&spec["template"]["spec"], defaults), 0, 1),
        _ => Demand::default(),
    }
}

fn times(pod: Compute, storage: u128, replicas: u64) -> Demand {
    let replicas = u128::from(replicas);
    Demand {
        cpu: pod.cpu.saturating_mul(replicas),
        memory: pod.memory.saturating_mul(replicas),
        storage: storage.saturating_mul(replicas),
    }
}

fn claimed(spec: &Value) -> u128 {
    nanos(&spec["resources"]["requests"]["storage"])
}

/// Returns what the scheduler finds room for: containers run side by side, init containers one after the other,
/// sidecars from their turn on.
fn pod(spec: &Value, defaults: Compute) -> Compute {
    let list = |key: &str| spec[key].as_array().into_iter().flatten();
    let mut sidecars = Compute::default();
    let mut peak = Compute::default();
    for init in list("initContainers") {
        let request = container(init, defaults);
        if init["restartPolicy"] == "Always" {
            sidecars = sidecars + request;
            peak = peak.max(sidecars);
        } else {
            peak = peak.max(sidecars + request);
        }
    }
    let running = list("containers")
        .map(|each| container(each, defaults))
        .fold(sidecars, Compute::add);
    let overhead = Compute {
        cpu: nanos(&spec["overhead"]["cpu"]),
        memory: nanos(&spec["overhead"]["memory"]),
    };
    running.max(peak) + overhead
}

/// Returns the request of a container: a limit stands for a request that is missing, then the namespace's default.
fn container(container: &Value, defaults: Compute) -> Compute {
    let resources = &container["resources"];
    let amount = |what: &str, default: u128| {
        let written = ["requests", "limits"]
            .map(|key| &resources[key][what])
            .into_iter()
            .find(|value| !value.is_null());
        written.map_or(default, nanos)
    };
    Compute {
        cpu: amount("cpu", defaults.cpu),
        memory: amount("memory", defaults.memory),
    }
}

/// Returns what a LimitRange gives to containers that ask for nothing.
fn container_defaults(body: &Value) -> Option<Compute> {
    let limits = body["spec"]["limits"].as_array()?;
    let limits = limits.iter().find(|limits| limits["type"] == "Container")?;
    let amount = |what: &str| {
        let given = ["defaultRequest", "default"].map(|key| &limits[key][what]);
        given
            .into_iter()
            .find(|value| !value.is_null())
            .map_or(0, nanos)
    };
    Some(Compute {
        cpu: amount("cpu"),
        memory: amount("memory"),
    })
}

fn nanos(value: &Value) -> u128 {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return 0,
    };
    Quantity::parse(&text).map_or(0, |quantity| quantity.nanos())
}

#[cfg(test)]
mod tests;
