"""Sources in AWS: who asks, calls that are counted and limited, and what refusals mean."""
