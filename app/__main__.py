"""`python -m app` is `bgad-inspect`."""

import sys

from app.cli import main

sys.exit(main())
