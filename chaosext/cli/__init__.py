"""`chaos gameday` and `chaos slo`: Chaos Toolkit's command line, extended.

`chaos` imports this package at every start: what is heavy is imported where it is used.
"""

from .gameday_commands import gameday
from .slo_commands import slo

__all__ = ["gameday", "slo"]
