"""What to do next when a run did not go as expected: by its verdict, and by what was found."""

from __future__ import annotations

from ..result import AlertOutcome, Outcome, Phase, Verdict, Verification

__all__ = ["advice"]

_BY_VERDICT = {
    Verdict.TOOL_ERROR: [
        "Nothing is said about the system: mend what the reasons name, then run the experiment again.",
        "Check the experiment and its files: chaos gameday lint.",
    ],
    Verdict.FAULT_NOT_LANDED: [
        "The fault was applied, and nothing showed: look whether the rollout took the variant's image and "
        "settings (kubectl rollout status, kubectl describe deployment).",
        "Compare what the experiment says the fault does with what its manifest does now.",
    ],
    Verdict.NO_DATA: [
        "Is there traffic? See the load generator's pod, and the counts of events in verification.json.",
        "Ask the SLIs by hand: chaos slo status. It says for each one why it has no data.",
    ],
    Verdict.NOT_RUN: [
        "No fault was applied, or the run was stopped early: it proves nothing. Run it again when the cause "
        "is gone.",
    ],
}
_BY_OUTCOME = {
    Outcome.UNEXPECTED: (
        "{names}: moved without being expected to. Follow the calls in the drawing from there to the fault: a "
        "timeout, a retry or a fallback is missing between them, or the expectation is wrong."
    ),
    Outcome.TOO_FAR: "{names}: worse than stated. Find out what changed since the bound was measured.",
    Outcome.NOT_RECOVERED: (
        "{names}: not back when the time was over. See whether it came back later, and what held it: a pool, a "
        "queue, a circuit breaker, an application that does not reconnect."
    ),
    Outcome.NO_DATA: "{names}: not measured. The reasons say which query had no answer.",
    Outcome.NOT_DEVIATED: (
        "{names}: expected to move, and did not. Either the system got more robust, and the expectation should "
        "say so, or the fault did less than it says."
    ),
}
_BY_ALERT = {
    AlertOutcome.LATE: "{names}: fired too late. Compare its windows and its `for` with the time allowed.",
    AlertOutcome.AFTER_FAULT: "{names}: fired when the fault was over. Let the method observe longer.",
    AlertOutcome.NOT_FIRED: "{names}: did not fire. Ask its expression in Grafana over the time of the run.",
    AlertOutcome.UNEXPECTED: "{names}: fired, though not expected to. Either it is too sharp, or this is news.",
    AlertOutcome.NO_DATA: "{names}: the rules could not be asked. Look at the ruler's data source in Grafana.",
}


def advice(v: Verification) -> list[str]:
    """Return what to do next, the most urgent first; nothing for a verified run."""
    if v.verdict is Verdict.VERIFIED:
        return []
    found = []
    if Phase.FAULT in v.phases and not v.rollback.proved:
        found.append(
            "The system is not proved to be restored. Heal it now: kubectl apply -f manifests/app.yaml, and "
            f"remove what the run left (label chaos.run-id={v.run_id})."
        )
    found.extend(_BY_VERDICT.get(v.verdict, []))
    for outcome, text in _BY_OUTCOME.items():
        if names := [sli.display_name for sli in v.slis if sli.outcome is outcome]:
            found.append(text.format(names=", ".join(names)))
    for alerted, text in _BY_ALERT.items():
        if names := [alert.display_name for alert in v.alerts if alert.outcome is alerted]:
            found.append(text.format(names=", ".join(dict.fromkeys(names))))
    if v.verdict is Verdict.SYSTEM_FAILED:
        found.append(
            "Decide which is right, the system or the experiment: mend the one, or measure again and restate "
            "the other. A busy machine or cluster shows in SLIs that no fault touches: run no-fault.json."
        )
    return found
