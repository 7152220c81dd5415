from __future__ import annotations

from pathlib import Path

import check_leaks
import check_readme
import generate
import pytest


def document(root: Path, text: str) -> list[str]:
    (root / "Makefile").write_text("include .ci/verbs.mk\nsetup: ## Set up\n\techo\n", encoding="utf-8")
    (root / "code.py").write_text("# [part]\nif True:\n    print(1)\n# [/part]\n", encoding="utf-8")
    (root / "README.md").write_text(text, encoding="utf-8")
    return check_readme.problems_of(root / "README.md", root)


GOOD = [
    "<!-- file: code.py -->\n```python\n# [part]\nif True:\n    print(1)\n# [/part]\n```\n",
    "<!-- file: code.py#part -->\n```python\nif True:\n    print(1)\n```\n",
    "```sh\nmake setup # comment\n$ make setup A=b\necho make nothing\n```\n",
    "[here](code.py) [there](https://example.com/x) [above](#top) `[x](y)`\n".replace("`[x](y)`", ""),
]
BAD = [
    ("<!-- file: code.py -->\n```python\nprint(2)\n```\n", "not what code.py holds"),
    ("<!-- file: code.py#other -->\n```python\nprint(1)\n```\n", "no file or part code.py#other"),
    ("<!-- file: gone.py -->\n```python\nprint(1)\n```\n", "no file or part gone.py"),
    ("<!-- file: code.py -->\ntext\n```python\nprint(1)\n```\n", "no code block right under it"),
    ("```sh\nmake stup\n```\n", "no verb stup"),
    ("```sh\nmake -C server setup\n```\n", "server/Makefile has no verb setup"),
    ("see [the guide](docs/gone.md)\n", "leads nowhere"),
]


@pytest.mark.parametrize("text", GOOD)
def test_a_document_that_fits_has_no_problem(tmp_path: Path, text: str) -> None:
    assert document(tmp_path, text) == []


@pytest.mark.parametrize(("text", "problem"), BAD)
def test_a_document_that_does_not_fit_is_told(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = document(tmp_path, text)
    assert problem in found


def test_marked_code_blocks_are_brought_up_to_date_and_nothing_else(tmp_path: Path) -> None:
    text = "```python\nprint(3)\n```\n\n<!-- file: code.py#part -->\n```python\nold\n```\nthe end\n"
    assert len(document(tmp_path, text)) == 1
    assert check_readme.refresh(tmp_path / "README.md", tmp_path)
    expected = text.replace("old", "if True:\n    print(1)")
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == expected
    assert not check_readme.refresh(tmp_path / "README.md", tmp_path)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("notes.md", "see /somewhere/checkout/file"),
        ("notes.md", "see /" + "home/ann/file"),
        ("a.lock", '"resolved": "' + 'https://example.com/x.tgz"'),
        ("requirements.txt", "--index" + "-url https://example.com"),
        (".npmrc", "registry" + "=https://example.com"),
    ],
)
def test_a_leak_is_told_with_its_line(name: str, line: str) -> None:
    leaks = check_leaks.leaks_of(name, f"fine\n{line}\n", ["/somewhere/checkout"])
    assert leaks
    assert all(leak.startswith(f"{name}:2: ") for leak in leaks)


@pytest.mark.parametrize("line", ["a/home/ann/x", "$ROOT/home/x/", "https://example.com/home", "--hash=sha256:00"])
def test_what_names_no_machine_is_no_leak(line: str) -> None:
    assert check_leaks.leaks_of("requirements.txt", line, ["/somewhere/checkout"]) == []


def test_stale_missing_and_left_over_code_is_told(tmp_path: Path) -> None:
    committed, fresh = tmp_path / "committed", tmp_path / "fresh"
    for folder in (committed, fresh):
        (folder / "v1").mkdir(parents=True)
        (folder / "v1" / "same_pb2.py").write_text("x", encoding="utf-8")
    (committed / "v1" / "job_pb2.py").write_text("old", encoding="utf-8")
    (fresh / "v1" / "job_pb2.py").write_text("new", encoding="utf-8")
    (committed / "v1" / "gone_pb2.pyi").write_text("x", encoding="utf-8")
    (fresh / "v1" / "more_pb2_grpc.py").write_text("x", encoding="utf-8")
    assert generate.differences(committed, fresh) == [
        "missing: v1/more_pb2_grpc.py",
        "left over: v1/gone_pb2.pyi",
        "stale: v1/job_pb2.py",
    ]
