"""Text to tree: a small parser of our own. It knows the language's names and nothing else, and never evaluates.

formula    := condition ("with" name "=" condition ("," name "=" condition)*)?
condition  := test ("if" condition "else" condition)?
test       := not ("and" not)* ("or" ...)*;  comparisons may be chained as in 0 < z < 1
sum        := product (("+" | "-") product)*
product    := sign (("*" | "/") sign)*
sign       := ("-" | "+") sign | power
power      := atom (("^" | "**") sign)?          right-associative, and tighter than the minus before it
atom       := number | name | name "(" arguments ")" | "(" condition ")", each with an index, as in z[j], or without
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gradcalc.errors import listed, near, quoted
from gradcalc.formula.calls import call
from gradcalc.formula.limits import DEEPEST
from gradcalc.formula.rules import ALIASES, ARGUMENTS, CONSTANTS, INDICES, OVER_AN_INDEX
from gradcalc.formula.tokens import FormulaError, Token, tokens
from gradcalc.formula.tree import COMPARISONS, Node, Span, is_condition

#: Brackets in one another: each takes a dozen of Python's own calls to read.
_NESTED = 40

_WORDS = ("if", "else", "and", "or", "not", "with")
_PYTHON = ("lambda", "import", "for", "in", "is", "def", "return", "True", "False", "None", "while", "assert", "yield")


def written(text: str, names: Iterable[str], indices: tuple[str, ...] = ()) -> Node:
    """The tree of a formula over the given names, short names and all, as it is written. FormulaError with a caret.

    `indices` are those the formula itself is for: i and j of a Jacobian's entry.
    """
    return _Parser(text, tuple(names), indices).formula()


class _Parser:
    """One text being read, left to right."""

    def __init__(self, text: str, names: tuple[str, ...], indices: tuple[str, ...] = ()) -> None:
        self.text, self.names = text, names
        self.tokens = tokens(text)
        self.at = self.level = 0
        self.bound = indices

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def formula(self) -> Node:
        parts = self.short_names()
        found = self.condition()
        if self.next.kind != "end" and self.next.span.start != self.stop:
            raise self.unexpected()
        return self.checked(Node("with", (found, *parts), None, found.span)) if parts else found

    def short_names(self) -> list[Node]:
        """The names a formula gives to parts of itself after "with". They are read first; then its beginning is."""
        found: list[Node] = []
        depth = 0
        while self.next.kind != "end" and (self.next.text != "with" or depth > 0):
            depth += {"(": 1, ")": -1}.get(self.next.text, 0)
            self.at += 1
        self.stop = self.next.span.start
        while self.take("," if found else "with"):
            name = self.advance()
            self.check_short_name(name)
            value = self.condition()
            found.append(Node("=", (value,), name.text, name.span))
            self.names = (*self.names, name.text)
        if self.next.kind != "end":
            raise self.unexpected()
        self.at = 0
        return found

    def check_short_name(self, name: Token) -> None:
        if name.kind != "name" or name.text in (*_WORDS, *_PYTHON):
            raise self.error("a name is needed here", name.span, "for example: s * (1 - s) with s = sigmoid(z)")
        if name.text in (*self.names, *CONSTANTS, *INDICES, "n") or name.text in (*ARGUMENTS, *ALIASES):
            raise self.error(f"{quoted(name.text)} has a meaning already", name.span, "take another name")
        if not self.take("="):
            raise self.error(f"{quoted(name.text)} needs its meaning", name.span, f"with {name.text} = ...")

    def condition(self) -> Node:
        self.level += 1
        if self.level > _NESTED:
            raise self.error("the formula is nested too deep", self.next.span)
        found = self.disjunction()
        if self.take("if"):
            test = self.truth(self.disjunction())
            if not self.take("else"):
                raise self.error("an 'if' needs its 'else'", self.next.span, "z if z > 0 else 0")
            found = self.node("if", (test, found, self.condition()))
        self.level -= 1
        return found

    def disjunction(self) -> Node:
        return self.joined("or", self.conjunction)

    def conjunction(self) -> Node:
        return self.joined("and", self.negation)

    def joined(self, word: str, part: Callable[[], Node]) -> Node:
        """Conditions joined by a word."""
        found = part()
        while self.take(word):
            found = self.node(word, (self.truth(found), self.truth(part())))
        return found

    def negation(self) -> Node:
        count, start = 0, self.next.span.start
        while self.take("not"):
            count += 1
        found = self.comparison()
        for _ in range(count):
            found = self.node("not", (self.truth(found),), start)
        return found

    def comparison(self) -> Node:
        left = self.sum()
        found: Node | None = None
        while self.next.text in (*COMPARISONS, "="):
            sign = self.advance()
            if sign.text == "=":
                raise self.error("a formula assigns nothing", sign.span, "a comparison is written '=='")
            right = self.sum()
            one = self.node(sign.text, (left, right))
            found = one if found is None else self.node("and", (found, one))
            left = right
        return found or left

    def sum(self) -> Node:
        return self.chain(("+", "-"), self.product)

    def product(self) -> Node:
        return self.chain(("*", "/"), self.sign)

    def chain(self, marks: tuple[str, str], part: Callable[[], Node]) -> Node:
        """Operators of equal rank, from left to right."""
        found = part()
        while self.next.text in marks:
            mark = self.advance().text
            found = self.node(mark, (found, part()))
        return found

    def sign(self) -> Node:
        minus, start = False, self.next.span.start
        signed = False
        while self.next.text in ("-", "+"):
            minus, signed = minus != (self.advance().text == "-"), True
        found = self.power()
        if not minus:
            return found
        if found.op == "number" and signed:
            return Node("number", (), -float(found.value or 0.0), Span(start, found.span.end))
        return self.node("neg", (found,), start)

    def power(self) -> Node:
        base = self.atom()
        if self.next.text not in ("^", "**"):
            return base
        self.level += 1
        if self.level > _NESTED:
            raise self.error("the formula is nested too deep", self.next.span)
        self.advance()
        found = self.node("^", (base, self.sign()))
        self.level -= 1
        return found

    def atom(self) -> Node:
        token = self.next
        if token.text != "(" and (token.kind not in ("number", "name") or token.text in _WORDS):
            raise self.unexpected()
        self.advance()
        if token.kind == "number":
            found = Node("number", (), float(token.text), token.span)
        elif token.text == "(":
            inner = self.condition()
            self.close(token)
            found = Node(inner.op, inner.args, inner.value, Span(token.span.start, self.before.span.end))
        else:
            found = self.named(token)
        found = self.indexed(found)
        self.check_what_follows(found)
        return found

    def indexed(self, vector: Node) -> Node:
        """An entry of a vector, z[j], where an index follows."""
        if not self.take("["):
            return vector
        index = self.advance()
        if index.text not in self.bound:
            has = f"here it can be {listed(self.bound, 'or')}" if self.bound else "for example: sum(j, z[j]^2)"
            raise self.error("an index is one that a sum runs over", index.span, has)
        if not self.take("]"):
            raise self.error("this index is not closed", self.next.span, f"write [{index.text}]")
        return self.checked(Node("at", (vector,), index.text, Span(vector.span.start, self.before.span.end)))

    @property
    def before(self) -> Token:
        return self.tokens[self.at - 1]

    def named(self, token: Token) -> Node:
        """A variable, a constant, or a function with its arguments."""
        if self.next.text == "(" and token.text not in self.names:
            return self.called(token)
        if token.text in self.names or token.text in (*CONSTANTS, "n"):
            return Node("name", (), token.text, token.span)
        if token.text in _PYTHON:
            raise self.error(f"{quoted(token.text)} is no part of a formula", token.span)
        if token.text in self.bound:
            return Node("index", (), token.text, token.span)
        raise self.error(f"unknown name {quoted(token.text)}", token.span, self.known(token.text))

    def called(self, token: Token) -> Node:
        opening = self.advance()
        indices = self.indices(token)
        if indices:
            return self.over_indices(token, opening, indices)
        arguments: list[Node] = []
        while self.next.text != ")":
            arguments.append(self.argument())
            if not self.take(","):
                break
        self.close(opening)
        span = Span(token.span.start, self.before.span.end)
        return self.checked(call(token.text, tuple(arguments), self.text, span, token.span))

    def indices(self, function: Token) -> list[str]:
        """The indices a sum runs over, i and j in sum(i, j, z[i] * z[j])."""
        found: list[str] = []
        if ALIASES.get(function.text, function.text) not in OVER_AN_INDEX:
            return found
        while self.next.text in INDICES and self.next.text not in self.names and self.tokens[self.at + 1].text == ",":
            found.append(self.advance().text)
            self.at += 1
        return found

    def over_indices(self, function: Token, opening: Token, indices: list[str]) -> Node:
        """A sum, a maximum ... of all entries that the indices take one to."""
        outer = self.bound
        self.bound = (*outer, *indices)
        found = self.condition()
        self.bound = outer
        again = len(set(indices)) < len(indices) or (set(indices) & set(outer) and found.free - set(indices))
        if again:
            raise self.error("an index stands for one entry at a time", function.span, f"there are {listed(INDICES)}")
        self.close(opening)
        for index in reversed(indices):
            op, span = ALIASES.get(function.text, function.text), Span(function.span.start, self.before.span.end)
            found = self.checked(Node(op, (found,), index, span))
        return found

    def argument(self) -> Node:
        """One argument; a parameter may be named, and its value may be a word."""
        name, sign = self.next, self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        if name.kind != "name" or sign.text != "=":
            return self.condition()
        self.at += 2
        value, after = self.next, self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        if value.kind == "name" and after.text in (",", ")") and value.text not in (*self.names, *CONSTANTS):
            self.at += 1
            return Node("=", (Node("word", (), value.text, value.span),), name.text, name.span)
        return Node("=", (self.condition(),), name.text, name.span)

    def known(self, name: str) -> str:
        """A hint for an unknown name."""
        functions = (*ARGUMENTS, *ALIASES)
        if name in functions:
            return f"a function has its argument in brackets: {name}({self.names[0] if self.names else '2'})"
        has = "a number's formula has no variables"
        if self.names:
            has = (
                f"it can be {listed(self.names, 'or')}, or a parameter with its value: -p {name}=2, in a spec {name}: 2"
            )
        return near(name, (*self.names, *functions, *CONSTANTS)) or has

    def check_what_follows(self, found: Node) -> None:
        """A number, name or bracket right after another is a multiplication without its sign."""
        after = self.next
        if (after.text != "(" and after.kind not in ("number", "name")) or after.text in _WORDS:
            return
        left = self.text[found.span.start : found.span.end]
        if after.text in _PYTHON:
            raise self.error(f"{quoted(after.text)} is no part of a formula", after.span)
        message = "a multiplication is written with '*'"
        raise self.error(message, after.span, f"write {left} * {after.text}" if len(left) < 30 else "")

    def close(self, opening: Token) -> None:
        """The bracket that closes `opening`."""
        if self.take(")"):
            return
        if self.next.kind == "end":
            raise self.error("this bracket is not closed", opening.span)
        raise self.unexpected()

    def take(self, text: str) -> bool:
        """Step over a token if it is this one."""
        if self.next.text != text:
            return False
        self.at += 1
        return True

    def advance(self) -> Token:
        token = self.next
        self.at += token.kind != "end"
        return token

    def truth(self, node: Node) -> Node:
        if not is_condition(node):
            raise self.error("this is a number, where a condition is needed", node.span, "a comparison, e.g. z > 0")
        return node

    def node(self, op: str, args: tuple[Node, ...], start: int | None = None) -> Node:
        ends = args if op != "if" else (args[1], args[2])
        return self.checked(
            Node(op, args, None, Span(ends[0].span.start if start is None else start, ends[-1].span.end))
        )

    def checked(self, node: Node) -> Node:
        if node.depth > DEEPEST:
            raise self.error(
                "the formula is nested too deep", node.span, f"at most {DEEPEST} operations in one another"
            )
        return node

    def unexpected(self) -> FormulaError:
        """The error for a token that cannot stand where it does."""
        token = self.next
        if token.kind == "end":
            return self.error("the formula breaks off", token.span, "something is missing at its end")
        hint = {
            ")": "no bracket is open here",
            "=": "a comparison is written '=='",
            "with": "it stands behind the whole formula: s * (1 - s) with s = sigmoid(z)",
            ",": "a decimal number has a point; arguments stand in the brackets of their function",
        }.get(token.text, "")
        if token.text == ")" and any(t.text == "(" for t in self.tokens[: self.at]):
            hint = "something is missing before it, or a bracket is closed that is not open"
        return self.error(f"{quoted(token.text)} cannot stand here", token.span, hint)

    def error(self, message: str, span: Span, hint: str = "") -> FormulaError:
        return FormulaError(message, self.text, span, hint)
