"""How long, how deep and how large a formula may be."""

from __future__ import annotations

#: No formula is longer.
LONGEST = 2000

#: No tree is deeper, so that no walk over it can exhaust the stack.
DEEPEST = 100

#: No tree has more parts, once all short names stand for what they mean.
LARGEST = 2500

#: So many entries all indices of a formula may take one to, for one example.
PAIRS = 1 << 24

#: So many of them may be looked at where a tie asks for one entry's derivative after the other.
TIED = 1 << 20

#: No vector within a formula is longer than so many times the input.
JOINED = 8
