//! The cases: a file per subject, and the list of all, in the order in which they are shown.

mod cancels;
mod drain;
mod echo;
mod heartbeats;
mod hello;
mod logs;
mod messages;
mod offers;
mod restarts;
mod results;
mod spill;
mod streams;

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
        "a stream begins with the Hello of the driver as it was made; nothing follows before the Welcome"
    ),
    case!(
        "new-id-per-process",
        hello::new_id_per_process,
        "each process draws an instance id of its own"
    ),
    case!(
        "streams-count-up",
        streams::count_up,
        "the next stream has the same instance id and the next number"
    ),
    case!(
        "offer-acked",
        offers::acked,
        "an offer is accepted, carried out and its result sent, all with its token"
    ),
    case!(
        "offer-carries-all",
        echo::carries_all,
        "the work is told all that the offer says, the spec as it was written"
    ),
    case!(
        "trace-context",
        echo::trace_context,
        "the work is told its place in a trace"
    ),
    case!(
        "spec-of-another-shape",
        offers::spec_of_another_shape,
        "a spec that the user's type does not fit is a failed result, not a dead driver"
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
        "side-by-side",
        offers::side_by_side,
        "tasks work side by side, and each one's lines and result are its own"
    ),
    case!(
        "second-offer-of-a-step",
        offers::second_of_a_step,
        "a new offer of a step at work is acked at once, and started when the old work has stopped"
    ),
    case!(
        "late-ack",
        cancels::late_ack,
        "a task whose ack came too late is let go, and its slot is free"
    ),
    case!(
        "fenced-task",
        cancels::fenced,
        "fenced work is told to stop, and nothing that it still says is sent"
    ),
    case!(
        "cancel-reasons",
        cancels::reasons,
        "why it is to stop reaches the work, and what it says within the grace is sent"
    ),
    case!(
        "cancel-during-reconcile",
        cancels::during_reconcile,
        "a cancel ends a wait in the middle of the work; one with another token does not"
    ),
    case!(
        "cancel-before-start",
        cancels::before_the_start,
        "a task that is cancelled while it waits for old work never starts"
    ),
    case!(
        "outstayed-grace",
        cancels::outstayed_grace,
        "work that does not heed its cancel is reported as failed when the grace is over"
    ),
    case!(
        "heartbeats-name-tasks",
        heartbeats::name_tasks,
        "heartbeats name the tasks in hand until their results are on disk"
    ),
    case!(
        "blocked-thread",
        heartbeats::blocked_thread,
        "work that blocks its thread for two leases holds up no heartbeat"
    ),
    case!(
        "silent-server",
        streams::silent_server,
        "a server that answers no heartbeat gets a new stream, and the tasks go on"
    ),
    case!(
        "half-open",
        streams::half_open,
        "a dead connection is left for a new stream, and what still arrives on it is dropped"
    ),
    case!(
        "cut-off-works-on",
        streams::cut_off_works_on,
        "work goes on without a server for longer than a lease"
    ),
    case!(
        "stop-at-lease-end",
        streams::stop_at_lease_end,
        "with the option on, work stops when the lease is over"
    ),
    case!(
        "server-restart",
        restarts::server_restart,
        "tasks and results in hand survive a restart of the server"
    ),
    case!(
        "server-drain",
        restarts::servers_drain,
        "a server that drains does not stop the work"
    ),
    case!(
        "verdict-go-on",
        restarts::go_on,
        "GO_ON: lines are sent from where the server asks"
    ),
    case!(
        "verdict-done",
        restarts::done,
        "DONE: the task is forgotten"
    ),
    case!(
        "verdict-cancel",
        restarts::cancel,
        "CANCEL: the work is told why, and its result is sent"
    ),
    case!(
        "verdict-stop",
        restarts::stop,
        "STOP: the work is fenced, and nothing of it is sent"
    ),
    case!(
        "replaced",
        streams::replaced,
        "an instance whose newest stream is replaced stops its tasks and draws a new id"
    ),
    case!(
        "back-off",
        streams::back_off,
        "the waits between streams grow from 100 ms and differ between processes"
    ),
    case!(
        "comes-back",
        streams::come_back,
        "the driver comes back after every status that is no refusal"
    ),
    case!(
        "stop-codes",
        streams::stop_codes,
        "a refusal ends the runtime with an error"
    ),
    case!("waits-for-server", streams::wait_for_server, "a server that is away at the start is waited for", up: false),
    case!(
        "log-batches",
        logs::batches,
        "lines come in order, in batches within the limits of the Welcome"
    ),
    case!(
        "cut-mid-batch",
        logs::cut_mid_batch,
        "a connection that breaks in the middle of a batch loses no line and doubles none"
    ),
    case!(
        "log-ack-rewinds",
        logs::rewind,
        "a LogAck that repeats itself brings the lines again from there"
    ),
    case!(
        "slow-ack",
        logs::slow_ack,
        "acks that come late make no line come twice"
    ),
    case!("burst", logs::burst, "100,000 lines in a burst arrive once and in order, in few batches", alone: true),
    case!(
        "long-line",
        logs::long,
        "a line over 64 KiB is split between characters and marked"
    ),
    case!(
        "not-utf8",
        logs::no_text,
        "bytes that are no UTF-8 become U+FFFD"
    ),
    case!(
        "piped-child",
        logs::piped,
        "the output of a child becomes lines of its two streams"
    ),
    case!(
        "log-words",
        logs::words,
        "levels, streams, labels and text of several lines arrive as they were meant"
    ),
    case!(
        "fenced-lines",
        logs::fenced,
        "lines that are refused are dropped, and no log call waits for them"
    ),
    case!(
        "lines-spill",
        spill::to_a_file,
        "lines that memory has no room for wait in a file, and the work goes on"
    ),
    case!(
        "lines-wait",
        spill::full,
        "a log call waits when memory and file are full"
    ),
    case!("bounded-memory", spill::bounded_memory, "100 MB of lines that nobody acks do not fill the memory", alone: true),
    case!(
        "result-until-acked",
        results::until_acked,
        "a result is sent on each stream until it is acked"
    ),
    case!(
        "lines-missing",
        results::lines_missing,
        "LINES_MISSING brings the lines, and then the result again"
    ),
    case!(
        "result-fenced",
        results::fenced,
        "a result that is refused is dropped"
    ),
    case!(
        "data-limit",
        results::data_limit,
        "data over the limit makes a failed result that says so"
    ),
    case!(
        "message-cut",
        results::message_cut,
        "a message over 16 KiB is cut between characters"
    ),
    case!(
        "throw",
        results::thrown,
        "work that throws is a failed result with the trace in the log, not a dead driver"
    ),
    case!(
        "returned-error",
        results::returned_error,
        "an error that is returned is a failed result with its words"
    ),
    case!(
        "drain-idle",
        drain::idle,
        "SIGTERM: an idle driver says Drain, closes and ends well"
    ),
    case!(
        "drain-with-task",
        drain::with_a_task,
        "SIGTERM: offers are refused, work runs on, Drain is said on each stream"
    ),
    case!(
        "drain-with-result",
        drain::with_a_result,
        "SIGTERM: a result that waits is delivered first, over a restart too"
    ),
    case!(
        "drain-without-server",
        drain::without_server,
        "SIGTERM: a driver that holds nothing ends without a server"
    ),
    case!(
        "unknown-message",
        messages::unknown,
        "messages of a newer server are passed over"
    ),
    case!(
        "broadcast",
        messages::broadcast,
        "a message to all drivers reaches the user's function"
    ),
    case!(
        "large-message",
        messages::large,
        "an offer of 12 MiB is taken"
    ),
];
