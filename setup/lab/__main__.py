"""``python -m lab``: the lab's command line."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 -- says so to whoever has an older one
    sys.exit("lab: Python %d.%d is too old: Python 3.11 or newer is needed" % sys.version_info[:2])  # noqa: UP031 -- must parse anywhere

from lab.cli import main

sys.exit(main())
