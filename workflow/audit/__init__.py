"""The audit: what is stored, held against the invariants; and the repair of what is safe to mend.

Constraints refuse what one row can tell, and are not repeated here. The audit finds what only
several rows together can, what no constraint knows (a clock that jumped, the steps of an own
workflow), and rows whose parent is missing, since a restore may switch foreign keys off.
"""

from workflow.audit.examine import Findings, examine_all
from workflow.audit.job import audit
from workflow.audit.kinds import Finding, meaning_of, meanings
from workflow.audit.repair import Mended, repair
from workflow.audit_rules import Kind, Meaning

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
