"""How answers look: the list of output formats. Only this package formats numbers or knows tabulate."""

from __future__ import annotations

from typing import NamedTuple


class Format(NamedTuple):
    """An output format: its name, what it is for, and tabulate's name for it where tabulate writes it."""

    name: str
    title: str
    tabulate: str = ""


#: Every output format, by name; the first is the default.
FORMATS = {
    f.name: f
    for f in (
        Format("table", "aligned columns, for people", "simple"),
        Format("plain", "numbers with blanks between and no headings, for awk and read", "plain"),
        Format("json", "one JSON document"),
        Format("jsonl", "one JSON object a line"),
        Format("csv", "comma-separated values with a header"),
        Format("tsv", "tab-separated values with a header"),
        Format("markdown", "a Markdown table", "github"),
        Format("latex", "a LaTeX tabular with booktabs rules", "latex_booktabs"),
        Format("html", "an HTML table", "html"),
    )
}

#: Formats that graders read; only `check` writes them.
GRADERS = {
    f.name: f
    for f in (
        Format("tap", "the test harnesses' protocol, TAP 14; only of check"),
        Format("junit", "JUnit's XML, for Jenkins, GitHub and GitLab; only of check"),
        Format("gradescope", "Gradescope's results.json; only of check"),
    )
}
