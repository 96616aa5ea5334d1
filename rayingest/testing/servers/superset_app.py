"""Apache Superset in one process, run by the Python of an environment that has it: see superset.py.

Its own migrations make the tables, its own `superset init` the roles: in one process, because each
command would import all of it anew (10 s). It is told by one line of JSON on its input, and says its
port by one line on its output.
"""

import json
import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from typing import Any

Json = dict[str, Any]


def configured(told: Json) -> None:
    """Superset reads its settings from a module of this name; it caches in memory."""
    config: Any = module_from_spec(ModuleSpec("superset_config", None))
    config.__file__ = __file__
    config.SQLALCHEMY_DATABASE_URI = told["metadata"]
    config.SECRET_KEY = told["secret"]
    config.FEATURE_FLAGS = {"TAGGING_SYSTEM": True, "ENABLE_TEMPLATE_PROCESSING": True}
    config.WTF_CSRF_ENABLED = False
    config.TALISMAN_ENABLED = False
    sys.modules["superset_config"] = config


def filled(app: Any, accounts: list[Json]) -> None:
    """Its tables, what may be allowed, the roles, and who may log in."""
    from flask_migrate import upgrade
    from superset import security_manager

    with app.app_context():
        upgrade()
        app.appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        for each in accounts:
            role = security_manager.find_role(each.pop("role"))
            if not security_manager.add_user(role=role, **each):
                raise SystemExit(f"the account {each['username']} was refused")


def copied(app: Any, target: str, tables: list[str]) -> None:
    """The tables on another server, MariaDB, as Superset's models lay them out; the rows of some."""
    from flask_appbuilder import Model
    from sqlalchemy import create_engine
    from superset.extensions import db

    engine = create_engine(target)
    engine.connect().close()
    engine.dialect.supports_sequences = False  # it would ask MariaDB for one with NO CYCLE
    Model.metadata.create_all(engine)
    with app.app_context(), engine.begin() as other:
        other.exec_driver_sql("set foreign_key_checks = 0")
        for table in (Model.metadata.tables[each] for each in tables):
            rows = [dict(each) for each in db.session.execute(table.select()).mappings()]
            if rows:
                other.execute(table.insert(), rows)


def main() -> None:
    """Serve until the process is ended; each further line of input is what to copy where."""
    from threading import Thread

    told = json.loads(sys.stdin.readline())
    configured(told)
    from superset.app import create_app
    from werkzeug.serving import make_server

    app = create_app()
    filled(app, told["accounts"])
    served = make_server("127.0.0.1", 0, app, threaded=True)
    Thread(target=served.serve_forever, daemon=True).start()
    print(json.dumps({"port": served.server_port}), flush=True)  # noqa: T201 - it is asked for
    for line in sys.stdin:
        try:
            copied(app, **json.loads(line))
        except Exception as error:  # noqa: BLE001 - whoever asked for it is told
            why = f"{type(error).__name__}: {error}"
        else:
            why = ""
        print(json.dumps({"copied": why}), flush=True)  # noqa: T201 - it is asked for


if __name__ == "__main__":
    main()
