"""A call for every JSON error code that the sandbox sends; `cases` fills `registry.CAUSES`."""
