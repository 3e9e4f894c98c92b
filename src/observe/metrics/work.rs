//! Runs, steps, drivers, log lines.

use super::page::{Name, Page, bytes, number, plain};
use crate::engine::Engine;
use crate::engine::figures::{DriverLoad, Figures};
use crate::model::run::Cause;

/// Most drivers that are shown by name; those after them are shown as one.
const DRIVERS: usize = 500;
/// The name that stands for those. No driver can have it.
const OTHERS: &str = "(others)";

pub(super) fn write(engine: &Engine, page: &mut Page<'_>) -> std::fmt::Result {
    let load = engine.load();
    drivers(&load.drivers, page)?;
    page.gauges(
        plain(
            "conveyor_tasks_open",
            "Open tasks: offered and not yet accepted, or being worked on.",
        ),
        [
            ([("state", "offered")], number(load.offered)),
            ([("state", "running")], number(load.running)),
        ],
    )?;
    page.gauge(
        plain("conveyor_runs_open", "Runs that have not ended."),
        number(load.runs),
    )?;
    let figures = engine.figures();
    runs(figures, page)?;
    tasks(figures, page)?;
    logs(figures, page)?;
    removed(figures, page)?;
    let lag = engine.tail_lag();
    page.gauge(
        plain(
            "conveyor_log_followers",
            "Those who read or follow a log, over any door.",
        ),
        number(lag.followers),
    )?;
    page.gauge(
        plain(
            "conveyor_log_follower_lag_lines",
            "Lines that are stored and that the slowest follower has not been shown. Of more than 256, some are looked at.",
        ),
        lag.slowest,
    )
}

fn drivers(drivers: &[DriverLoad], page: &mut Page<'_>) -> std::fmt::Result {
    let mut each = |name: Name, figure: fn(&DriverLoad) -> usize| {
        let (shown, others) = drivers.split_at(drivers.len().min(DRIVERS));
        let shown = shown
            .iter()
            .map(|it| ([("driver", it.name.as_str())], number(figure(it))));
        let rest = others.iter().map(figure).sum();
        let rest = (!others.is_empty()).then(|| ([("driver", OTHERS)], number(rest)));
        page.gauges(name, shown.chain(rest))
    };
    each(
        plain("conveyor_queue_steps", "Steps that wait for a driver."),
        |it| it.waiting,
    )?;
    each(
        plain(
            "conveyor_driver_instances",
            "Connected instances of a driver.",
        ),
        |it| it.instances,
    )?;
    each(
        plain(
            "conveyor_driver_slots",
            "Slots of a driver's connected instances.",
        ),
        |it| it.slots,
    )?;
    each(
        plain(
            "conveyor_driver_slots_free",
            "Slots that could take a task now.",
        ),
        |it| it.free,
    )
}

fn runs(figures: &Figures, page: &mut Page<'_>) -> std::fmt::Result {
    let causes = [Cause::Create, Cause::Update, Cause::Delete];
    page.counters(
        plain(
            "conveyor_runs_begun",
            "Runs that were written, by what caused them.",
        ),
        causes.map(|cause| ([("cause", cause.as_str())], figures.begun.of(cause).get())),
    )?;
    let ended = &figures.ended;
    page.counters(
        plain("conveyor_runs_ended", "Runs that ended, by how."),
        [
            ([("outcome", "succeeded")], ended.succeeded.get()),
            ([("outcome", "failed")], ended.failed.get()),
            ([("outcome", "cancelled")], ended.cancelled.get()),
        ],
    )
}

fn tasks(figures: &Figures, page: &mut Page<'_>) -> std::fmt::Result {
    page.counter(
        plain("conveyor_offers", "Steps offered to a driver instance."),
        figures.offered.get(),
    )?;
    page.counter(
        plain(
            "conveyor_offers_accepted",
            "Offers that were accepted: attempts that began.",
        ),
        figures.accepted.get(),
    )?;
    page.counter(
        plain(
            "conveyor_offers_refused",
            "Offers that an instance refused.",
        ),
        figures.refused.get(),
    )?;
    page.counter(
        plain(
            "conveyor_offers_lapsed",
            "Offers that were not answered in time.",
        ),
        figures.lapsed.get(),
    )?;
    page.counters(
        plain(
            "conveyor_task_results",
            "Tasks that a driver's result ended, by what it said.",
        ),
        [
            ([("outcome", "succeeded")], figures.succeeded.get()),
            ([("outcome", "failed")], figures.failed.get()),
        ],
    )?;
    page.counter(
        plain(
            "conveyor_tasks_lost",
            "Tasks taken back since their lease was over or their driver no longer had them.",
        ),
        figures.lost.get(),
    )?;
    page.counter(
        plain(
            "conveyor_tasks_overdue",
            "Attempts that ran into their step's timeout.",
        ),
        figures.overdue.get(),
    )?;
    page.counter(
        plain(
            "conveyor_reports_fenced",
            "Reports of drivers under a token that was dead.",
        ),
        figures.fenced.get(),
    )
}

fn removed(figures: &Figures, page: &mut Page<'_>) -> std::fmt::Result {
    page.counters(
        plain(
            "conveyor_removed",
            "What was kept long enough and is gone, by what it was.",
        ),
        [
            ([("kind", "run")], figures.removed_runs.get()),
            ([("kind", "line")], figures.removed_lines.get()),
            ([("kind", "revision")], figures.removed_revisions.get()),
            ([("kind", "change")], figures.removed_changes.get()),
        ],
    )
}

fn logs(figures: &Figures, page: &mut Page<'_>) -> std::fmt::Result {
    page.counters(
        plain(
            "conveyor_log_lines",
            "Log lines taken in, by where they came from.",
        ),
        [
            ([("source", "task")], figures.task_lines.get()),
            ([("source", "outside")], figures.outside_lines.get()),
        ],
    )?;
    page.counters(
        bytes(
            "conveyor_log",
            "Bytes of log lines as they are stored, by where they came from.",
        ),
        [
            ([("source", "task")], figures.task_line_bytes.get()),
            ([("source", "outside")], figures.outside_line_bytes.get()),
        ],
    )
}
