//! GNU's `--debug` line about one copy, computed from the trail: what ran, not what was meant to.

use crate::engine::{Name, Policy, Reason, Reflink, Sparse};
use crate::transfer::{Plan, Trail};

/// `copy offload: …, reflink: …, sparse detection: …`; all "unknown" where it never came to a copy.
pub fn line(copy: Option<(&Plan, &Trail, &Policy)>) -> String {
    let (offload, reflink, sparse) = match copy {
        None => ("unknown", "unknown", "unknown"),
        Some((plan, trail, policy)) => (offload(plan, trail, policy), reflink(plan, trail), sparse(trail)),
    };
    format!("copy offload: {offload}, reflink: {reflink}, sparse detection: {sparse}")
}

fn passed_over(plan: &Plan, name: Name) -> Option<Reason> {
    plan.passed_over.iter().find(|(over, _)| *over == name).map(|(_, reason)| *reason)
}

/// "yes": the kernel moved bytes without their passing through the program.
fn offload(plan: &Plan, trail: &Trail, policy: &Policy) -> &'static str {
    let kernel = [Name::CopyFileRange, Name::Sendfile, Name::Splice];
    if kernel.iter().any(|name| trail.by(*name) > 0) {
        return "yes";
    }
    if trail.refusals.iter().any(|refusal| kernel.contains(&refusal.engine)) {
        return "unsupported";
    }
    if policy.reflink == Reflink::Never || policy.sparse != Sparse::Auto || plan.forced {
        return "avoided";
    }
    match passed_over(plan, Name::CopyFileRange) {
        Some(Reason::DifferentFileSystems(..) | Reason::Pseudo | Reason::SourceNotRegular | Reason::SinkNotRegular) => {
            "unsupported"
        }
        _ => "unknown",
    }
}

fn reflink(plan: &Plan, trail: &Trail) -> &'static str {
    if trail.by(Name::Reflink) > 0 {
        return "yes";
    }
    if trail.refusals.iter().any(|refusal| refusal.engine == Name::Reflink) {
        return "unsupported";
    }
    match passed_over(plan, Name::Reflink) {
        Some(
            Reason::CannotShare(_)
            | Reason::DifferentFileSystems(..)
            | Reason::Remembered(_)
            | Reason::Pseudo
            | Reason::SourceNotRegular
            | Reason::SinkNotRegular,
        ) => "unsupported",
        _ => "no",
    }
}

fn sparse(trail: &Trail) -> &'static str {
    match (trail.found_holes, trail.sought_zeros) {
        _ if trail.by(Name::Reflink) > 0 => "unknown",
        (true, true) => "SEEK_HOLE + zeros",
        (true, false) => "SEEK_HOLE",
        (false, true) => "zeros",
        (false, false) => "no",
    }
}
