"""Where files lie: buckets of S3, of Google Cloud Storage, containers of Azure, folders of this machine."""
