"""ws's end: holds every event until main has finished it, and sends it to the right replica."""
