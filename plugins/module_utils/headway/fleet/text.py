"""Many databases as text for a person."""

from __future__ import annotations

from .results import AT_HEAD, OUTCOMES, DatabaseResult, Fleet


def fleet_text(fleet: Fleet, *, every: bool = False) -> str:
    """Say how many came to what, and what came of `every` one, or of those not merely at head."""
    results = [r for outcome in OUTCOMES if outcome != AT_HEAD for r in fleet.of(outcome)]
    at_head = [result for result in fleet.of(AT_HEAD) if every or result.warnings]
    shown = [*results, *at_head]
    width = max((len(result.name) for result in shown), default=0)
    counted = ", ".join(f"{n} {o.replace('_', ' ')}" for o, n in fleet.counts.items() if n)
    return "\n".join(
        [
            f"{len(fleet.databases)} databases: {counted}",
            *(line for result in shown for line in _lines(result, width)),
        ]
    )


def _lines(result: DatabaseResult, width: int) -> list[str]:
    outcome = result.outcome.replace("_", " ")
    return [
        f"  {outcome:<9}  {result.name:<{width}}  {result.told}",
        *(f"    warning  {warning}" for warning in result.warnings),
    ]


def diff(fleet: Fleet) -> dict[str, str]:
    """Give what is to be applied in the form that Ansible's --diff shows."""
    changing = [r for r in fleet.databases if r.pending or r.changed]
    before = [f"{r.name}: {', '.join(r.before) or 'base'}\n" for r in changing]
    after = [f"{r.name}: {', '.join((*r.applied, *r.pending))}\n" for r in changing]
    return {"before": "".join(before), "after": "".join(after)}
