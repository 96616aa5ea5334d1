"""From an address to a session: sockets, TLS, who signs in."""

import base64
import ssl
from functools import partial
from importlib import import_module
from typing import Any

from pydantic import SecretStr

from rayingest.config.connection import SslConfig
from rayingest.config.server import VerifySsl
from rayingest.core.source import Settings
from rayingest.errors import MissingDriver
from rayingest.kit.rest.tls import trust
from rayingest.kit.sql.hive.address import ANONYMOUS, KERBEROS, Address, Connection, Product
from rayingest.kit.sql.hive.errors import classify_connect
from rayingest.kit.sql.hive.session import HiveSession
from rayingest.kit.sql.hive.wire import Web, Wire

DATABASE = "default"
CONNECT_SECONDS = 10.0
FIRST_SECONDS = 60.0  # for the sign-in: a port of something else is not waited on for long


def connect(product: Product, settings: Settings, database: str | None) -> HiveSession:
    """Open a session; all of the server is one database of the catalogue."""
    config: Connection = settings.connection
    address = Address.of(config, product)
    named = f"{product.name} at {address.where}"
    tls = _context(getattr(config, "sslConfig", None), address) if address.tls else None
    opened = partial(_opened, product, config, address, tls)
    seconds = max(1.0, settings.call_timeout)
    wire: Wire | Web | None = None
    try:
        client, wire = opened()
        session = HiveSession(
            client,
            wire,
            database=config.databaseName or DATABASE,
            schema=config.databaseSchema,
            user=address.user,
            beside=opened,
        )
        wire.wait(min(FIRST_SECONDS, seconds))
        session.begin(seconds, dict(address.options.get("configuration") or {}))
    except Exception as error:
        if wire is not None:
            wire.close()
        raise classify_connect(error, named, address.user) from error
    session.server = product.server or session.server
    return session


def _opened(
    product: Product, config: Connection, address: Address, tls: ssl.SSLContext | None
) -> tuple[Any, Wire | Web]:
    """A client that has signed in, but has no session."""
    try:
        service: Any = import_module("impala._thrift_gen.TCLIService.TCLIService")
        protocol: Any = import_module("thrift.protocol.TBinaryProtocol")
    except ImportError as error:
        raise MissingDriver(product.extra, "impyla") from error
    wire, transport = _transport(product, config, address, tls)
    return service.Client(protocol.TBinaryProtocolAccelerated(transport)), wire


def _transport(
    product: Product, config: Connection, address: Address, tls: ssl.SSLContext | None
) -> tuple[Wire | Web, Any]:
    """The wire, and what Thrift writes to. Raises what the sign-in raises."""
    if address.http is not None:
        web = Web(address.url, _headers(address), CONNECT_SECONDS, tls)
        return web, web
    wire = Wire(address.host, address.port, CONNECT_SECONDS, tls)
    try:
        if address.auth == "NOSASL":
            buffered: Any = import_module("thrift.transport.TTransport")
            return wire, buffered.TBufferedTransport(wire)
        signed = _sasl(product, config, address, wire)
        signed.open()
    except BaseException:
        wire.close()
        raise
    return wire, signed


def _sasl(product: Product, config: Connection, address: Address, wire: Wire) -> Any:
    sasl: Any = import_module("thrift_sasl")
    client: Any = import_module("impala.sasl_compat")
    kerberos = address.auth in KERBEROS
    if kerberos:
        try:
            import_module("kerberos")
        except ImportError as error:
            raise MissingDriver("kerberos", "kerberos") from error
    told = address.options.get("kerberos_service_name") or config.kerberosServiceName

    def made() -> Any:
        return client.PureSASLClient(
            address.options.get("krb_host") or address.host,
            username=address.user,
            # Without a password the server asks for none, but PLAIN may not leave it out.
            password=address.password or ANONYMOUS,
            service=told or product.service,
        )

    return sasl.TSaslClientTransport(made, "GSSAPI" if kerberos else "PLAIN", wire)


def _headers(address: Address) -> dict[str, str]:
    if address.auth == "NOSASL":
        return {}
    if address.auth == "JWT":
        return {"Authorization": f"Bearer {address.options.get('jwt') or address.password}"}
    pair = f"{address.user}:{address.password or ANONYMOUS}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _context(given: SslConfig | None, address: Address) -> ssl.SSLContext:
    """Verify the server's certificate and name, unless told otherwise; present ours if there is one."""
    authority = address.options.get("ca_cert")
    told = given or (SslConfig(caCertificate=SecretStr(authority)) if authority else None)
    made = trust(VerifySsl.VALIDATE if address.verified else VerifySsl.IGNORE, told)
    context = made if isinstance(made, ssl.SSLContext) else ssl.create_default_context()
    if not address.named:
        context.check_hostname = False
    if not address.verified:
        context.verify_mode = ssl.CERT_NONE
    return context
