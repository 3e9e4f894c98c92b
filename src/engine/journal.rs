//! What is logged of drivers, runs and tasks, each with its ids as fields, so that the lines of one can be picked out.

use super::board::Session;
use super::sessions::Hello;
use crate::model::run::{Event, Run};

/// A driver has opened a stream.
pub(super) fn connected(hello: &Hello) {
    tracing::info!(
        driver = %hello.driver,
        instance = %hello.instance,
        slots = hello.slots,
        sdk = hello.sdk,
        tasks = hello.tasks.len(),
        "a driver is connected"
    );
}

/// A driver's stream has ended.
pub(super) fn gone(session: &Session, clean: bool) {
    let (driver, instance) = (&session.driver, session.instance);
    tracing::info!(%driver, %instance, clean, "a driver is gone");
}

/// Something is about to happen to a run.
pub(super) fn happens(run: &Run, event: &Event) {
    /// A line about the task of a step.
    macro_rules! task {
        ($level:ident, $at:expr, $($rest:tt)+) => {{
            let step = &run.steps[$at];
            tracing::$level!(
                run = %run.id,
                step = %step.id,
                driver = %step.driver,
                task = step.open_task().map(|offer| tracing::field::display(offer.task)),
                trace_id = run.trace.as_ref().map(|it| tracing::field::display(it.trace_id())),
                $($rest)+
            )
        }};
    }
    match event {
        Event::Accepted { step } => task!(debug, *step, "a driver has taken a step"),
        Event::Finished { step, outcome } => {
            task!(
                debug,
                *step,
                success = outcome.success,
                "a driver has ended a step"
            );
        }
        Event::Returned { step, lapsed: true } => {
            task!(warn, *step, "an offer was not answered in time");
        }
        Event::Unfit { step, reason } => {
            task!(warn, *step, reason, "a step cannot be offered");
        }
        Event::Lost { step, reason } => task!(warn, *step, reason, "a driver has lost a step"),
        Event::Deadline { step } => task!(info, *step, "a step has run out of time"),
        Event::GraceOver { step } => task!(warn, *step, "a step did not stop in time"),
        Event::Offered { .. }
        | Event::Returned { lapsed: false, .. }
        | Event::Turn
        | Event::WaitsFor(_)
        | Event::DriverFound(_)
        | Event::Cancel { .. }
        | Event::DriverDeleted(_) => {}
    }
}

/// A run has ended.
pub(super) fn ended(run: &Run) {
    tracing::debug!(
        run = %run.id,
        definition = %run.resource.kind,
        resource = %run.resource.name,
        state = ?run.state,
        reason = run.reason,
        trace_id = run.trace.as_ref().map(|it| tracing::field::display(it.trace_id())),
        "a run has ended"
    );
}
