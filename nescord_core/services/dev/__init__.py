"""Behind `nescord dev`, `nescord run all` and `nescord demo`: all services under one supervisor."""
