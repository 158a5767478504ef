"""Reports as text: widths kept, numbers cut and blocks made to fit, and text that no format mistakes for markup."""

from __future__ import annotations

import json
import math
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import in_process
from gradcalc.render.folding import folded
from gradcalc.render.markup import MARKUPS
from gradcalc.render.nested import json_pieces, json_text
from gradcalc.render.quantities import bare_text, long_text, plain_text
from gradcalc.render.tables import report_text
from gradcalc.results import Formula, Section, Table, Text

NUMBERS = [[math.pi * 10.0**e for e in range(-3, 9)], [-math.e / 10.0**e for e in range(12)]]


def table(columns: int, *, wrap: bool = True) -> Table:
    rows = [[f"W[{i}]", *row[:columns]] for i, row in enumerate(NUMBERS)]
    return Table("", ["hidden", *(f"[{i}]" for i in range(columns))], rows, wrap=wrap)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("columns", range(1, 13))
def test_a_table_keeps_to_the_width(width: int, columns: int) -> None:
    text = report_text([table(columns)], "table", width=width)
    assert max(map(len, text.splitlines())) <= width
    assert all(f"[{i}]" in text for i in range(columns))


def test_blocks_repeat_the_first_column_and_show_every_number_once() -> None:
    text = report_text([table(12)], "table", width=60)
    blocks = text.strip().split("\n\n")
    assert len(blocks) > 1
    assert all(block.splitlines()[2].startswith("W[0]") for block in blocks)
    numbers = [word for block in blocks for line in block.splitlines()[2:] for word in line.split()[1:]]
    assert len(numbers) == 24
    assert sorted(map(float, numbers)) == pytest.approx(sorted(NUMBERS[0] + NUMBERS[1]), rel=1e-5)


@pytest.mark.parametrize(("width", "digits"), [(200, 9), (60, 7), (50, 6), (40, 6)])
def test_numbers_have_as_many_digits_as_fit_but_six(width: int, digits: int) -> None:
    """The label and its gap take 5 columns (3 for a heading of its own), each number 4 and its digits."""
    columns = ["x", *(f"[{i}]" for i in range(5))]
    text = report_text([Table("", columns, [["x", *[1 / 3] * 5]], wrap=True)], "table", width=width)
    assert text.count(f" 0.{'3' * digits}") == 5
    assert f"0.{'3' * (digits + 1)}" not in text


def test_asked_for_digits_are_kept_at_any_width() -> None:
    assert "3.14159265358979" in report_text([Table("", ["x", "[0]"], [["x", math.pi]], wrap=True)], "table", digits=15)
    assert " 3.1\n" in report_text([Table("", ["x", "[0]"], [["x", math.pi]], wrap=True)], "table", digits=2)


def test_long_texts_are_folded_at_blanks() -> None:
    words = "one two three " * 20
    texts = Table("", ["name", "meaning"], [["first", words], ["second", "short"]])
    lines = report_text([texts, Text([words]), Formula([f"L = {words}"])], "table", width=50).splitlines()
    assert max(map(len, lines)) <= 50
    assert " ".join(lines).split().count("three") == 60
    assert sum(line.startswith(("    one", "    t")) for line in lines) >= 4, "an equation hangs"


@pytest.mark.parametrize("format_name", MARKUPS)
def test_finished_text_is_neither_read_nor_changed(format_name: str) -> None:
    """Tabulate would turn 1e5 into 100000.0 and 007 into 7."""
    text = report_text([Table("", ["key", "value"], [["a", "1e5"], ["b", "007"], ["c", "0x1"]])], format_name)
    assert "1e5" in text and "007" in text and "0x1" in text


@pytest.mark.parametrize("format_name", MARKUPS)
def test_only_the_table_format_knows_a_width(format_name: str) -> None:
    wide, narrow = (report_text([table(12)], format_name, width=width) for width in (200, 60))
    assert (wide == narrow) == (format_name != "table")


SPECIAL = "a|b <c> x^T d_e * f & 50 % {g} #h $i ~j \\k"


def test_markdown_escapes_what_is_markup_there() -> None:
    text = report_text([Section("f_prime"), Table("", ["x|y", "="], [["z", SPECIAL]]), Text(["a*b*c"])], "markdown")
    cells = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") == 3 for line in cells)
    assert "## f\\_prime" in text and "a\\*b\\*c" in text


def test_latex_escapes_what_is_markup_there() -> None:
    text = report_text([Section(SPECIAL), Table("", ["x"], [[SPECIAL]]), Text([SPECIAL])], "latex")
    for line in text.splitlines():
        bare = line.replace("\\&", "").replace("\\%", "").replace("\\#", "").replace("\\$", "").replace("\\_", "")
        assert "%" not in bare and "#" not in bare and "$" not in bare.replace("\\$", "")
    assert text.count("\\begin{tabular}") == text.count("\\end{tabular}") == 1


def test_html_escapes_what_is_markup_there() -> None:
    report = [Section(SPECIAL), Table("", [SPECIAL], [[SPECIAL]]), Text([SPECIAL]), Formula([SPECIAL])]
    text = report_text(report, "html")
    assert "<c>" not in text
    assert text.count("&lt;c&gt;") == 5


def test_parts_of_a_line_are_formatted_and_joined() -> None:
    assert report_text([Text([("L = ", 1 / 3, "; N = ", 4)])], "table") == "L = 0.333333333; N = 4\n"
    assert report_text([Text([("L = ", 1 / 3)])], "table", digits=3) == "L = 0.333\n"


def test_a_name_wider_than_the_table_leaves_the_other_columns_their_words() -> None:
    row = ["folder/" * 20, "failed", "sign_flipped (hidden), transposed (output)"]
    text = report_text([Table("", ["file", "result", "mistakes"], [row])], "table", width=60)
    assert "folder/" * 20 in text
    assert all(word in text.split() for word in ("failed", "sign_flipped", "transposed"))


def test_rows_without_any_number_in_a_block_are_left_out_of_it() -> None:
    uneven = Table(
        "", ["x", *(f"[{i}]" for i in range(12))], [["long", *NUMBERS[0]], ["short", 1.0, *[None] * 11]], wrap=True
    )
    blocks = report_text([uneven], "table", width=60).strip().split("\n\n")
    assert ["short" in block for block in blocks] == [True] + [False] * (len(blocks) - 1)


def test_json_keeps_a_row_of_numbers_on_a_line_and_is_strict() -> None:
    value = {"a": [[0.1] * 30, [float("nan"), float("inf"), -float("inf")]], "b": {"c": None, "d": "e"}, "f": []}
    lines = json_text(value).splitlines()
    assert [line.strip() for line in lines][1:5] == [
        '"a": [', f"[{', '.join(['0.1'] * 30)}],", '["NaN", "Infinity", "-Infinity"]', "],",
    ]  # fmt: skip
    assert '"b": {"c": null, "d": "e"},' in lines[5]
    assert "\n" not in json_text(value, indent=None)
    assert json_text(1 / 3, 3) == "0.333"


def test_bare_numbers() -> None:
    assert bare_text([0.5, 1e-3]) == "0.5 0.001\n"
    assert bare_text([[0.5, 1.0]], 3) == "0.500 1.00\n"
    assert bare_text([[[1.0, 2.0], [3.0, 4.0]], 5.0]) == "1 2\n3 4\n5\n"
    assert bare_text([[[[1.0], [2.0]], [[3.0], [4.0]]]]) == "1\n2\n3\n4\n"


def test_long_lines_and_plain_lines_carry_the_address() -> None:
    quantities = [("", "loss", 0.5), ("hidden", "W", [[1.0, 2.0], [3.0, 4.0]])]
    assert "".join(long_text(quantities, ",")).splitlines() == [
        "layer,quantity,index,value",
        ",loss,,0.5",
        "hidden,W,[0][0],1",
        "hidden,W,[0][1],2",
        "hidden,W,[1][0],3",
        "hidden,W,[1][1],4",
    ]
    assert "".join(long_text([("h", "dW[0]", [1.0]), ("h", "b[1]", 2.0)], "\t")).splitlines()[1:] == [
        "h\tdW\t[0][0]\t1",
        "h\tb\t[1]\t2",
    ]
    assert "".join(plain_text(quantities)) == "loss 0.5\nhidden.W[0] 1 2\nhidden.W[1] 3 4\n"


# JSON in pieces

NESTED = st.recursive(
    st.floats(allow_nan=False) | st.text("ab\n", max_size=3) | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdefgh", max_size=8), inner, max_size=4),
    max_leaves=30,
)


@given(NESTED, st.sampled_from([None, 4]), st.sampled_from([None, 0]))
def test_json_in_pieces_is_json(value: object, digits: int | None, indent: int | None) -> None:
    text = "".join(json_pieces(value, digits, indent))
    assert text == json_text(value, digits, indent)
    assert indent is not None or "\n" not in text
    if digits is None:
        assert json.loads(text.replace('"Infinity"', "Infinity").replace('"-Infinity"', "-Infinity")) == value


def test_json_makes_its_items_one_at_a_time() -> None:
    made: list[int] = []

    def row(number: int) -> list[float]:
        made.append(number)
        return [0.5] * 40

    pieces = json_pieces({"layers": [{"name": "h", **{f"q{i}": partial(row, i) for i in range(5)}}]})
    seen = [len(made) for _ in pieces]
    assert made == [0, 1, 2, 3, 4]
    assert len(json.loads("".join(json_pieces({"a": partial(row, 5), "b": partial(row, 6)})))["b"]) == 40
    assert seen[0] == 0


def test_a_long_formula_goes_on_behind_its_equals_sign() -> None:
    long = " + ".join(["z"] * 12)
    assert folded(f"L(a, y) = {long}", 30) == [
        "L(a, y) = z + z + z + z + z +",
        "          z + z + z + z + z +",
        "          z + z",
    ]
    lines = folded(f"f(z) = s * (1 - s) with s = {long}", 30)
    assert lines[0] == "f(z) = s * (1 - s)" and lines[1].startswith("       with s = z")
    assert folded(f"relu with alpha = {long}", 30)[1].startswith("  z")
    assert folded(long, 30)[1].startswith("  ") and folded(long, None) == [long]
    for word in ("gelu_tanh 1", "triplet_margin 1 2 --with positive=1,1 --with negative=3,4"):
        assert max(map(len, in_process("eval", *word.split()).out.splitlines())) <= 80
