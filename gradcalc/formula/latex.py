"""A tree as LaTeX, for the mathematics mode of any document."""

from __future__ import annotations

from gradcalc.formula.show import ATOM, RANKS, between, number_text, rank
from gradcalc.formula.tree import COMPARISONS, Node, binds, is_condition, is_number

_GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "pi",
    "rho", "sigma", "tau", "phi", "chi", "psi", "omega",
)  # fmt: skip
_NAMES = {"inf": r"\infty", "lambda_": r"\lambda"}
_COMPARISONS = {"<": "<", "<=": r"\le", ">": ">", ">=": r"\ge", "==": "=", "!=": r"\ne"}
_FUNCTIONS = {
    "exp": r"\exp", "log": r"\ln", "sin": r"\sin", "cos": r"\cos", "tan": r"\tan", "sinh": r"\sinh",
    "cosh": r"\cosh", "tanh": r"\tanh", "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "max": r"\max",
    "min": r"\min", "log2": r"\log_{2}", "log10": r"\log_{10}", "sigmoid": r"\sigma", "sum": r"\sum", "prod": r"\prod",
}  # fmt: skip
_OVER = {"sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min"}
_FENCES = {"abs": (r"\lvert", r"\rvert"), "floor": (r"\lfloor", r"\rfloor"), "ceil": (r"\lceil", r"\rceil")}


def latex(node: Node) -> str:
    """The formula as LaTeX."""
    op, args = node.op, node.args
    if op == "number":
        return _number(float(node.value or 0.0))
    if op in ("name", "word", "index"):
        return _name(str(node.value))
    if op == "=":
        return f"{_name(str(node.value))} = {latex(args[0])}"
    if op == "if":
        return _cases(node)
    if op == "/":
        return rf"\frac{{{latex(args[0])}}}{{{latex(args[1])}}}"
    if op == "^":
        return _power(*args)
    if op == "neg":
        return f"-{_within(args[0], RANKS['*'])}"
    if op == "not":
        return rf"\lnot {_within(args[0], 3)}"
    if op == "with":
        parts = r", \quad ".join(f"{_name(str(part.value))} = {latex(part.args[0])}" for part in args[1:])
        return rf"{latex(args[0])} \quad \text{{with }} {parts}"
    if op == "at":
        return f"{_base(args[0])}_{{{node.value}}}"
    if binds(node):
        return _over_index(node)
    return _chain(node) or (_binary(op, *args) if op in RANKS else _call(node))


def _number(value: float) -> str:
    if value - value != 0.0:
        return r"\infty" if value > 0 else r"-\infty"
    digits, _, exponent = number_text(value).partition("e")
    if not exponent:
        return digits
    return rf"{digits} \cdot 10^{{{int(exponent)}}}"


def _name(name: str) -> str:
    """A letter as it is, a Greek one by its name, several in upright type."""
    if name in _NAMES:
        return _NAMES[name]
    if len(name) == 1:
        return name
    if name in _GREEK:
        return f"\\{name}"
    escaped = name.replace("_", r"\_")
    return rf"\mathrm{{{escaped}}}"


def _cases(node: Node) -> str:
    """Branches below one another."""
    rows: list[str] = []
    while node.op == "if":
        test, then, node = node.args
        rows.append(rf"{latex(then)} & \text{{if }} {latex(test)}")
    rows.append(rf"{latex(node)} & \text{{otherwise}}")
    lines = r" \\ ".join(rows)
    return rf"\begin{{cases}} {lines} \end{{cases}}"


def _power(base: Node, exponent: Node) -> str:
    if is_number(exponent, 0.5):
        return rf"\sqrt{{{latex(base)}}}"
    if base.op in _FUNCTIONS and base.op not in _OVER:
        return rf"{_FUNCTIONS[base.op]}^{{{latex(exponent)}}}{_brackets(base.args)}"
    return f"{_base(base)}^{{{latex(exponent)}}}"


def _base(node: Node) -> str:
    """What a power or an index is put to; a fraction or cases stand in brackets too."""
    plain = node.op in ("number", "name", "at", *_FENCES) and rank(node) == ATOM
    return latex(node) if plain else _fenced(node)


def _over_index(node: Node) -> str:
    """A sum and its like with the index below it; what follows is in brackets where it could end too early."""
    sign = _OVER.get(node.op, rf"\operatorname*{{{node.op}}}")
    inner = node.args[0]
    after = latex(inner) if binds(inner) or rank(inner) >= RANKS["*"] else _fenced(inner)
    return f"{sign}_{{{node.value}}} {after}"


def _chain(node: Node) -> str:
    """0 < z < 1."""
    found = between(node)
    if not found:
        return ""
    low, high = found
    return f"{latex(low)} {_COMPARISONS[high.op]} {_within(high.args[1], RANKS['<'] + 1)}"


def _binary(op: str, left: Node, right: Node) -> str:
    sign = {"*": r"\cdot", "and": r"\land", "or": r"\lor", **_COMPARISONS}.get(op, op)
    after = latex(right)
    too_loose = rank(right) <= RANKS[op] and right.op != "/" and not (op == "+" and right.op == "+")
    if too_loose or (after.startswith("-") and op not in COMPARISONS):
        after = _fenced(right, RANKS[op] + (op in COMPARISONS)) if rank(right) <= RANKS[op] else _bracketed(after)
    if op == "*" and is_number(left) and "cdot" not in latex(left) and not after[:1].isdigit():
        return f"{latex(left)} \\, {after}"
    return f"{_within(left, RANKS[op] + (op in COMPARISONS))} {sign} {after}"


def _call(node: Node) -> str:
    op, args = node.op, node.args
    if op in _FENCES:
        left, right = _FENCES[op]
        return rf"\left{left} {latex(args[0])} \right{right}"
    if op == "sqrt":
        return rf"\sqrt{{{latex(args[0])}}}"
    if op == "cbrt":
        return rf"\sqrt[3]{{{latex(args[0])}}}"
    if op == "norm":
        p = latex(args[1]) if len(args) > 1 else "2"
        return rf"\left\lVert {latex(args[0])} \right\rVert_{{{p}}}"
    escaped = op.replace("_", r"\_")
    name = _FUNCTIONS.get(op, rf"\operatorname{{{escaped}}}")
    return f"{name}{_brackets(args)}"


def _brackets(args: tuple[Node, ...]) -> str:
    return _bracketed(", ".join(map(latex, args)))


def _bracketed(inner: str) -> str:
    return rf"\left({inner}\right)"


def _fenced(node: Node, least: int = ATOM) -> str:
    """A part in brackets; square ones make a number of a condition, 1 where it holds."""
    if is_condition(node) and least > RANKS["<"]:
        return rf"\left[{latex(node)}\right]"
    return _bracketed(latex(node))


def _within(node: Node, least: int) -> str:
    """A node's LaTeX, in brackets where it binds less tightly than `least`; a fraction needs none."""
    return latex(node) if rank(node) >= least or node.op == "/" else _fenced(node, least)
