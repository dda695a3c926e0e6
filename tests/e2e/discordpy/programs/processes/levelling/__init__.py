from .core import LevelBot

__all__ = ["LevelBot"]
