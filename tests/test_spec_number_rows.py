"""Rows of numbers as text: separators, headers and encodings, and the line and column of what is no number."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcalc.errors import InputError
from gradcalc.spec import number_rows
from gradcalc.spec.number_rows import read_rows

ROWS = {
    "1,2\n3,4\n": [[1, 2], [3, 4]],
    "1,2\r\n3,4": [[1, 2], [3, 4]],
    "1, 2 \n-3e-1 ,+.5\n": [[1, 2], [-0.3, 0.5]],
    "x1,x2\n1,2\n": [[1, 2]],
    '"x, first","y"\n"1","2"\n': [[1, 2]],
    ",a\n1,2\n": [[1, 2]],
    "1;2\n3;4\n": [[1, 2], [3, 4]],
    "1\t2\n3\t4\n": [[1, 2], [3, 4]],
    "  1 2\n3   4\n\n": [[1, 2], [3, 4]],
    "# by numpy.savetxt\n# two lines\n1.0e+00 2.0e+00\n\n# more\n3 4\n": [[1, 2], [3, 4]],
    "7\n8\n9\n": [[7], [8], [9]],
    "7": [[7]],
    "1,2,3\n": [[1, 2, 3]],
}


@pytest.mark.parametrize("text", ROWS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_rows_of_text_are_rows_of_numbers(text: str, encoding: str) -> None:
    assert read_rows(io.BytesIO(text.encode(encoding)), "x.csv").tolist() == ROWS[text]


BAD_ROWS = {
    "1,2\n3\n": "x.csv:2: this row has 1 number, but line 1 has 2",
    "a,b\n1,2\n\n1,2,3\n": "x.csv:4: this row has 3 numbers, but line 2 has 2",
    "1,2\n3,\n": "x.csv:2:3: cell 2 is empty",
    "1,2\n,3\n": "x.csv:2:1: cell 1 is empty",
    "1,2\n3, abc\n": "x.csv:2:4: cell 2 is 'abc', not a number",
    "1 2\n3  abc\n": "x.csv:2:4: cell 2 is 'abc', not a number",
    "1,two\n": "x.csv:1:3: cell 2 is 'two', not a number",
    "1,nan\n": "x.csv:1:3: cell 2 is nan, not a finite number",
    "a\n-Infinity\n": "x.csv:2:1: cell 1 is -Infinity, not a finite number",
    "1;2,5\n": "x.csv:1:3: cell 2 is '2,5', not a number; write decimals with a point: 0.5",
    "1_0\n2\n3_0\n": "x.csv:3:1: cell 1 is '3_0', not a number",
    "1\n2\n\u0663\n": "x.csv:3:1: cell 1 is '\u0663', not a number",
    "1\n=1+1\n": "x.csv:2:1: cell 1 is '=1+1', not a number",
    "1\n\x1b[31m\n": r"x.csv:2:1: cell 1 is '\x1b[31m', not a number",
    "": "x.csv holds no numbers",
    "\n \n": "x.csv holds no numbers",
    "a,b\n": "x.csv holds no numbers",
}


@pytest.mark.parametrize("text", BAD_ROWS)
def test_bad_rows_say_line_and_column(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_rows(io.BytesIO(text.encode()), "x.csv")
    assert str(caught.value).startswith(BAD_ROWS[text])


def test_bytes_that_are_no_text_are_no_numbers() -> None:
    with pytest.raises(InputError, match=r"x.csv:2:3: cell 2 is '\\xff4', not a number"):
        read_rows(io.BytesIO(b"1,2\n3,\xff4\n"), "x.csv")


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(number_rows, "_LONGEST_LINE", 10)
    assert read_rows(io.BytesIO(b"1,2,3,4\n5,6,7,8\n"), "x.csv").shape == (2, 4)
    with pytest.raises(InputError, match=r"x.csv:2: this line is too long"):
        read_rows(io.BytesIO(b"1,2,3,4\n5,6,7,8,9,0,1\n"), "x.csv")


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=40) | st.text('0123456789.,;-+e \t\n\r"#nai', max_size=40).map(str.encode))
def test_any_bytes_are_rows_or_one_of_our_errors(data: bytes) -> None:
    try:
        assert read_rows(io.BytesIO(data), "x.csv").ndim == 2
    except InputError as error:
        assert str(error)
