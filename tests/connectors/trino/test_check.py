"""`rayingest check`: what a run would see, and what is missing."""

from rayingest.connectors.database.trino import CONNECTOR
from rayingest.testing.trino import Refusal


def checked(world, **changes):
    settings = world.probe.settings(**changes)
    return {each.capability: each for each in CONNECTOR.check(settings)}


def test_check_tells_what_a_run_would_see(library):
    found = checked(library)
    assert {each.status for each in found.values()} == {"ok"}
    assert found["connect"].why == "Trino 476, user ada"
    assert found.keys() == {"connect", "schemas", "tables", "columns", "ddl", "comments"}


def test_check_tells_what_others_can_read(library):
    """The proxy knows the host, and here answers itself."""
    proxies = {"http": f"http://{library.address}"}
    line = checked(library, hostPort="coordinator.invalid:8080", proxies=proxies)["encryption"]
    assert (line.status, line.grant) == ("warning", "Set connectionArguments.http_scheme: https.")


def test_check_names_what_is_missing(library):
    library.cluster.metadata = ()
    library.cluster.refusals["show create"] = Refusal("PERMISSION_DENIED", "Access Denied: no")
    library.cluster.catalog("broken")
    library.cluster.down["broken"] = Refusal("HIVE_METASTORE_ERROR", "nobody there")
    found = checked(library)
    assert found["comments"].status == found["ddl"].status == "denied"
    assert "GRANT" in found["ddl"].grant
    assert found["databases"].status == "failed"
    assert "catalog broken: nobody there" in found["databases"].why
