"""The processes of the REST benchmark (../rest.py): the fake Discord, the proxies and the client."""
