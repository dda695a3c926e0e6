"""Worker processes: starts them by fork or spawn, swaps them without losing an event, kills hung ones."""
