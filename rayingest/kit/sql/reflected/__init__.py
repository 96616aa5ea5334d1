"""Any database with a SQLAlchemy dialect: reflection, or set-based queries of one's own, per facet."""
