//! How the values of paths, queries and headers are read.

use prost_types::Timestamp;

/// A value that stands in a path, a query or a header.
pub(super) trait Value: Sized {
    /// Reads it; the error says what it must be.
    fn read(text: &str) -> Result<Self, &'static str>;
}

impl Value for String {
    fn read(text: &str) -> Result<Self, &'static str> {
        Ok(text.to_owned())
    }
}

impl Value for bool {
    fn read(text: &str) -> Result<Self, &'static str> {
        text.parse().map_err(|_| "must be true or false")
    }
}

impl Value for Timestamp {
    fn read(text: &str) -> Result<Self, &'static str> {
        text.parse()
            .map_err(|_| "must be a time as in RFC 3339, such as 2026-01-31T12:00:00Z")
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Value for $number {
            /// In one form only: `+1` and `01` are no numbers, so that a number in a path has one path.
            fn read(text: &str) -> Result<Self, &'static str> {
                let number: Option<Self> = text.parse().ok();
                number
                    .filter(|number| number.to_string() == text)
                    .ok_or("must be a whole number, not too large, in its plain form")
            }
        }
    )*};
}

numbers!(i32 i64 u64);
