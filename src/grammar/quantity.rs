//! Kubernetes resource quantities, compared exactly and written as the API server writes them.
//!
//! Source of the grammar and of the canonical form: Kubernetes apimachinery, `resource.Quantity`, v1.31.

use std::cmp::Ordering;

use super::{Complaint, Verdict};

/// Most digits of a number, more than the API server keeps (values are capped at 2^63 - 1, fractions at 10^-9).
const MAX_DIGITS: usize = 40;
/// The largest magnitude the API server represents, 2^63 - 1.
const MAX_VALUE: u128 = (1 << 63) - 1;
/// Units of 10^-9, the finest fraction that the API server keeps, in one.
const NANO: u128 = 1_000_000_000;

/// A quantity that the API server accepts.
///
/// Units: `nanos` counts 10^-9; finer fractions are rounded up, as the API server does.
#[derive(Debug, Clone, Copy)]
pub struct Quantity {
    negative: bool,
    nanos: u128,
    form: Form,
}

/// The family of suffixes a quantity was written with, which the canonical form keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `Ki`, `Mi` …
    Binary,
    /// `k`, `M`, `m` … or none.
    Decimal,
    /// `e3`.
    Exponent,
}

impl Quantity {
    /// Parses a quantity.
    ///
    /// Errors: what is wrong with the text, for the label of an `invalid-quantity`.
    pub fn parse(text: &str) -> Result<Quantity, Complaint> {
        let hint = "write a number and at most one suffix, such as `500m`, `2`, `16Gi` or `1.5G`";
        parse(text).map_err(|problem| Complaint::new(problem).hint(hint))
    }

    /// Returns the canonical text, for example `1Gi` for `1024Mi` and `500m` for `0.5`.
    pub fn canonical(&self) -> String {
        if self.nanos == 0 {
            return "0".to_owned();
        }
        let sign = if self.negative { "-" } else { "" };
        let mut nanos = self.nanos;
        let mut form = self.form;
        // Below 1024 a binary form is written as a decimal one, so that nothing is rounded.
        if form == Form::Binary && nanos >= 1024 * NANO {
            let mut value = nanos.div_ceil(NANO);
            nanos = value * NANO;
            let mut steps = 0;
            while value.is_multiple_of(1024) && steps < BINARY.len() - 1 {
                value /= 1024;
                steps += 1;
            }
            if steps > 0 {
                return format!("{sign}{value}{}", BINARY[steps]);
            }
        }
        // Without a binary suffix, the API server will take the text for a decimal form.
        if form == Form::Binary {
            form = Form::Decimal;
        }
        let mut value = nanos;
        let mut exponent: i32 = -9;
        while value.is_multiple_of(1000) && exponent < 18 {
            value /= 1000;
            exponent += 3;
        }
        if form == Form::Exponent {
            return match exponent {
                0 => format!("{sign}{value}"),
                exponent => format!("{sign}{value}e{exponent}"),
            };
        }
        let suffix = DECIMAL
            .iter()
            .find(|(_, power)| *power == exponent)
            .map_or("", |(suffix, _)| suffix);
        format!("{sign}{value}{suffix}")
    }

    /// Tells whether the value is below zero.
    pub fn is_negative(&self) -> bool {
        self.negative && self.nanos > 0
    }

    /// Returns the value in units of 10^-9; 0 for a negative one.
    pub fn nanos(&self) -> u128 {
        if self.negative { 0 } else { self.nanos }
    }

    /// Tells whether the value is zero.
    pub fn is_zero(&self) -> bool {
        self.nanos == 0
    }

    /// Tells whether the value is a whole number of thousandths.
    pub fn is_thousandths(&self) -> bool {
        self.nanos.is_multiple_of(NANO / 1000)
    }

    /// Tells whether the value has no fraction.
    pub fn is_whole(&self) -> bool {
        self.nanos.is_multiple_of(NANO)
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.is_negative(), other.is_negative()) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.nanos.cmp(&other.nanos),
            (true, true) => other.nanos.cmp(&self.nanos),
        }
    }
}

const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];

fn parse(text: &str) -> Result<Quantity, String> {
    let (negative, unsigned) = match text.as_bytes().first() {
        None => return Err("empty".to_owned()),
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        Some(_) => (false, text),
    };
    let digits_end = unsigned
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(digits_end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') {
        return Err("more than one decimal point".to_owned());
    }
    if whole.is_empty() && fraction.is_empty() {
        return Err("does not begin with a number".to_owned());
    }
    let whole = whole.trim_start_matches('0');
    if whole.len() > MAX_DIGITS || fraction.len() > MAX_DIGITS {
        return Err("too many digits".to_owned());
    }
    let (form, base, power) = multiplier(suffix)?;
    // value = digits * base^power * 10^-decimals
    let digits: u128 = match format!("{whole}{}", fraction.trim_end_matches('0')) {
        digits if digits.is_empty() => 0,
        digits => digits.parse().map_err(|_| "too many digits".to_owned())?,
    };
    let decimals = i32::try_from(fraction.trim_end_matches('0').len()).unwrap_or(i32::MAX);
    let too_large = || "more than the API server can hold (2^63 - 1)".to_owned();
    let limit = MAX_VALUE.saturating_mul(NANO);
    let nanos = if digits == 0 {
        0
    } else if base == 2 {
        // Multiply first; divide by the power of ten afterwards, rounding up.
        let factor = 1_u128 << power;
        let shift = 9 - decimals;

        if shift >= 0 {
            digits
                .checked_mul(factor)
                .and_then(|value| value.checked_mul(10_u128.pow(shift.unsigned_abs())))
                .ok_or_else(too_large)?
        } else {
            divide_up(
                digits.checked_mul(factor).ok_or_else(too_large)?,
                shift.unsigned_abs(),
            )
        }
    } else {
        let shift = power - decimals + 9;
        if shift >= 0 {
            10_u128
                .checked_pow(shift.unsigned_abs())
                .and_then(|factor| digits.checked_mul(factor))
                .ok_or_else(too_large)?
        } else {
            divide_up(digits, shift.unsigned_abs())
        }
    };
    if nanos > limit {
        return Err(too_large());
    }
    Ok(Quantity {
        negative,
        nanos,
        form,
    })
}

/// Divides by a power of ten, rounding away from zero.
fn divide_up(value: u128, power: u32) -> u128 {
    match 10_u128.checked_pow(power) {
        Some(divisor) => value.div_ceil(divisor),
        None => u128::from(value > 0),
    }
}

/// Returns the form, the base and the power of a suffix.
fn multiplier(suffix: &str) -> Result<(Form, u32, i32), String> {
    if let Some((_, power)) = DECIMAL.iter().find(|(text, _)| *text == suffix) {
        return Ok((Form::Decimal, 10, *power));
    }
    if let Some(at) = BINARY.iter().position(|text| *text == suffix) {
        return Ok((Form::Binary, 2, i32::try_from(at * 10).unwrap_or(0)));
    }
    if let Some(exponent) = suffix.strip_prefix(['e', 'E'])
        && !exponent.is_empty()
    {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("`{suffix}` is not an exponent"));
        }
        let power: i32 = exponent
            .parse()
            .map_err(|_| "the exponent is too large".to_owned())?;
        if power.abs() > 30 {
            return Err("the exponent is too large".to_owned());
        }
        return Ok((Form::Exponent, 10, power));
    }
    let near = match suffix.trim_end_matches(['b', 'B']).trim() {
        "K" => Some("k` or `Ki"),
        "KI" | "ki" | "kI" | "kib" => Some("Ki"),
        "mi" | "MI" | "mI" => Some("Mi"),
        "g" => Some("G` or `Gi"),
        "gi" | "GI" | "gI" => Some("Gi"),
        "ti" | "TI" | "tI" | "t" => Some("Ti"),
        "Ki" => Some("Ki"),
        "Mi" => Some("Mi"),
        "Gi" => Some("Gi"),
        "Ti" => Some("Ti"),
        "M" => Some("M` or `Mi"),
        "G" => Some("G` or `Gi"),
        "T" => Some("T` or `Ti"),
        _ => None,
    };
    let shown: String = suffix
        .chars()
        .take(16)
        .filter(|c| !c.is_control())
        .collect();
    Err(match near {
        Some(near) => format!("`{shown}` is not a suffix, `{near}` is"),
        None => format!("`{shown}` is not a suffix"),
    })
}

/// Checks a quantity that must not be negative.
pub fn not_negative(text: &str) -> Verdict {
    if Quantity::parse(text)?.is_negative() {
        return Err(Complaint::new("negative"));
    }
    Ok(())
}

/// Checks the size of a volume, which must be more than nothing.
pub fn size(text: &str) -> Verdict {
    let quantity = Quantity::parse(text)?;
    if quantity.is_negative() || quantity.is_zero() {
        return Err(Complaint::new("not more than nothing").hint("write a size such as `10Gi`"));
    }
    if !quantity.is_whole() {
        return Err(
            Complaint::new("not a whole number of bytes").hint("write a size such as `10Gi`")
        );
    }
    Ok(())
}

/// Returns the canonical text of a quantity, or the text itself when it is none.
pub fn canonical(text: &str) -> String {
    match Quantity::parse(text) {
        Ok(quantity) => quantity.canonical(),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn grammar() {
        check(
            not_negative,
            &[
                "0",
                "1",
                "+1",
                "0.5",
                ".5",
                "5.",
                "100m",
                "1k",
                "1Ki",
                "1.5Gi",
                "2E",
                "2e3",
                "2E3",
                "1e-3",
                "1E+3",
                "9223372036854775807",
                "0001",
            ],
            &[
                "",
                "-",
                "-1",
                "1 Gi",
                "1GB",
                "1gi",
                "Gi",
                "1.2.3",
                "1e",
                "1ee3",
                "1e99",
                "0x10",
                "1_000",
                "9223372036854775808",
                "1KI",
                "a",
                "1e3k",
                "١",
                &"9".repeat(50),
            ],
        );
        check(size, &["1", "10Gi"], &["0", "-1Gi", "100m", "0.5"]);
    }

    #[test]
    fn canonical_form() {
        for (text, canonical) in [
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Gi", "512Mi"),
            ("0.5", "500m"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("1.5", "1500m"),
            ("8", "8"),
            ("16Gi", "16Gi"),
            ("1000", "1k"),
            ("1024", "1024"),
            ("1024Ki", "1Mi"),
            ("512Ki", "512Ki"),
            ("0.5Ki", "512"),
            ("0.001Ki", "1024m"),
            ("1e3", "1e3"),
            ("1e4", "10e3"),
            ("100E", "100E"),
            ("0.0000000001", "1n"),
            ("0Gi", "0"),
            ("-1", "-1"),
            ("100000Mi", "100000Mi"),
            ("210243.059Gi", "225746765654k"),
            ("755465.570Gi", "811174979101k"),
        ] {
            if text == "100E" {
                assert!(Quantity::parse(text).is_err());
                continue;
            }
            assert_eq!(super::canonical(text), canonical, "{text}");
        }
    }

    #[test]
    fn order() {
        let parse = |text| Quantity::parse(text).unwrap();
        for (less, more) in [
            ("1G", "1Gi"),
            ("999m", "1"),
            ("-1", "0"),
            ("-2", "-1"),
            ("1Gi", "1025Mi"),
            ("0.1n", "2n"),
        ] {
            assert!(parse(less) < parse(more), "{less} < {more}");
        }
        assert_eq!(parse("1Gi"), parse("1024Mi"));
        assert_eq!(parse("-0"), parse("0"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]
        #[test]
        fn canonical_form_is_stable_and_equal(number in 0_u64..1_000_000, fraction in 0_u32..1000, suffix in 0_usize..16) {
            let suffixes: Vec<&str> = DECIMAL.iter().map(|(text, _)| *text).take(8).chain(BINARY).chain(["e3"]).collect();
            let text = format!("{number}.{fraction:03}{}", suffixes[suffix]);
            let Ok(quantity) = Quantity::parse(&text) else { return Ok(()) };
            let canonical = quantity.canonical();
            let again = Quantity::parse(&canonical).expect("the canonical form is a quantity");
            prop_assert_eq!(again.canonical(), canonical);
            prop_assert!(again >= quantity);
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = Quantity::parse(&text);
        }
    }
}
