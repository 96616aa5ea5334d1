"""BigQuery: listings over its REST API, INFORMATION_SCHEMA in batches, by Google's own client."""
