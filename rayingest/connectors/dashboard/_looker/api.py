"""A session with Looker's API 4.0: the vendor's methods and models over our own HTTP.

The SDK's own transport answers an error by asking the vendor's web site for its documentation, and
loses the status code and Retry-After on the way; `Wire` is the seam that it offers instead.
"""

import json
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, TypeVar

from cattrs import transform_error
from cattrs.cols import is_sequence, list_structure_factory
from cattrs.errors import BaseValidationError
from looker_sdk.rtl import api_settings, auth_session, auth_token, serialize, transport
from looker_sdk.sdk.api40 import methods, models

from rayingest.errors import Denied, Gone, Permanent, Unauthorised
from rayingest.kit.rest.http import Http
from rayingest.kit.rest.pages import overlapping

VERSION = "4.0"
PAGE = 500
KEPT = 1000  # answers of a kind that never change, for each session
Answer = TypeVar("Answer")


serialize.converter40.register_structure_hook_factory(is_sequence, list_structure_factory)


def deserialize(*, data: str, structure: Any) -> Any:
    """JSON to the SDK's models, by the SDK's converter.

    Its own function registers a hook with the converter at each call: the 1,000th answer costs a
    thousand times as much to read as the first.
    """
    try:
        return serialize.converter40.structure(json.loads(data), structure)
    except BaseValidationError as error:
        raise serialize.DeserializeError("; ".join(transform_error(error))) from None
    except (TypeError, ValueError, AttributeError) as error:
        raise serialize.DeserializeError(f"{type(error).__name__}: {error}") from None


class Wire(transport.Transport):
    """The SDK's transport over `Http`: what is no good answer is raised there, and never seen by it."""

    def __init__(self, http: Http) -> None:
        self._http = http

    @classmethod
    def configure(cls, settings: transport.PTransportSettings) -> transport.Transport:
        """Nobody asks for it: the session is put together here."""
        raise NotImplementedError

    def request(  # noqa: PLR0917 - the SDK says so
        self,
        method: transport.HttpMethod,
        path: str,
        query_params: MutableMapping[str, str] | None = None,
        body: bytes | None = None,
        authenticator: transport.TAuthenticator = None,
        transport_options: transport.TransportOptions | None = None,
    ) -> transport.Response:
        """One call."""
        options = transport_options or {}
        headers: dict[str, str] = {}
        if authenticator is not None:
            headers |= authenticator(options)
        headers |= options.get("headers") or {}
        answer = self._http.request(
            method.name,
            path,
            params=query_params,
            content=body,
            headers=headers,
            route=_route(path),
        )
        return transport.Response(True, answer.content, transport.ResponseMode.STRING)


class _Settings:
    """What the SDK asks for; it reads neither files nor LOOKERSDK_ variables."""

    verify_ssl, timeout, agent_tag = True, 0, ""  # `Http` has its own
    headers: MutableMapping[str, str] | None = None

    def __init__(self, base_url: str, client_id: str, client_secret: str) -> None:
        self.base_url = base_url
        self._login = api_settings.SettingsConfig(
            client_id=client_id, client_secret=client_secret, base_url=base_url
        )

    def is_configured(self) -> None:
        """It always is."""

    def read_config(self) -> api_settings.SettingsConfig:
        """Who logs in."""
        return self._login


class Looker:
    """Calls of one thread. It logs in once, and again when its token is not taken any more."""

    def __init__(self, base_url: str, client_id: str, client_secret: str, http: Http) -> None:
        self._http = http
        settings = _Settings(base_url, client_id, client_secret)
        wire = Wire(http)
        read: Any = deserialize
        self._auth = auth_session.AuthSession(settings, wire, read, VERSION)
        self._sdk = methods.Looker40SDK(self._auth, read, serialize.serialize40, wire, VERSION)
        # Once made they never change: a copy of a dashboard has the merged results of the original.
        # https://docs.cloud.google.com/looker/docs/reference/looker-api/latest/methods/Query/create_merge_query
        self.merged = lru_cache(KEPT)(self._merged)
        self.query = lru_cache(KEPT)(self._query)

    @property
    def calls(self) -> int:
        """Requests so far."""
        return self._http.calls

    def log_in(self) -> None:
        """Get a token. Raises Unauthorised for credentials that are not taken."""
        try:
            self._auth.authenticate({})
        except (Gone, Denied, Permanent, Unauthorised) as error:
            raise Unauthorised(
                f"Looker does not take these credentials: {error}",
                hint="clientId and clientSecret are an API key of a user: Admin, Users, Edit, API Keys.",
            ) from None

    def close(self) -> None:
        """Close the connections. The token expires by itself: a log-out would be one more call."""
        self._http.close()

    def _list(self, call: Callable[[], Answer]) -> Answer:
        """A listing does not start anew because one of its calls came too early."""
        self._http.patient = True
        try:
            return self._call(call)
        finally:
            self._http.patient = False

    def _call(self, call: Callable[[], Answer]) -> Answer:
        if not self._auth.is_authenticated:
            self.log_in()
        try:
            return call()
        except Unauthorised:  # the server forgot the token before its time
            self._auth.token = auth_token.AuthToken()
            self.log_in()
            return call()
        except serialize.DeserializeError as error:
            raise Permanent(f"Looker's answer is not what its API describes: {error}") from None

    # --- what is there ---

    def dashboards(self, fields: str) -> Iterator[models.Dashboard]:
        """User-defined dashboards that are not deleted, then LookML dashboards: two listings of the API.

        A Looker that is too old for the second has none to tell of.
        """
        yield from self._pages(
            lambda limit, offset: self._sdk.search_dashboards(
                deleted="false", fields=fields, limit=limit, offset=offset, sorts="id"
            )
        )
        with suppress(Gone):
            yield from self._pages(
                lambda limit, offset: self._sdk.search_lookml_dashboards(
                    fields=fields, limit=limit, offset=offset, sorts="id"
                )
            )

    def dashboard(self, identity: str, fields: str) -> models.Dashboard:
        """One dashboard. Raises Gone, Denied."""
        return self._call(lambda: self._sdk.dashboard(identity, fields=fields))

    def explores(self) -> Iterator[tuple[str, str]]:
        """All explores, by the names of their models and their own: one call."""
        told = self._list(lambda: self._sdk.all_lookml_models(fields="name,explores"))
        return ((str(each.name), str(inner.name)) for each in told for inner in each.explores or ())

    def explore(self, model: str, name: str, fields: str) -> models.LookmlModelExplore:
        """One explore. Raises Gone, Denied."""
        return self._call(lambda: self._sdk.lookml_model_explore(model, name, fields=fields))

    def _merged(self, identity: str) -> tuple[str, ...]:
        """The ids of the queries that a merged result is made of. Raises Gone, Denied."""
        told = self._call(lambda: self._sdk.merge_query(identity, fields="id,source_queries"))
        return tuple(each.query_id for each in told.source_queries or () if each.query_id)

    def _query(self, identity: str) -> models.Query:
        """What a query asks. Raises Gone, Denied."""
        return self._call(lambda: self._sdk.query(identity, fields="id,model,view"))

    def folders(self) -> Sequence[models.FolderBase]:
        """All folders, the personal ones too."""
        fields = "id,name,parent_id,is_personal,is_personal_descendant"
        return self._list(lambda: self._sdk.all_folders(fields=fields))

    def users(self) -> Iterator[models.User]:
        """Everybody with an e-mail address that we may see."""
        yield from self._pages(
            lambda limit, offset: self._sdk.all_users(
                fields="id,email", limit=limit, offset=offset, sorts="id"
            )
        )

    def _pages(self, page: Callable[[int, int], Sequence[Any]]) -> Iterator[Any]:
        """All items by offset, in the order of their ids."""
        return overlapping(
            lambda offset, size: self._list(lambda: page(size, offset)),
            PAGE,
            lambda each: str(each.id),
            exact=True,
        )


def _route(path: str) -> str:
    """The kind of call in a URL: `dashboards`, `lookml_models`."""
    return path.partition(f"/api/{VERSION}/")[2].partition("/")[0] or "login"
