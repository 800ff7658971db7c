//! Moments: seconds and a time zone, as commits hold them.

use std::fmt;

use anyhow::Context as _;

/// The end of the year 9999, in seconds; what is later cannot be written with four digits.
const LAST: i64 = 253_402_300_799;
/// Largest distance of a time zone from UTC in minutes; the largest in use is fourteen hours.
const OFFSET_LIMIT: i32 = 24 * 60 - 1;
const DAY: i64 = 24 * 60 * 60;

/// A moment, with the time zone in which somebody has looked at the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970-01-01T00:00:00Z, never negative.
    seconds: i64,
    /// Minutes by which the clock is ahead of UTC.
    offset: i32,
}

impl Moment {
    /// Returns a moment in UTC; one that no commit can hold becomes the nearest that it can.
    pub fn utc(seconds: i64) -> Self {
        Moment {
            seconds: seconds.clamp(0, LAST),
            offset: 0,
        }
    }

    /// Reads a date as people and Git write it: `2026-11-22`, `2026-11-22T10:15:00Z`, `2026-11-22 10:15:00 +0100`,
    /// `@1795342500 +0100`. Without a time it is midnight, without a zone UTC.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let moment = parse(text.trim());
        moment.with_context(|| {
            format!(
                "`{}` is not a date such as `2026-11-22T10:15:00Z` or `@1795342500 +0000`",
                text.escape_debug()
            )
        })
    }

    pub(super) fn of(time: git2::Time) -> Self {
        Moment {
            seconds: time.seconds().clamp(0, LAST),
            offset: time.offset_minutes().clamp(-OFFSET_LIMIT, OFFSET_LIMIT),
        }
    }

    /// Returns the moment as RFC 3339 writes it, such as `2026-11-22T10:15:00+01:00`.
    pub fn to_rfc3339(self) -> String {
        let local = self.seconds + i64::from(self.offset) * 60;
        let (year, month, day) = date(local.div_euclid(DAY));
        let time = local.rem_euclid(DAY);
        let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
        let zone = if self.offset == 0 {
            "Z".to_owned()
        } else {
            self.zone(":")
        };
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{zone}")
    }

    fn zone(self, separator: &str) -> String {
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.abs();
        format!("{sign}{:02}{separator}{:02}", minutes / 60, minutes % 60)
    }
}

/// Writes the moment as commits do: seconds and zone.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.seconds, self.zone(""))
    }
}

fn parse(text: &str) -> Option<Moment> {
    let (head, zone) = split_zone(text);
    let offset = parse_zone(zone)?;
    let seconds = match head.strip_prefix('@') {
        Some(seconds) => number(seconds, 1..=12)?,
        None if head.len() > 8 && head.bytes().all(|b| b.is_ascii_digit()) => number(head, 9..=12)?,
        None => parse_local(head)? - i64::from(offset) * 60,
    };
    (0..=LAST)
        .contains(&seconds)
        .then_some(Moment { seconds, offset })
}

/// Splits a date from its zone; the sign of a zone stands behind the time, those of a date before it.
fn split_zone(text: &str) -> (&str, &str) {
    if let Some(head) = text.strip_suffix(['Z', 'z']) {
        return (head.trim_end(), "Z");
    }
    let from = if text.starts_with('@') {
        0
    } else {
        text.find([':', ' ']).unwrap_or(text.len())
    };
    match text[from..].rfind(['+', '-']) {
        Some(at) => (text[..from + at].trim_end(), &text[from + at..]),
        None => (text, ""),
    }
}

fn parse_zone(zone: &str) -> Option<i32> {
    if matches!(zone, "" | "Z") {
        return Some(0);
    }
    let digits = zone.get(1..)?.replace(':', "");
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let minutes = number(&digits[..2], 2..=2)? * 60
        + number(&digits[2..], 2..=2).filter(|minutes| *minutes < 60)?;
    let minutes = i32::try_from(minutes)
        .ok()
        .filter(|minutes| *minutes <= OFFSET_LIMIT)?;
    Some(if zone.starts_with('-') {
        -minutes
    } else {
        minutes
    })
}

/// Reads date and time as if they were UTC.
fn parse_local(text: &str) -> Option<i64> {
    let (day, time) = text
        .split_once(['T', 't', ' '])
        .unwrap_or((text, "00:00:00"));
    let mut parts = day.split('-');
    let year = number(parts.next()?, 4..=4)?;
    let month = number(parts.next()?, 2..=2)?;
    let day = number(parts.next()?, 2..=2)?;
    let days = days(year, month, day);
    if parts.next().is_some() || date(days) != (year, month, day) {
        return None;
    }
    let mut parts = time.split(':');
    let hour = number(parts.next()?, 2..=2).filter(|hour| *hour < 24)?;
    let minute = number(parts.next()?, 2..=2).filter(|minute| *minute < 60)?;
    // Fractions of a second have no place in a commit; the sixtieth second is the next one.
    let second = parts.next().unwrap_or("00");
    let (second, fraction) = second.split_once('.').unwrap_or((second, "0"));
    let second = number(second, 2..=2).filter(|second| *second <= 60)?;
    if parts.next().is_some()
        || fraction.is_empty()
        || !fraction.bytes().all(|b| b.is_ascii_digit())
    {
        return None;
    }
    Some(days * DAY + hour * 3600 + minute * 60 + second)
}

fn number(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let digits = lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Returns the number of days from 1970-01-01 to a date of the Gregorian calendar; months and days may be out of range.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`: years begin in March, so
/// that the leap day is the last one of a year, and repeat every 400 years of 146,097 days.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Returns the date that lies a number of days after 1970-01-01; the inverse of [`days`].
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_people_and_git_write_them() {
        let check = |text: &str, expect: &str, rfc3339: &str| {
            let moment = Moment::parse(text).expect(text);
            assert_eq!(
                (moment.to_string().as_str(), moment.to_rfc3339().as_str()),
                (expect, rfc3339),
                "{text}"
            );
        };
        check("@0", "0 +0000", "1970-01-01T00:00:00Z");
        check(
            "@1795342500 +0100",
            "1795342500 +0100",
            "2026-11-22T11:15:00+01:00",
        );
        check(
            "1795342500 -0330",
            "1795342500 -0330",
            "2026-11-22T06:45:00-03:30",
        );
        check("2026-11-22", "1795305600 +0000", "2026-11-22T00:00:00Z");
        check(
            "2026-11-22T11:15:00Z",
            "1795346100 +0000",
            "2026-11-22T11:15:00Z",
        );
        check(
            "2026-11-22T11:15:00.25+01:00",
            "1795342500 +0100",
            "2026-11-22T11:15:00+01:00",
        );
        check(
            "2026-11-22 11:15 +0100",
            "1795342500 +0100",
            "2026-11-22T11:15:00+01:00",
        );
        check(
            "2000-02-29 23:59:59 -0500",
            "951886799 -0500",
            "2000-02-29T23:59:59-05:00",
        );
        check(
            "9999-12-31T23:59:59Z",
            "253402300799 +0000",
            "9999-12-31T23:59:59Z",
        );
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "yesterday",
            "2026",
            "2026-11",
            "2026-13-01",
            "2026-02-29",
            "2026-11-22T24:00:00Z",
            "2026-11-22T1:2:3",
            "2026-11-22T11:15:00 +25:00",
            "2026-11-22T11:15:00+1",
            "1969-12-31T23:59:59Z",
            "@-1",
            "@9999999999999",
            "2026-11-22T11:15:00.Z",
            "2026-11-22-01",
            "٢٠٢٦-11-22",
            "2026-11-22T11:15:00\n",
            "22-11-2026",
        ] {
            // White space around a date is nobody's mistake.
            assert_eq!(
                Moment::parse(text).is_err(),
                !text.ends_with('\n'),
                "{text}"
            );
        }
    }

    #[test]
    fn days_and_dates_are_inverse() {
        for day in -800_000..3_000_000 {
            let (year, month, date) = date(day);
            assert_eq!(days(year, month, date), day);
        }
    }
}
