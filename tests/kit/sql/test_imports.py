"""Loading a connector costs no driver."""

import subprocess
import sys


def test_the_postgres_connector_imports_no_driver_and_no_sqlalchemy():
    code = (
        "import sys, rayingest.connectors.database.postgres\n"
        "print(sorted({'psycopg', 'sqlalchemy', 'ray', 'boto3', 'botocore'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
