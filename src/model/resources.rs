//! Requests and limits: of containers, of LimitRanges, of ResourceQuotas.

use std::collections::BTreeMap;

use super::scope::{Report, Scope, below};
use super::{LimitRange, Resources};
use crate::config::types;
use crate::diagnostic::Code;
use crate::grammar::name;
use crate::grammar::quantity::Quantity;

/// Quantities by resource, as written.
type Amounts = BTreeMap<String, String>;

/// Settles the resources of a container; `None` leaves the base's.
pub(super) fn resolve(
    scope: &Scope,
    report: &mut Report,
    pointer: &str,
    written: Option<types::Resources>,
) -> Option<Resources> {
    let written = written?;
    let amounts = |amounts: Option<types::Amounts>| -> Amounts {
        let amounts = amounts.unwrap_or_default();
        [("cpu", amounts.cpu), ("memory", amounts.memory)]
            .into_iter()
            .filter_map(|(name, amount)| Some((name.to_owned(), amount?.0)))
            .collect()
    };
    let requests = amounts(written.requests);
    let limits = amounts(written.limits);
    let requests_at = below(pointer, "requests");
    let limits_at = below(pointer, "limits");
    check_precision(scope, report, &requests_at, &requests);
    check_precision(scope, report, &limits_at, &limits);
    not_above(
        scope,
        report,
        (&requests_at, &requests, "request"),
        (&limits_at, &limits, "limit"),
        Code::RequestAboveLimit,
    );
    let resources = Resources {
        requests: canonical(requests),
        limits: canonical(limits),
    };
    (resources != Resources::default()).then_some(resources)
}

/// Settles `limitRange`.
///
/// Source: Kubernetes core validation, `ValidateLimitRange`, v1.31: min <= defaultRequest <= default <= max.
pub(super) fn limit_range(
    scope: &Scope,
    report: &mut Report,
    written: Option<types::LimitRange>,
) -> Option<LimitRange> {
    let written = written?;
    let block = "/limitRange";
    let read = |map: Option<BTreeMap<String, Option<types::text::Quantity>>>| -> Amounts {
        map.unwrap_or_default()
            .into_iter()
            .filter_map(|(name, amount)| Some((name, amount?.0)))
            .collect()
    };
    let max = (below(block, "max"), read(written.max));
    let min = (below(block, "min"), read(written.min));
    let default = (below(block, "default"), read(written.default));
    let request = (
        below(block, "defaultRequest"),
        read(written.default_request),
    );
    for (pointer, amounts) in [&max, &min, &default, &request] {
        check_precision(scope, report, pointer, amounts);
    }
    let of = |side: &(String, Amounts), noun: &'static str| (side.0.clone(), side.1.clone(), noun);
    for (lower, upper, code) in [
        (
            of(&request, "default request"),
            of(&default, "default limit"),
            Code::RequestAboveLimit,
        ),
        (of(&min, "minimum"), of(&max, "maximum"), Code::OutOfRange),
        (
            of(&min, "minimum"),
            of(&request, "default request"),
            Code::OutOfRange,
        ),
        (
            of(&min, "minimum"),
            of(&default, "default limit"),
            Code::OutOfRange,
        ),
        (
            of(&request, "default request"),
            of(&max, "maximum"),
            Code::OutOfRange,
        ),
        (
            of(&default, "default limit"),
            of(&max, "maximum"),
            Code::OutOfRange,
        ),
    ] {
        not_above(
            scope,
            report,
            (&lower.0, &lower.1, lower.2),
            (&upper.0, &upper.1, upper.2),
            code,
        );
    }
    let range = LimitRange {
        default: canonical(default.1),
        default_request: canonical(request.1),
        max: canonical(max.1),
        min: canonical(min.1),
    };
    (range != LimitRange::default()).then_some(range)
}

/// Settles `quota`.
///
/// Source: Kubernetes core validation, `ValidateResourceQuotaSpec`, v1.31: counts are whole numbers.
pub(super) fn quota(
    scope: &Scope,
    report: &mut Report,
    written: Option<BTreeMap<String, Option<types::text::Quantity>>>,
) -> BTreeMap<String, String> {
    let amounts: Amounts = written
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(key, amount)| Some((key, amount?.0)))
        .collect();
    for (key, amount) in &amounts {
        if name::counts_objects(key)
            && let Ok(quantity) = Quantity::parse(amount)
            && !quantity.is_whole()
        {
            report.push(
                scope
                    .error(
                        Code::InvalidQuantity,
                        &below("/quota", key),
                        format!("`{key}` is `{amount}`, which is not a whole number"),
                    )
                    .label("counts objects"),
            );
        }
    }
    check_precision(scope, report, "/quota", &amounts);
    canonical(amounts)
}

/// Refuses fractions that cannot be given: less than a thousandth of a core, or of a byte.
fn check_precision(scope: &Scope, report: &mut Report, pointer: &str, amounts: &Amounts) {
    for (key, amount) in amounts {
        let Ok(quantity) = Quantity::parse(amount) else {
            continue;
        };
        let last = key.rsplit(['.', '/']).next().unwrap_or(key);
        let problem = match last {
            "cpu" if !quantity.is_thousandths() => "finer than a thousandth of a core",
            "memory" | "storage" | "ephemeral-storage" if !quantity.is_whole() => {
                "not a whole number of bytes"
            }
            _ => continue,
        };
        report.push(
            scope
                .error(
                    Code::InvalidQuantity,
                    &below(pointer, key),
                    format!("`{key}` is `{amount}`, which cannot be given"),
                )
                .label(problem)
                .hint(if last == "cpu" {
                    "write cores or thousandths of a core, such as `2` or `500m`"
                } else {
                    "write bytes, such as `512Mi`; the suffix `m` means thousandths"
                }),
        );
    }
}

/// Reports each resource of which the first amount is above the second.
fn not_above(
    scope: &Scope,
    report: &mut Report,
    (lower_at, lower, lower_noun): (&str, &Amounts, &str),
    (upper_at, upper, upper_noun): (&str, &Amounts, &str),
    code: Code,
) {
    for (key, low) in lower {
        let Some(high) = upper.get(key) else { continue };
        let (Ok(low_quantity), Ok(high_quantity)) = (Quantity::parse(low), Quantity::parse(high))
        else {
            continue;
        };
        if low_quantity > high_quantity {
            report.push(
                scope
                    .error(
                        code,
                        &below(lower_at, key),
                        format!("the {lower_noun} of `{key}`, `{low}`, is above the {upper_noun}, `{high}`"),
                    )
                    .label(format!("the {lower_noun}"))
                    .also(scope.at(&below(upper_at, key)), format!("the {upper_noun}"))
                    .hint("lower the one or raise the other"),
            );
        }
    }
}

fn canonical(amounts: Amounts) -> BTreeMap<String, String> {
    amounts
        .into_iter()
        .map(|(key, amount)| {
            let canonical = crate::grammar::quantity::canonical(&amount);
            (key, canonical)
        })
        .collect()
}
