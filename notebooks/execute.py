"""Execute a notebook on the log that the settings name, in place: `make notebook`."""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

DRIFT = Path(__file__).with_name("drift.ipynb")
TIMEOUT_SECONDS = 600


def execute(source: Path, target: Path) -> None:
    """Execute a notebook from the current folder, and write it with what it shows."""
    notebook = nbformat.read(source, as_version=4)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=TIMEOUT_SECONDS,
        # What varies between two executions is not committed.
        record_timing=False,
        resources={"metadata": {"path": str(Path.cwd())}},
        # Sockets of the file system: nobody else on the machine can listen.
        config=Config({"KernelManager": {"transport": "ipc"}}),
    )
    client.execute()
    nbformat.write(notebook, target)


if __name__ == "__main__":
    execute(DRIFT, Path(sys.argv[1]) if len(sys.argv) > 1 else DRIFT)
