"""SQL Server's catalogue, read in sets: what `mssql`, `azuresql` and `synapse` share."""
