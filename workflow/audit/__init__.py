"""The audit: what is stored, held against the invariants; and the repair of what is safe to mend.

Constraints refuse what one row can tell. The audit finds what only several rows together can, and
what came past the constraints: a restored backup, a hand-written UPDATE, a clock that jumped.
"""

from workflow.audit.examine import Findings, examine_all
from workflow.audit.job import audit
from workflow.audit.kinds import MEANINGS, Finding, Kind, Meaning
from workflow.audit.repair import Mended, repair

__all__ = [
    "MEANINGS",
    "Finding",
    "Findings",
    "Kind",
    "Meaning",
    "Mended",
    "audit",
    "examine_all",
    "repair",
]
