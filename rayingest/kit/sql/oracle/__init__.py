"""Oracle Database: its data dictionary, read in batches over python-oracledb."""
