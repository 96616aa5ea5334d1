"""Power BI: scans of workspaces, what they become, and where their tables come from."""
