"""Events that wait on disk while main is away or slow."""
