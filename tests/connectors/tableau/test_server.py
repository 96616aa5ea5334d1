"""The vendor's client reads our Tableau: signs in, lists, describes, asks page after page."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

TSC = pytest.importorskip("tableauserverclient")
pytest.importorskip("graphql")

from tableauserverclient.models.exceptions import UnpopulatedPropertyError  # noqa: E402

from rayingest.testing import tableau  # noqa: E402 - only where they are installed
from rayingest.testing.rest import serving  # noqa: E402
from rayingest.testing.tableau import World  # noqa: E402

# What the client calls otherwise, or leaves to the objects inside.
OTHERWISE = {"parentProjectId": "parent_id", "type": "datasource_type", "label": "label"}
INSIDE = {"project": "project_id", "owner": "owner_id"}


@pytest.fixture(scope="module")
def world() -> World:
    return World(dashboards=7)


@pytest.fixture(scope="module")
def server(world: World) -> Iterator[Any]:
    with serving(world) as url:
        made = TSC.Server(url, use_server_version=True)
        token = TSC.PersonalAccessTokenAuth(tableau.TOKEN, tableau.SECRET, tableau.SITE_NAME)
        made.auth.sign_in(token)
        yield made
        made.close()


def strangers(item: Any, told: Mapping[str, Any]) -> list[str]:
    """Keys of ours that the client does not read, or reads otherwise."""
    found = []
    for key, each in told.items():
        snake = re.sub(r"(?<!^)(?=[A-Z])", "_", key).lower()
        read = getattr(item, INSIDE.get(key) or OTHERWISE.get(key) or snake, None)
        if key in INSIDE:
            good = read == each["id"]
        elif key == "tags":
            good = read == {tag["label"] for tag in each.get("tag", ())}
        elif key in {"createdAt", "updatedAt"}:
            good = read is not None and read.strftime("%Y-%m-%dT%H:%M:%SZ") == each
        else:
            good = str(read).lower() == str(each).lower()
        if not good:
            found.append(key)
    return found


def test_it_signs_in_as_the_vendors_client_does(server: Any) -> None:
    assert server.version == tableau.VERSION
    assert server.site_id == tableau.SITE
    assert server.user_id == tableau.luid("user", 1)


def test_a_wrong_token_is_refused_in_its_words(server: Any) -> None:
    wrong = TSC.PersonalAccessTokenAuth(tableau.TOKEN, "wrong", tableau.SITE_NAME)
    other = TSC.Server(server.server_address)
    with pytest.raises(TSC.FailedSignInError) as caught:
        other.auth.sign_in(wrong)
    assert caught.value.code == "401001"
    other.close()


@pytest.mark.parametrize("many", ["workbooks", "projects", "users", "datasources"])
def test_every_key_of_a_listing_is_the_vendors(server: Any, world: World, many: str) -> None:
    told = {each["id"]: each for each in world._lists()[many]}
    options = TSC.RequestOptions(pagesize=2)
    items = list(TSC.Pager(getattr(server, many), options))
    assert {each.id for each in items} == told.keys()
    assert {each.id: strangers(each, told[each.id]) for each in items} == {
        each: [] for each in told
    }


def test_every_key_of_a_workbook_is_the_vendors(server: Any, world: World) -> None:
    for identity in world.ids():
        item = server.workbooks.get_by_id(identity)
        told = world.workbook(identity)
        assert strangers(item, told) == []
        views = [world._view(told, at) for at in range(world.views)]
        assert [strangers(each, view) for each, view in zip(item.views, views, strict=True)] == [
            [] for _ in views
        ]


def test_every_key_of_a_listing_of_views_is_the_vendors(server: Any, world: World) -> None:
    """Their usage is told to those who ask for it."""
    told = {each["id"]: each for each in world._lists()["views"]}
    items = list(server.views.get(usage=True)[0])
    assert {each.id for each in items} == told.keys()
    for each in items:
        given = dict(told[each.id])
        assert each.total_views == int(given.pop("usage")["totalViewCount"])
        assert each.workbook_id == given.pop("workbook")["id"]
        assert strangers(each, given) == []
    plain = server.views.get()[0]
    with pytest.raises(UnpopulatedPropertyError):
        _ = plain[0].total_views


def test_one_that_is_gone_is_said_in_the_vendors_words(server: Any) -> None:
    with pytest.raises(TSC.ServerResponseError) as caught:
        server.workbooks.get_by_id(tableau.luid("work", 99))
    assert caught.value.code == "404006"


def test_the_metadata_api_tells_pages_as_the_client_reads_them(server: Any, world: World) -> None:
    query = """query Names($first: Int, $afterToken: String) {
      embeddedDatasourcesConnection(first: $first, after: $afterToken) {
        nodes { id } pageInfo { hasNextPage endCursor }
      }
    }"""
    pages = server.metadata.paginated_query(query, {"first": 2})["pages"]
    found = [
        each["id"]
        for page in pages
        for each in page["data"]["embeddedDatasourcesConnection"]["nodes"]
    ]
    assert found == [each["id"] for each in world.graph()["embeddedDatasources"]]
    assert len(pages) > 3


def test_a_field_that_is_not_in_the_schema_is_refused(server: Any) -> None:
    told = server.metadata.query("{ workbooksConnection(first: 1) { nodes { colour } } }")
    assert told["data"] is None
    assert "colour" in told["errors"][0]["message"]


def test_the_judge_sees_a_stranger(server: Any, world: World) -> None:
    identity = world.ids()[0]
    told = {**world.workbook(identity), "colour": "blue", "name": "Another"}
    assert strangers(server.workbooks.get_by_id(identity), told) == ["name", "colour"]
