"""Lean: what goes away was read by nobody, what stays is compiled."""

import shutil
import subprocess
import sys
import venv
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from image import lean
from image.lean import compile_imported, compiled, make_lean, unread, unused_programs


@pytest.fixture
def environment(tmp_path):
    """Make an environment with a package of ours, which imports one of others when it can."""
    folder = tmp_path / "environment"
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python3.*/site-packages")
    for name, text in {
        "libelle/__init__.py": "",
        "libelle/serving.py": "import used\n",
        "libelle/training.py": "import missing\n",
        "libelle/cli/__init__.py": "",
        "libelle/cli/__main__.py": "raise SystemExit('nothing runs while compiling')\n",
        "api/__init__.py": "",
        "used.py": "",
        "unused.py": "",
        "used_tests/tests/test_it.py": "",
        "used_tests/testing.py": "",
        "arrays/core.h": "",
        "arrays/core.pyi": "",
        "pyarrow/libarrow_flight.so.2500": "",
        "pyarrow/libparquet.so.2500": "",
        "botocore/data/s3/service.json": "",
        "botocore/data/ec2/service.json": "",
        "botocore/data/endpoints.json": "",
        "arrays.libs/libblas.so.1": "",
    }.items():
        path = packages / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "bin" / "libelle").touch()
    (folder / "bin" / "uvicorn").touch()
    return folder


@pytest.fixture
def packages(environment):
    (found,) = environment.glob("lib/python3.*/site-packages")
    return found


def names(paths, folder) -> set[str]:
    return {str(path.relative_to(folder)) for path in paths}


def test_what_nobody_reads_is_found_and_nothing_else(packages):
    assert names(unread(packages), packages) == {
        "used_tests/tests",
        "arrays/core.h",
        "arrays/core.pyi",
        "pyarrow/libarrow_flight.so.2500",
        "botocore/data/ec2",
    }


def test_programs_of_others_go(environment):
    assert names(unused_programs(environment / "bin"), environment / "bin") >= {"uvicorn"}
    assert not {"libelle", "python", "python3"} & names(
        unused_programs(environment / "bin"), environment / "bin"
    )


def test_libraries_that_were_rewritten_are_left_as_they_came(packages):
    assert names(compiled(packages), packages) == {
        "pyarrow/libarrow_flight.so.2500",
        "pyarrow/libparquet.so.2500",
    }


def test_what_is_imported_is_compiled_whatever_the_dates(environment, packages):
    compile_imported(environment)
    bytecode = {path.name.partition(".")[0] for path in packages.rglob("*.pyc")}
    assert {"serving", "used"} <= bytecode
    assert not {"unused", "testing", "training", "__main__"} & bytecode
    header = Path(cache_from_source(str(packages / "used.py"))).read_bytes()[:8]
    assert int.from_bytes(header[4:], "little") == 0b01  # By a hash, which nobody checks.


def test_an_import_that_breaks_stops_the_build(environment, packages):
    (packages / "used.py").write_text("from arrays import nothing\n")
    with pytest.raises(subprocess.CalledProcessError):
        compile_imported(environment)


def test_an_environment_is_lean_at_once(environment, packages, monkeypatch):
    monkeypatch.setattr(lean, "strip_symbols", lambda paths: None)
    make_lean(environment)
    assert not (packages / "used_tests" / "tests").exists()
    assert not (environment / "bin" / "uvicorn").exists()
    assert (packages / "botocore" / "data" / "endpoints.json").exists()
    assert list(packages.rglob("used.*.pyc"))


@pytest.mark.skipif(not shutil.which("strip"), reason="binutils is absent: nothing to strip with")
def test_a_module_without_symbols_still_imports(tmp_path):
    import msgspec._core as module

    copy = shutil.copy(module.__file__, tmp_path / "_core.cpython-x.so")
    lean.strip_symbols([copy])
    loaded = f"import importlib.machinery as m; m.ExtensionFileLoader('_core', {str(copy)!r})"
    assert subprocess.run([sys.executable, "-c", loaded]).returncode == 0
