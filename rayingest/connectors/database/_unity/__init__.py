"""Databricks' Unity Catalog, for the two services that OpenMetadata has for it.

Over `kit.rest`: Databricks' own client would bring another HTTP library, and retries, time-outs and logs
of its own, for four listings. It judges the servers of our tests instead.
"""
