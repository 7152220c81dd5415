from __future__ import annotations

from pathlib import Path

import pytest
import sdk_readmes
from sdk_readmes import TEMPLATE, flow, readme_of, spell

PARTS = """
language = "Tamil"
code = "python"
spelling = "camel"
install = '''
Once `pip install`:

{{>push}}
'''
[programs]
push = "push.py"
"""
PAGE = "# For {{language}}\n\n{{install}}\n\nSay `{{:max_attempts}}`. {{more?}}\n"


def readme(root: Path, template: str = PAGE, parts: str = PARTS, **more_files: str) -> tuple[str, list[str]]:
    files = {TEMPLATE.as_posix(): f"<!-- a note -->\n{template}", "sdk-x/readme/parts.toml": parts}
    files["sdk-x/readme/push.py"] = "print('{{install}}',   1)\n\n\nprint(2)\n"
    files |= {f"sdk-x/readme/{name}.py": text for name, text in more_files.items()}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return readme_of("sdk-x", root)


def test_parts_programs_and_names_fill_the_template(tmp_path: Path) -> None:
    text, problems = readme(tmp_path)
    assert problems == []
    assert text == (
        "<!-- Made from docs/templates/sdk-readme.md and sdk-x/readme by 'make generate'. -->\n\n# For Tamil\n\n"
        "Once `pip install`:\n\n"
        "```python\n# push.py\nprint('{{install}}',   1)\n\n\nprint(2)\n```\n\n"
        "Say `maxAttempts`.\n"
    )


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        (f"{PAGE}{{{{gone}}}}", "parts.toml has no part gone"),
        (f"{PAGE}{{{{>gone}}}}", "there is no program gone"),
        ("{{language}} {{>push}}", "the template has no slot for install"),
    ],
)
def test_a_slot_without_a_part_and_a_part_without_a_slot_are_told(tmp_path: Path, template: str, problem: str) -> None:
    assert readme(tmp_path, template)[1] == [f"sdk-x/readme: {problem}"]


def test_a_program_that_is_not_in_the_readme_is_told(tmp_path: Path) -> None:
    assert readme(tmp_path, worker="pass")[1] == ["sdk-x/readme: the template has no slot for worker.py"]
    (tmp_path / "sdk-x/readme/worker.py").unlink()
    unnamed = readme(tmp_path, parts=f'{PARTS}worker = "worker.py"\n')[1]
    assert unnamed == ["sdk-x/readme: the template has no slot for program worker"]


def test_a_program_without_a_file_is_told(tmp_path: Path) -> None:
    problems = readme(tmp_path, f"{PAGE}{{{{>worker}}}}", f'{PARTS}worker = "worker.py"\n')[1]
    assert problems == ["sdk-x/readme: there is no program worker"]


@pytest.mark.parametrize(
    ("name", "spelling", "spelt"),
    [
        ("max_attempts", "snake", "max_attempts"),
        ("max_attempts", "camel", "maxAttempts"),
        ("max_attempts", "pascal", "MaxAttempts"),
        ("ttl", "camel", "ttl"),
        ("ttl", "pascal", "TTL"),
        ("job_id", "pascal", "JobID"),
    ],
)
def test_names_are_spelt_as_in_the_language(name: str, spelling: str, spelt: str) -> None:
    assert spell(name, spelling) == spelt


def test_prose_is_broken_into_lines_and_nothing_else_is() -> None:
    long = "word " * 40
    assert max(map(len, flow(long).splitlines())) <= sdk_readmes.WIDTH
    assert flow("two\nlines\n\n\n\nand one") == "two lines\n\nand one\n"
    assert flow("- one\n  item\n- two") == "- one item\n- two\n"
    for kept in (f"| {long}|\n|---|\n", f"# {long.strip()}\n", f"```sh\n{long}\n\n\n\n  x\n```\n"):
        assert flow(kept) == kept


def test_a_stale_readme_is_told_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fresh, _ = readme(tmp_path)
    monkeypatch.setattr(sdk_readmes, "ROOT", tmp_path)
    monkeypatch.setattr(sdk_readmes, "SDKS", ("sdk-x",))
    written = tmp_path / "sdk-x" / "README.md"
    written.write_text(f"{fresh}\nby hand\n", encoding="utf-8")
    for arguments, code, said in (
        ([], 1, "'make generate' mends it"),
        (["--write"], 0, "wrote"),
        ([], 0, "0 problems"),
    ):
        monkeypatch.setattr("sys.argv", ["sdk_readmes.py", *arguments])
        assert sdk_readmes.main() == code
        assert said in capsys.readouterr().out
    assert written.read_text(encoding="utf-8") == fresh
