"""`losslab ui`: the MLflow UI on the store in use."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from ..errors import UserError

_HOST = "127.0.0.1"


def ui_command(uri: str | None, port: int) -> int:
    """Serve the UI until it is interrupted; the exit code."""
    from ..training.config import TrackingConfig
    from ..training.record import store_uri
    from ..training.tracker import store_path

    store = store_uri(TrackingConfig(uri=uri))
    if store.startswith(("http:", "https:")):
        print(f"the store is a server already: open {store}")
        return 0
    if store.startswith("sqlite:") and not store_path(store).exists():
        raise UserError(
            f"there is no store {store_path(store)} yet: start a run here with losslab train, or "
            "name another with --uri sqlite:///PATH"
        )
    _check_free(port)
    print(f"MLflow UI at http://{_HOST}:{port} on {store} (Ctrl-C ends it)", flush=True)
    command = [sys.executable, "-m", "mlflow", "server", "--host", _HOST, "--port", str(port)]
    artifacts = Path.cwd() / "mlartifacts"
    command += ["--backend-store-uri", store, "--default-artifact-root", artifacts.as_uri()]
    server = subprocess.Popen([*command, "--workers", "1"], start_new_session=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: end the server too
    try:
        return server.wait()
    except KeyboardInterrupt:
        os.killpg(server.pid, signal.SIGTERM)  # the server and all the processes it has started
        server.wait()
        return 0


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise UserError(
                f"port {port} can't be used ({error.strerror}): "
                f"choose another with --port {port + 1}"
            ) from error
