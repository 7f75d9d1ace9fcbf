"""What an AppProject permits: sources, destinations, kinds and the namespaces of its Applications."""
