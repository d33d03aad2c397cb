"""Engines: the one that works is taken, with the options that this machine needs."""

import pytest
from image import access, bases
from image.access import access_options, pip_settings
from image.bases import find_base, named_base
from image.engines import Engine, ImageError, find_engine, fitted


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Write programs that do what a script says; no other one is found."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def write(name, script):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return Engine(name)

    return write


def test_the_first_engine_that_works_is_taken(program):
    program("docker", "exit 1  # Its daemon does not run.")
    program("podman", "exit 0")
    program("buildah", "exit 0")
    assert find_engine().program == "podman"


def test_without_an_engine_one_is_asked_for(program):
    with pytest.raises(ImageError, match="install one"):
        find_engine()


def test_an_ordinary_machine_needs_no_option(program):
    engine = program("podman", "exit 0")
    assert fitted(engine, "base") == engine


def test_a_machine_that_nests_no_container_builds_apart(program):
    engine = program(
        "podman",
        """case "$*" in *"build --quiet"*|"build --no-cache"*) exit 1;; *) exit 0;; esac""",
    )
    assert fitted(engine, "base").build_options == ("--isolation=chroot", "--network=host")


def test_a_machine_that_gives_no_more_files_is_asked_for_fewer(program):
    engine = program(
        "podman", """case "$*" in run*--ulimit*|build*|rmi*) exit 0;; *) exit 1;; esac"""
    )
    files, _ = fitted(engine, "base").run_options
    assert files.startswith("--ulimit=nofile=")


def test_an_engine_that_runs_nothing_is_refused(program):
    engine = program("podman", """case "$*" in run*) exit 1;; *) exit 0;; esac""")
    with pytest.raises(ImageError, match="runs nothing"):
        fitted(engine, "base")


def test_buildah_is_not_asked_to_run(program):
    engine = program("buildah", """case "$*" in run*) exit 1;; *) exit 0;; esac""")
    assert fitted(engine, "base") == engine


def test_what_an_engine_complains_of_is_said(program):
    engine = program("podman", "echo first >&2; echo no space left >&2; exit 1")
    with pytest.raises(ImageError, match="podman save: no space left"):
        engine.tell("save")


def test_a_base_that_is_here_is_not_pulled(program):
    engine = program("podman", """case "$*" in pull*) exit 1;; *) exit 0;; esac""")
    assert find_base(engine) == named_base()


def test_without_a_base_nor_what_makes_one_it_is_said(program):
    with pytest.raises(ImageError, match="mmdebstrap"):
        find_base(program("podman", "exit 1"))


def test_the_base_is_that_of_the_dockerfile():
    assert named_base() == "docker.io/library/python:3.11-slim-bookworm"
    assert bases.STAND_IN.endswith(f":{bases.SUITE}")


def test_pip_is_lent_its_index_and_not_its_files(program, monkeypatch):
    listed = (
        r"printf '%s\n' "
        r"""":env:.cert='/etc/ssl/certs/all.crt'" """
        r""""global.index-url='https://mirror.test/simple'" """
        r""""global.extra-index-url='file:///srv/simple'" """
        r""""global.constraint='/etc/constraints.txt'" """
    )
    program("python", listed)
    monkeypatch.setattr(access.sys, "executable", "python")
    assert pip_settings() == {
        "cert": "/etc/ssl/certs/all.crt",
        "index-url": "https://mirror.test/simple",
    }


def test_what_pip_is_lent_goes_as_options(tmp_path, monkeypatch):
    lent = {"cert": "/etc/ssl/certs/all.crt", "index-url": "https://mirror.test/simple"}
    monkeypatch.setattr(access, "pip_settings", lambda: lent)
    assert access_options(Engine("podman"), tmp_path) == [
        f"--volume={tmp_path}/pip.conf:/etc/pip.conf:ro",
        "--volume=/etc/ssl/certs:/etc/ssl/certs:ro",
    ]
    assert "index-url = https://mirror.test/simple" in (tmp_path / "pip.conf").read_text()
    assert access_options(Engine("docker"), tmp_path) == []
    monkeypatch.setattr(access, "pip_settings", dict)
    assert access_options(Engine("podman"), tmp_path) == []
