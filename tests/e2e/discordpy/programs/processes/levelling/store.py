import json
import pathlib


class Store:
    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.data = json.loads(path.read_text()) if path.exists() else {"points": {}, "prefixes": {}}

    def save(self) -> None:
        self.path.write_text(json.dumps(self.data))

    def prefix(self, guild: int) -> str:
        return self.data["prefixes"].get(str(guild), "+")

    def add(self, user: int, points: int) -> int:
        self.data["points"][str(user)] = self.data["points"].get(str(user), 0) + points
        self.save()
        return self.data["points"][str(user)]
