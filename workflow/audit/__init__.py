"""The audit: what is stored, held against the invariants; and the repair of what is safe to mend.

Constraints refuse what one row can tell. The audit finds what only several rows together can, and
what came past the constraints: a restored backup, a hand-written UPDATE, a clock that jumped.
"""

from workflow.audit.examine import Findings, examine_all
from workflow.audit.job import audit
from workflow.audit.kinds import Finding, Kind, meaning_of, meanings
from workflow.audit.repair import Mended, repair
from workflow.audit_rules import Meaning

__all__ = [
    "Finding",
    "Findings",
    "Kind",
    "Meaning",
    "Mended",
    "audit",
    "examine_all",
    "meaning_of",
    "meanings",
    "repair",
]
