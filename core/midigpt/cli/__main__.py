"""``python -m midigpt.cli``."""

import sys

from midigpt.cli import main

sys.exit(main())
