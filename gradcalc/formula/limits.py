"""How long, how deep and how large a formula may be."""

from __future__ import annotations

#: No formula is longer.
LONGEST = 2000

#: No tree is deeper, so that no walk over it can exhaust the stack.
DEEPEST = 100

#: No tree has more parts, once all short names stand for what they mean.
LARGEST = 5000

#: So many entries all indices of a formula may take one to, for one example.
PAIRS = 1 << 26
