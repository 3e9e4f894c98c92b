//! The cases: a file per subject, and the list of all, in the order in which they are shown.

mod hello;
mod logs;
mod offers;

use std::pin::Pin;

use crate::fault::Played;
use crate::stage::Stage;

type Playing = Pin<Box<dyn Future<Output = Played> + Send>>;

/// One case.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// What holds when it passes.
    pub(crate) holds: &'static str,
    pub(crate) play: fn(Stage) -> Playing,
    /// Whether the server takes connections from the start.
    pub(crate) up: bool,
    /// Whether it measures, and so is played by itself.
    pub(crate) alone: bool,
}

/// A row of the list.
macro_rules! case {
    ($name:literal, $play:path, $holds:literal $(, $field:ident: $value:literal)*) => {{
        #[allow(unused_mut)]
        let mut case = Case {
            name: $name,
            holds: $holds,
            play: |stage| Box::pin($play(stage)),
            up: true,
            alone: false,
        };
        $(case.$field = $value;)*
        case
    }};
}

/// All cases.
pub(crate) const ALL: &[Case] = &[
    case!(
        "hello-first",
        hello::first,
        "a stream begins with the Hello of the driver as it was made, and nothing follows before the Welcome"
    ),
    case!(
        "new-id-per-process",
        hello::new_id_per_process,
        "each process draws an instance id of its own"
    ),
    case!(
        "offer-acked",
        offers::acked,
        "an offer is accepted, carried out and its result sent, all with its token"
    ),
    case!(
        "duplicate-offer",
        offers::duplicate,
        "an offer that comes twice is acked again and started once, after its end too"
    ),
    case!(
        "slots-full",
        offers::slots_full,
        "an offer beyond the slots is refused with a reason"
    ),
    case!(
        "cut-mid-batch",
        logs::cut_mid_batch,
        "a connection that breaks in the middle of a batch loses no line and doubles none"
    ),
];
