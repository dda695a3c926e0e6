"""Worker processes: started by fork or spawn, swapped without losing an event, killed when they hang."""
