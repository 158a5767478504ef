"""Exit codes and error messages, with real processes where only a process can show them."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from commands import as_process, in_process
from gradcalc import cli
from gradcalc.cli import output

GRADCALC = f"'{sys.executable}' -m gradcalc"


def shell(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A script run by sh, with `gradcalc` as the command under test."""
    script = f'gradcalc() {{ {GRADCALC} "$@"; }}\n{script}'
    env = {**os.environ, **environment}
    env.pop("PYTHONUNBUFFERED", None)  # users' output is buffered
    return subprocess.run(["sh", "-c", script], capture_output=True, encoding="utf-8", env=env, check=False)


@pytest.mark.parametrize("words", [["eval", "relu", "1"], ["--help"], ["--version"], ["eval", "-h"]])
def test_done_is_0(words: list[str]) -> None:
    outcome = in_process(*words)
    assert (outcome.code, outcome.err) == (0, "") and outcome.out


#: Wrong use, and what the one line on stderr must say.
WRONG = {
    "": "no command given",
    "evla relu 1": "there is no command 'evla'; did you mean eval?",
    "sigmoid 0.5 -1": "did you mean 'gradcalc eval sigmoid 0.5 -1'?",
    "net.yaml": "did you mean 'gradcalc backprop net.yaml'?",
    "-1": "there is no option '-1'",
    "--hlp": "did you mean --help?",
    "eval": "missing argument 'FUNCTION'; see 'gradcalc eval --help'",
    "eval relu": "relu needs an input; for example: gradcalc eval relu 0.5",
    "eval rleu 1": "there is no function 'rleu'; did you mean relu",
    "eval relu 1 --formt csv": "there is no option '--formt'; did you mean --format or --formula?",
    "eval relu 1 --format jsno": "--format cannot be 'jsno'; did you mean json",
    "eval relu 1 --digits 0": "--digits must be a whole number from 1 to 17, not '0'",
    "eval relu 1 --order 3": "--order cannot be '3'; it can be 1 or 2",
    "eval relu 1 --linspace 1 2": "option '--linspace' requires 3 arguments",
    "eval relu --linspace 1 2 0": "NUM must be a whole number of at least 1, not '0'",
    "eval relu --linspace 1 inf 3": "START and STOP must be finite",
    "eval relu - -": "standard input (-) can be read only once",
    "eval relu --input no/such.txt": "cannot read 'no/such.txt': No such file or directory",
    "eval relu --input .": "cannot read '.': Is a directory",
    "eval relu 1 -p alpha=1": "relu has no parameter 'alpha'",
    "eval leaky_relu 1 -p alpa=1": "did you mean alpha?",
    "eval leaky_relu 1 -p alpha=nan": "alpha must be a number, not nan",
    "eval relu 1 --only value --only derivatve": "there is no quantity 'derivatve'",
    "eval relu 1 --output=": "--output needs the name of a file",
    'eval square {"input":[1],"target":[2,3]}': "target: 2 values for 1 input; give one for all",
    "eval leaky_relu 1 -p alpha": "--param takes NAME=VALUE, not 'alpha'",
    "eval leaky_relu 1 -p alpha=1 -p alpha=2": "alpha is given twice",
    "eval lp_norm 1 2 -p p=-1": "p must be above 0, not -1",
    "eval relu 1 --only vlue": "there is no quantity 'vlue'; did you mean value?",
    "eval relu 1 --only ,": "--only names quantities",
    "eval relu 1 --only vjp": "no upstream gradient is given",
    "eval relu 1 --only target": "relu is an activation",
    "eval relu 1 --only second_derivative": "--order 2 adds it",
    "eval relu 1 -y 1": "relu is an activation and takes no target",
    "eval relu 1 --scale 2": "relu is an activation",
    "eval relu 1 --reduction mean": "relu is an activation",
    "eval relu 1 --with weight=1": "takes no further inputs",
    "eval relu 1 --vector": "--vector is for functions of a vector",
    "eval relu 1 --wrt alpha": "no derivative by 'alpha'",
    "eval mse 1 2 -y 1 --reduction mean": "gives one number per example already",
    "eval mse 1 2 -y 1 --order 2": "second derivatives are for elementwise functions",
    "eval mse 1 2 -y 1 --with wieght=1": "takes no 'wieght'; did you mean weight?",
    "eval square 1": "squared_error needs a target",
    "eval square 1 --target-class 1": "takes numbers as its target",
    "eval square 1 2 3 -y 1,2": "target: 2 values, but more inputs than that",
    "eval square 1 -y 1,2": "target: 2 values, but 1 input",
    "eval square 1 -y 1 --order 2 --wrt target": "second derivatives are by the input",
    "eval nll 1.5 -y 1": "the prediction must be in [0, 1], not 1.5; for logits there is bce_with_logits",
    "eval nll 0.5 -y 2": "the target must be in [0, 1], not 2",
    "eval hinge 1 -y 0": "the target must be -1 or 1",
    "eval cross_entropy 0.2 1.8 --target-class 0": "not 1.8; for logits there is softmax_cross_entropy",
    "eval softmax_cross_entropy 1 2 3 -y 2": "for the number of a class use --target-class",
    "eval softmax_cross_entropy 1 2 3 --target-class 3": "there is no class 3 among 3; they count from 0 to 2",
    "eval softmax_cross_entropy 1 2 3 --target-class -1": "there is no class -1 among 3",
    "eval softmax_cross_entropy 1 2 3 --target-class 1.5": "a whole number, not 1.5",
    "eval softmax_cross_entropy 1 2 3 --target-class 1 -y 1,0,0": "exclude each other",
    "eval softmax_cross_entropy 1 2 3": "needs a target; give one with --target (-y) or --target-class",
    "eval softmax_cross_entropy 1 2 3 -y 1,0": "the target has 2 numbers for an input of 3",
    "eval svm 1 2 3 -y 1,1,0": "the target is a class",
    "eval softmax 1 2 -u 1": "the upstream gradient has 1 number for an output of 2",
    "eval lp_norm 1,2 -u 1,2": "upstream: 2 values, but 1 input",
    "eval softmax 1 2,3": "single numbers form one vector",
    "eval relu {\"input\":1,\"inptu\":2}": "a point has no 'inptu'; did you mean input?",
    "eval relu {\"upstream\":1}": "a point needs an input",
    "eval relu {\"input\":true}": "input must be a number",
    "eval relu {\"input\":1,\"input\":2}": "given twice",
    "eval relu {\"input\":": "not a JSON object",
}  # fmt: skip


@pytest.mark.parametrize("line", WRONG)
def test_wrong_use_is_2_and_says_once_what_is_wrong(line: str) -> None:
    outcome = in_process(*line.split())
    assert (outcome.code, outcome.out) == (2, "")
    assert WRONG[line] in outcome.err
    assert len(re.findall(r"^gradcalc: error: ", outcome.err, re.MULTILINE)) == 1
    assert "Traceback" not in outcome.err and outcome.err.isascii()


def test_an_internal_error_is_3_and_its_traceback_is_shown_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(words: list[str]) -> None:
        raise ZeroDivisionError("nobody expected this\n\x1b[31m" + "!" * 1000)

    monkeypatch.setattr(cli, "_invoke", fail)
    outcome = in_process("eval", "relu", "1")
    assert (outcome.code, outcome.err.count("\n")) == (3, 1)
    assert outcome.err.startswith("gradcalc: error: internal error: ZeroDivisionError: nobody expected this")
    assert "\x1b" not in outcome.err and len(outcome.err) < 400
    for words in (["--debug", "eval"], ["eval", "relu", "--debug", "1"]):
        assert "Traceback" in in_process(*words).err


def test_after_two_dashes_debug_is_an_argument() -> None:
    assert "INPUT 1: not a number: '--debug'" in in_process("eval", "relu", "--", "--debug").err


#: Outputs that cannot be written.
UNWRITABLE = {
    "gradcalc eval relu 1 >&-": "standard output is closed",
    "gradcalc --help >&-": "standard output is closed",
    "gradcalc eval relu 1 >/dev/full": "No space left on device",
    "gradcalc --version >/dev/full": "No space left on device",
    "gradcalc eval relu 1 --output no/such/folder": "cannot write",
    "gradcalc eval relu 1 --output /dev/full": "No space left on device",
    "yes 0.5 | gradcalc eval relu - >/dev/full": "No space left on device",
}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("script", UNWRITABLE)
def test_output_that_cannot_be_written_is_3(script: str) -> None:
    done = shell(script)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert done.stderr.startswith("gradcalc: error: cannot write ") and UNWRITABLE[script] in done.stderr


def test_a_closed_stdout_does_not_matter_to_a_file(tmp_path: Path) -> None:
    assert shell(f"gradcalc eval relu 1 --output '{tmp_path}/out' >&-").returncode == 0
    assert (tmp_path / "out").read_text().splitlines()[-1].split() == ["1", "1", "1"]


def test_a_closed_stdin_is_2() -> None:
    done = shell("gradcalc eval relu - <&-")
    assert (done.returncode, done.stderr) == (2, "gradcalc: error: standard input is closed\n")


def test_a_closed_stderr_keeps_the_code() -> None:
    assert shell("gradcalc eval relu x 2>&-").returncode == 2
    assert shell("gradcalc eval softmax 1 2>&-").returncode == 0


@pytest.mark.parametrize("format_name", ["table", "plain", "json", "csv"])
def test_a_closed_pipe_is_quiet(format_name: str) -> None:
    script = f"{{ yes 0.5 | gradcalc eval relu - --format {format_name}; echo $? >&2; }} | head -n 1"
    done = shell(script)
    assert (done.stderr, len(done.stdout.splitlines())) == ("0\n", 1)


def test_interrupted_is_130() -> None:
    command = [sys.executable, "-m", "gradcalc", "eval", "relu", "-", "--format", "plain"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(b"2\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"2 2 1\n"  # it runs, and waits for more
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
        assert process.stderr.read() == b""


def test_interrupted_while_it_starts_is_130() -> None:
    script = """if True:
        import builtins
        from gradcalc.__main__ import main
        load = builtins.__import__
        def interrupted(name, *rest):
            if name == "gradcalc.cli":
                raise KeyboardInterrupt
            return load(name, *rest)
        builtins.__import__ = interrupted
        main()
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (130, b"")


def test_a_character_the_terminal_has_not_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "ascii"))
    output.prepare()
    print("\u03c3(z)")
    output.flush()
    assert written.getvalue() == b"\\u03c3(z)\n"


@pytest.mark.parametrize("variables", ["LC_ALL=C", "PYTHONIOENCODING=ascii", "PYTHONUTF8=0 LC_ALL=POSIX"])
def test_no_locale_stops_an_answer_or_an_error(variables: str) -> None:
    environment = dict(pair.split("=") for pair in variables.split())
    done = shell("gradcalc eval relu 1 --format plain && gradcalc eval relu 1 '\u00e9'", **environment)
    assert (done.returncode, done.stdout) == (2, "1 1 1\n")
    assert done.stderr.startswith("gradcalc: error: INPUT 2: not a number: ")


def test_it_runs_as_a_module_under_its_own_name() -> None:
    assert as_process("--version").out.startswith("gradcalc ")
    assert "Usage: gradcalc eval " in as_process("eval", "--help").out


@pytest.mark.parametrize("width", ["20", "60", "80", "200"])
def test_help_stands_at_any_width(width: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", width)
    for name in ("", *cli.COMMANDS):
        outcome = in_process(*name.split(), "--help")
        assert (outcome.code, outcome.err) == (0, "") and outcome.out.isascii()
