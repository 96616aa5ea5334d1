"""The contract that every other part speaks: sources, sinks, descriptors, results, filters, names."""
