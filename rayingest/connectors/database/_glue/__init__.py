"""AWS Glue's catalogue, as Glue and Athena read it."""
