//! Writes figures down, each with its help, its type and its unit.

use std::fmt;

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use crate::meter::Spread;

/// A label and its value.
pub(super) type Label<'a> = (&'a str, &'a str);

/// What figures are written to.
pub(super) struct Page<'a>(DescriptorEncoder<'a>);

/// What a figure is called and what it means. The unit stands at the end of the name as it is served, and so does
/// `_total` of a counter.
#[derive(Clone, Copy)]
pub(super) struct Name {
    name: &'static str,
    unit: &'static str,
    help: &'static str,
}

/// A figure without a unit.
pub(super) const fn plain(name: &'static str, help: &'static str) -> Name {
    Name {
        name,
        unit: "",
        help,
    }
}

/// A time, in seconds.
pub(super) const fn seconds(name: &'static str, help: &'static str) -> Name {
    Name {
        name,
        unit: "seconds",
        help,
    }
}

/// A size, in bytes.
pub(super) const fn bytes(name: &'static str, help: &'static str) -> Name {
    Name {
        name,
        unit: "bytes",
        help,
    }
}

impl<'a> Page<'a> {
    pub(super) fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self(encoder)
    }

    /// A counter without labels.
    pub(super) fn counter(&mut self, name: Name, value: impl EncodeCounterValue) -> fmt::Result {
        self.counters(name, [([], value)])
    }

    /// A counter for each set of labels.
    pub(super) fn counters<'l, const N: usize, V: EncodeCounterValue>(
        &mut self,
        name: Name,
        samples: impl IntoIterator<Item = ([Label<'l>; N], V)>,
    ) -> fmt::Result {
        self.family(name, MetricType::Counter, samples, |metric, value| {
            metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
        })
    }

    /// A gauge without labels.
    pub(super) fn gauge(&mut self, name: Name, value: impl EncodeGaugeValue) -> fmt::Result {
        self.gauges(name, [([], value)])
    }

    /// A gauge for each set of labels.
    pub(super) fn gauges<'l, const N: usize, V: EncodeGaugeValue>(
        &mut self,
        name: Name,
        samples: impl IntoIterator<Item = ([Label<'l>; N], V)>,
    ) -> fmt::Result {
        self.family(name, MetricType::Gauge, samples, |metric, value| {
            metric.encode_gauge(&value)
        })
    }

    /// A histogram without labels.
    pub(super) fn histogram(&mut self, name: Name, spread: Spread) -> fmt::Result {
        self.histograms(name, [([], spread)])
    }

    /// A histogram for each set of labels.
    pub(super) fn histograms<'l, const N: usize>(
        &mut self,
        name: Name,
        samples: impl IntoIterator<Item = ([Label<'l>; N], Spread)>,
    ) -> fmt::Result {
        self.family(name, MetricType::Histogram, samples, |metric, it| {
            metric.encode_histogram::<NoLabelSet>(it.sum, it.count, &it.buckets, None)
        })
    }

    fn family<'l, const N: usize, V>(
        &mut self,
        name: Name,
        kind: MetricType,
        samples: impl IntoIterator<Item = ([Label<'l>; N], V)>,
        write: impl Fn(&mut MetricEncoder<'_>, V) -> fmt::Result,
    ) -> fmt::Result {
        let unit = (!name.unit.is_empty()).then(|| Unit::Other(name.unit.to_owned()));
        let mut metric = (self.0).encode_descriptor(name.name, name.help, unit.as_ref(), kind)?;
        for (labels, value) in samples {
            if labels.is_empty() {
                write(&mut metric, value)?;
            } else {
                write(&mut metric.encode_family(&labels)?, value)?;
            }
        }
        Ok(())
    }
}

/// A gauge of what cannot be negative.
pub(super) fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// A number of things in memory.
pub(super) fn number(value: usize) -> u64 {
    value as u64
}
