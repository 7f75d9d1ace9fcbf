"""Proofs of the policy: naive references written from the rules, walks over every minute, fuzzing, stories.

`LYNCEUS_PROOFS=50 make test ARGS=tests/policy/proofs` looks at fifty times as many random cases.
"""

import os

THOROUGH = max(1, int(os.environ.get("LYNCEUS_PROOFS", "1")))
"""How many times as many random cases as usual."""
