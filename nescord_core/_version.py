"""The one place that holds the version, and the name that Discord knows this library by."""

__version__ = "0.1.0"

# "DiscordBot ($url, $versionNumber)": https://discord.com/developers/docs/reference#user-agent
USER_AGENT = f"DiscordBot (https://github.com/nescord/nescord, {__version__})"
