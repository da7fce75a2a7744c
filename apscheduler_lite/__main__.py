"""``python -m apscheduler_lite`` is the command `apscheduler-lite`."""

import sys

from apscheduler_lite.cli import main

sys.exit(main())
