"""`python -m rayingest.testing.servers`: install the environments of servers (rayingest.testing.environments)."""

import sys

from rayingest.testing.environments import main

if __name__ == "__main__":
    sys.exit(main())
