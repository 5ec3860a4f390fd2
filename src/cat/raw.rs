//! Raw output: the bytes of one operand as they are, by the engines of the plan.

use super::Run;
use super::operand::Sent;
use crate::engine::End;
use crate::report::{explain, failure, json, quote::shell_if_needed};
use crate::transfer::{self, Plan, Trail, by_reference, endpoint};
use std::ffi::OsStr;

/// Copies one operand to standard output.
pub(super) fn copy(run: &mut Run<'_>, name: &OsStr, input: End<'_>, output: End<'_>) -> Sent {
    let ask = endpoint::ask(input, output, false, &run.options.policy, &run.learned);
    let plan = Plan::of(&ask, &run.learned);
    if run.options.explain {
        explain::before(run.messages, &shell_if_needed(name), &ask, &plan);
    }
    let counters = run.watch.counters();
    let expected = run.begin(name, ask.expected);
    let trail = transfer::copy(&ask, &plan, &run.learned, run.limit.as_ref(), &mut run.scratch, counters);
    run.watch.end(expected, trail.bytes() + trail.holes);
    if let Some(json) = run.watch.json() {
        let destination = run.options.peer.as_ref().map(|peer| peer.address.text.as_os_str());
        json.file(&json::File { source: name, destination, trail: &trail, resumed: None });
    }
    if run.options.explain {
        let observed = explain::may_share_pages(&ask, &trail).then(|| by_reference::observe(name));
        explain::after(run.messages, &trail, observed);
    }
    say(run, name, &plan, &trail)
}

fn say(run: &mut Run<'_>, name: &OsStr, plan: &Plan, trail: &Trail) -> Sent {
    let shown = shell_if_needed(name);
    run.sent += trail.bytes();
    if let Some(failure) = &trail.failure {
        return match failure::of_source(failure, plan, &shown) {
            Some(text) => {
                run.messages.error(text);
                Sent::GoOn
            }
            None => {
                run.output_failed(failure);
                Sent::OutputFailed
            }
        };
    }
    if let Some(shrank) = trail.shrank {
        run.messages.error(failure::of_shrinking(&shrank, &shown));
    }
    Sent::GoOn
}
