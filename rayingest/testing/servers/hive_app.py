"""Become Spark's Thrift Server: `hive_app.py FOLDER PORT [OPTION=VALUE ...]`; the process stays the same one."""

import os
import sys
from pathlib import Path

import pyspark

# What Spark's own launcher opens of Java 17 to it: JavaModuleOptions.
OPENED = (
    *("java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio"),
    *("java.util", "java.util.concurrent", "java.util.concurrent.atomic", "jdk.internal.ref"),
    *("sun.nio.ch", "sun.nio.cs", "sun.security.action", "sun.util.calendar"),
)
MAIN = "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"


def arguments(folder: Path, port: str, options: list[str]) -> list[str]:
    """All of Java's."""
    jars = Path(pyspark.__file__).parent / "jars" / "*"
    spark = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.session.timeZone": "UTC",
    }
    hive = {
        "hive.server2.thrift.port": port,
        "hive.server2.thrift.http.port": port,
        "hive.server2.thrift.bind.host": "127.0.0.1",
        "javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder}/metastore;create=true",
        **dict(each.split("=", 1) for each in options),
    }
    return [
        *("java", "-Xmx640m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        *(f"--add-opens=java.base/{each}=ALL-UNNAMED" for each in OPENED),
        *("-cp", str(jars), f"-Dderby.system.home={folder}", f"-Djava.io.tmpdir={folder}"),
        *("org.apache.spark.deploy.SparkSubmit", "--master", "local[2]", "--class", MAIN),
        *(part for key, value in spark.items() for part in ("--conf", f"{key}={value}")),
        "spark-internal",
        *(part for key, value in hive.items() for part in ("--hiveconf", f"{key}={value}")),
    ]


if __name__ == "__main__":
    whole = arguments(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
    os.execvp(whole[0], whole)  # noqa: S606 - our own arguments
