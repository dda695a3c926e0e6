"""Levels for those who talk, kept in a JSON file; a package of its own, variables from .env."""

import logging
import os
import pathlib
import sys

from dotenv import load_dotenv

load_dotenv(pathlib.Path(__file__).with_name("levels.env"))
sys.path.append(str(pathlib.Path(__file__).parent))

from levelling import LevelBot  # noqa: E402

handler = logging.StreamHandler()
bot = LevelBot(owner=os.getenv("LEVELS_OWNER", "nobody"))

if __name__ == "__main__":
    bot.run(os.getenv("DISCORD_TOKEN"), log_handler=handler, log_level=logging.WARNING, root_logger=True)
