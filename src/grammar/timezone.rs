//! Names of time zones.
//!
//! Source: the IANA time zone database, release 2025b, all names and links (`timezones.txt`, sorted).

use super::{Complaint, Verdict};

const NAMES: &str = include_str!("timezones.txt");

/// Checks the name of a time zone.
pub fn timezone(text: &str) -> Verdict {
    if NAMES.lines().any(|name| name == text) {
        return Ok(());
    }
    let complaint = Complaint::new("not a name of the IANA time zone database");
    let near = NAMES
        .lines()
        .find(|name| name.eq_ignore_ascii_case(text))
        .or_else(|| {
            NAMES.lines().find(|name| {
                name.rsplit('/')
                    .next()
                    .is_some_and(|city| city.eq_ignore_ascii_case(text))
            })
        })
        .or_else(|| crate::diagnostic::nearest(text, NAMES.lines()));
    Err(match near {
        Some(near) => complaint.hint(format!("did you mean `{near}`?")),
        None => complaint.hint("write `UTC` or an area and a city, such as `Europe/Berlin`"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn names() {
        check(
            timezone,
            &[
                "UTC",
                "Europe/Berlin",
                "America/Argentina/Buenos_Aires",
                "Asia/Kolkata",
                "Etc/GMT+1",
            ],
            &[
                "",
                "utc",
                "Berlin",
                "Europe/Berln",
                "CEST",
                "+01:00",
                "Local",
            ],
        );
        assert_eq!(
            timezone("berlin").unwrap_err().hint.as_deref(),
            Some("did you mean `Europe/Berlin`?")
        );
    }
}
