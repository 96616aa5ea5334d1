"""MongoDB: collections of documents, their validators, and views made of pipelines."""
