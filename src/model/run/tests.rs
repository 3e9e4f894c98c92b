//! The state machine under any order of events, and the rules of order as stories.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::model::name::{ObjectId, RunId};
use crate::model::run::{Cause, PipelineRef, ResourceRef};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn run(steps: usize, in_order: bool) -> Run {
    let object = ObjectId(Uuid::nil());
    Run {
        id: RunId(Uuid::nil()),
        order: 1,
        cause: Cause::Create,
        resource: ResourceRef {
            id: object,
            kind: name("kind"),
            name: name("it"),
            revision: 1,
        },
        pipeline: in_order.then(|| PipelineRef {
            id: object,
            name: name("line"),
            revision: 1,
        }),
        state: RunState::Pending,
        reason: String::new(),
        waits_for: None,
        cut_short: false,
        steps: (1..=steps)
            .map(|at| {
                StepRun::new(
                    name(&at.to_string()),
                    String::new(),
                    name(&format!("d{at}")),
                )
            })
            .collect(),
        created: Timestamp::UNIX_EPOCH,
        started: None,
        ended: None,
        trace: None,
    }
}

fn offered(step: usize) -> Event {
    Event::Offered {
        step,
        task: TaskId(Uuid::new_v4()),
        instance: InstanceId(Uuid::nil()),
    }
}

fn finished(step: usize, success: bool) -> Event {
    let outcome = Outcome {
        success,
        message: String::new(),
        data_bytes: 0,
    };
    Event::Finished { step, outcome }
}

fn states(run: &Run) -> Vec<StepState> {
    run.steps.iter().map(|step| step.state).collect()
}

fn play(run: &mut Run, events: impl IntoIterator<Item = Event>) {
    for event in events {
        run.apply(event, Timestamp::UNIX_EPOCH);
    }
}

#[test]
fn a_pipeline_goes_step_by_step_and_a_failure_ends_it() {
    let mut run = run(3, true);
    assert_eq!(run.startable().collect::<Vec<_>>(), [0]);
    play(
        &mut run,
        [offered(0), Event::Accepted { step: 0 }, finished(0, true)],
    );
    assert_eq!(run.startable().collect::<Vec<_>>(), [1]);
    play(
        &mut run,
        [offered(1), Event::Accepted { step: 1 }, finished(1, false)],
    );
    assert_eq!(
        states(&run),
        [StepState::Succeeded, StepState::Failed, StepState::Skipped]
    );
    assert_eq!(run.state, RunState::Failed);
}

#[test]
fn one_failing_parallel_step_does_not_stop_the_others() {
    let mut run = run(2, false);
    assert_eq!(run.startable().collect::<Vec<_>>(), [0, 1]);
    play(
        &mut run,
        [offered(0), Event::Accepted { step: 0 }, finished(0, false)],
    );
    assert_eq!(run.state, RunState::Running);
    play(
        &mut run,
        [offered(1), Event::Accepted { step: 1 }, finished(1, true)],
    );
    assert_eq!(run.state, RunState::Failed);
}

#[test]
fn five_lost_attempts_or_ten_lapsed_offers_fail_a_step() {
    let mut lost = run(1, false);
    for _ in 0..MAX_ATTEMPTS {
        play(&mut lost, [offered(0), Event::Accepted { step: 0 }]);
        play(
            &mut lost,
            [Event::Lost {
                step: 0,
                reason: "it was gone".to_owned(),
            }],
        );
    }
    assert_eq!(
        (lost.state, lost.steps[0].attempts.len()),
        (RunState::Failed, MAX_ATTEMPTS)
    );
    let mut lapsed = run(1, false);
    for _ in 0..MAX_LAPSES {
        play(
            &mut lapsed,
            [
                offered(0),
                Event::Returned {
                    step: 0,
                    lapsed: true,
                },
            ],
        );
    }
    assert_eq!(
        (lapsed.state, lapsed.steps[0].attempts.len()),
        (RunState::Failed, 0)
    );
}

#[test]
fn a_result_within_the_grace_is_kept_and_the_run_stays_cancelled() {
    let mut run = run(1, false);
    play(
        &mut run,
        [
            offered(0),
            Event::Accepted { step: 0 },
            Event::Cancel {
                reason: "no".to_owned(),
            },
        ],
    );
    assert_eq!(run.state, RunState::Cancelling);
    play(&mut run, [finished(0, true)]);
    assert_eq!(
        (run.state, states(&run)),
        (RunState::Cancelled, vec![StepState::Cancelled])
    );
    assert!(run.steps[0].attempts[0].reported);
}

#[test]
fn a_deleted_driver_cuts_a_pipeline_short_but_only_its_own_parallel_step() {
    let mut line = run(2, true);
    play(&mut line, [Event::DriverDeleted(name("d1"))]);
    assert_eq!(
        (line.state, states(&line)),
        (RunState::Cancelled, vec![StepState::Skipped; 2])
    );
    let mut parallel = run(2, false);
    play(
        &mut parallel,
        [
            Event::DriverDeleted(name("d1")),
            offered(1),
            Event::Accepted { step: 1 },
        ],
    );
    play(&mut parallel, [finished(1, true)]);
    assert_eq!(parallel.state, RunState::Succeeded);
}

fn any_event(steps: usize) -> impl Strategy<Value = Event> {
    let step = 0..steps;
    prop_oneof![
        4 => step.clone().prop_map(offered),
        4 => step.clone().prop_map(|step| Event::Accepted { step }),
        1 => (step.clone(), any::<bool>()).prop_map(|(step, lapsed)| Event::Returned { step, lapsed }),
        3 => (step.clone(), any::<bool>()).prop_map(|(step, success)| finished(step, success)),
        1 => step.clone().prop_map(|step| Event::Lost { step, reason: "lost".to_owned() }),
        1 => step.clone().prop_map(|step| Event::Deadline { step }),
        1 => step.clone().prop_map(|step| Event::GraceOver { step }),
        1 => step.clone().prop_map(|step| Event::Unfit { step, reason: "too large".to_owned() }),
        1 => step.prop_map(|step| Event::DriverDeleted(name(&format!("d{}", step + 1)))),
        1 => Just(Event::Cancel { reason: "cancelled".to_owned() }),
        1 => Just(Event::Turn),
    ]
}

proptest! {
    #[test]
    fn invariants_hold_under_any_order_of_events(
        in_order: bool,
        events in prop::collection::vec(any_event(3), 0..60),
    ) {
        let mut run = run(3, in_order);
        for event in events {
            let before = run.clone();
            // Offers are made only of steps that may start: that is the dispatcher's part of the contract.
            if let Event::Offered { step, .. } = &event && !before.startable().any(|at| at == *step) {
                continue;
            }
            let effects = run.apply(event, Timestamp::UNIX_EPOCH);
            for (old, new) in before.steps.iter().zip(&run.steps) {
                prop_assert!(!old.state.ended() || old == new, "an ended step changed");
                prop_assert!(new.token >= old.token);
                let running = new.attempts.iter().filter(|it| it.state == AttemptState::Running).count();
                prop_assert_eq!(running, usize::from(new.state == StepState::Running));
                prop_assert_eq!(new.offer.is_some(), new.state == StepState::Offered);
                // A task that is open no longer was closed by an effect, exactly once.
                if let Some(task) = old.open_task() && new.open_task().map(|it| it.task) != Some(task.task) {
                    let closed = effects.iter().filter(|it| matches!(it, Effect::Closed { offer, .. } if *offer == task));
                    prop_assert_eq!(closed.count(), 1);
                }
            }
            prop_assert!(!before.state.ended() || before == run, "an ended run changed");
            prop_assert_eq!(run.state.ended(), run.steps.iter().all(|step| step.state.ended()));
            if in_order {
                let open = run.steps.iter().filter(|step| step.open_task().is_some()).count();
                prop_assert!(open <= 1, "two steps of a pipeline at once");
            }
        }
    }
}
