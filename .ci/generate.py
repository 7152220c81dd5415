"""Generate the Python messages and stubs of the protos, or check that the committed ones are fresh.

python .ci/generate.py            write the contract's into sdk-python/src, the conformance protocol's beside its runner
python .ci/generate.py --check    write them elsewhere and fail on any difference
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
CONFORMANCE = PROTO / "rockqueue" / "conformance" / "v1"
PROTOCOL = "rockqueue_conformance/protocol"
GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*_pb2_grpc.pyi")


def generate(into: Path) -> None:
    """Write the code for every proto file of the contract into `into`, and remove code of proto files that are gone."""
    found = (path for path in PROTO.rglob("*.proto") if not path.is_relative_to(CONFORMANCE))
    protos = sorted(path.relative_to(PROTO).as_posix() for path in found)
    # A file without a service would get an empty stub module.
    services = [proto for proto in protos if "\nservice " in (PROTO / proto).read_text(encoding="utf-8")]
    stubs = Path(sysconfig.get_path("scripts")) / "protoc-gen-mypy_grpc"
    _protoc(f"-I{PROTO}", f"--python_out={into}", f"--pyi_out={into}", *protos)
    _protoc(
        f"-I{PROTO}",
        f"--grpc_python_out={into}",
        f"--mypy_grpc_out=quiet:{into}",
        f"--plugin=protoc-gen-mypy_grpc={stubs}",
        *services,
    )
    wanted = {proto.removesuffix(".proto") + ending[1:] for proto in protos for ending in GENERATED[:2]}
    wanted |= {proto.removesuffix(".proto") + ending[1:] for proto in services for ending in GENERATED[2:]}
    for path in generated_files(into):
        if path not in wanted:
            (into / path).unlink()


def generate_protocol(into: Path) -> None:
    """Write the messages between conformance runner and drivers into `into`: they belong into no SDK."""
    protos = [f"{PROTOCOL}/{path.name}" for path in sorted(CONFORMANCE.glob("*.proto"))]
    _protoc(f"-I{PROTOCOL}={CONFORMANCE}", f"--python_out={into}", f"--pyi_out={into}", *protos)


def _protoc(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *arguments], check=True, cwd=PROTO)


TARGETS: tuple[tuple[Callable[[Path], None], Path], ...] = (
    (generate, ROOT / "sdk-python" / "src"),
    (generate_protocol, ROOT / "conformance-tests" / "src"),
)


def generated_files(under: Path) -> list[str]:
    """Return the generated files below a folder, as sorted relative paths."""
    return sorted({path.relative_to(under).as_posix() for pattern in GENERATED for path in under.rglob(pattern)})


def differences(committed: Path, fresh: Path) -> list[str]:
    """Return one line for each generated file that is missing, left over or different in `committed`."""
    here, there = generated_files(committed), generated_files(fresh)
    lines = [f"missing: {path}" for path in there if path not in here]
    lines += [f"left over: {path}" for path in here if path not in there]
    lines += [
        f"stale: {path}"
        for path in there
        if path in here and (committed / path).read_bytes() != (fresh / path).read_bytes()
    ]
    return lines


def main() -> int:
    """Generate, or check and return 1 if the committed code is not what the contract gives."""
    parser = argparse.ArgumentParser(description="Generate the Python code of the contract.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail if the committed code is not fresh")
    if not parser.parse_args().check:
        for write, target in TARGETS:
            write(target)
            print(f"generate: {len(generated_files(target))} files in {target.relative_to(ROOT)}")
        return 0
    problems: list[str] = []
    for write, target in TARGETS:
        with tempfile.TemporaryDirectory() as folder:
            fresh = Path(folder)
            (fresh / PROTOCOL).mkdir(parents=True)
            write(fresh)
            problems += differences(target, fresh)
    if problems:
        print(*problems, "generated code is not fresh: run 'make generate' and commit the result", sep="\n")
        return 1
    print("generate: the committed code is fresh")
    return 0


if __name__ == "__main__":
    sys.exit(main())
