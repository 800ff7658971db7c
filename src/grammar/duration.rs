//! Durations such as `1h30m`.

use super::{Complaint, Verdict};

/// Converts a duration to whole seconds.
///
/// Units: `h`, `m` and `s`, each at most once and in this order, with optional fractions.
/// Errors: what is wrong with the text, for the label of an `invalid-duration`.
/// Source: DataSciencePipelinesApplication v1, `apiServer.resourceTTL`
/// (data-science-pipelines-operator at 5e01e73f).
pub fn seconds(text: &str) -> Result<u64, Complaint> {
    let hint = "write hours, minutes and seconds in this order, such as `24h`, `1h30m` or `90s`";
    let bad = |problem: &str| Complaint::new(problem).hint(hint);
    let mut rest = text;
    let mut units = [("h", 3600_u64), ("m", 60), ("s", 1)].iter();
    // In thousandths, so that fractions add up exactly.
    let mut total: u64 = 0;
    if rest.is_empty() {
        return Err(bad("empty"));
    }
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        if number.is_empty() {
            return Err(bad("not a number and a unit"));
        }
        let Some(unit) = after.chars().next() else {
            return Err(bad("the unit is missing after the last number"));
        };
        let (_, factor) = units
            .find(|(name, _)| name.starts_with(unit))
            .ok_or_else(|| bad("only `h`, `m` and `s` are units, each once and in this order"))?;
        let (whole, fraction) = match number.split_once('.') {
            Some((whole, fraction)) => (whole, fraction),
            None => (number, "0"),
        };
        if whole.is_empty() || fraction.is_empty() || fraction.contains('.') || fraction.len() > 3 {
            return Err(bad("not a number with at most three decimals"));
        }
        let too_long = || bad("longer than 100 years");
        let thousandths = whole
            .parse::<u64>()
            .ok()
            .and_then(|whole| whole.checked_mul(1000))
            .and_then(|whole| whole.checked_add(format!("{fraction:0<3}").parse().ok()?))
            .and_then(|value| value.checked_mul(*factor))
            .ok_or_else(too_long)?;
        total = total.checked_add(thousandths).ok_or_else(too_long)?;
        rest = &after[unit.len_utf8()..];
    }
    if !total.is_multiple_of(1000) {
        return Err(bad("not a whole number of seconds"));
    }
    match total / 1000 {
        0 => Err(bad("no time at all")),
        seconds if seconds > 100 * 366 * 86_400 => Err(bad("longer than 100 years")),
        seconds => Ok(seconds),
    }
}

/// Checks a duration.
pub fn duration(text: &str) -> Verdict {
    seconds(text).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        for (text, expect) in [
            ("24h", Some(86_400)),
            ("1h30m", Some(5_400)),
            ("1.5h", Some(5_400)),
            ("0.5m", Some(30)),
            ("90s", Some(90)),
            ("1h1m1s", Some(3_661)),
            ("0.001h", None),
            ("1.5s", None),
            ("", None),
            ("h", None),
            ("24", None),
            ("1d", None),
            ("1m1h", None),
            ("1h1h", None),
            ("-1h", None),
            ("1.h", None),
            (".5h", None),
            ("1.2.3h", None),
            ("0h", None),
            ("99999999999999999999h", None),
            ("1h ", None),
            ("1µ", None),
        ] {
            assert_eq!(seconds(text).ok(), expect, "{text}");
        }
    }
}
