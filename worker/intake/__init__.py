"""What comes from the broker, judged before Celery sees it.

Whoever can reach the broker can send anything. Celery's consumer is written for messages that
Celery made: others raise in the middle of its loop, and end the worker or make it reconnect for
ever. So each message is taken apart here, by code that never raises anything but `RefusedError`;
what is good is put together anew, from the parts that are ours, and what is not is set aside.
"""

from core.rejection import Reason
from worker.intake.aside import flush, set_aside
from worker.intake.message import Incoming, Known, judge
from worker.intake.refusal import RefusedError

__all__ = ["Incoming", "Known", "Reason", "RefusedError", "flush", "judge", "set_aside"]
