"""What the bot can do, and how often it was asked."""


def help_text(commands) -> str:
    lines = [f"{commands.prefix}{each.name}: {each.about}" for each in commands.by_name.values()]
    return "\n".join(sorted(lines))


def setup(commands, listener) -> None:
    @commands.command("ping", "answers")
    async def on_ping(context) -> None:
        # What is in listener.state outlives a reload of the code.
        listener.state["pings"] = listener.state.get("pings", 0) + 1
        await context.reply(f"Pong! (number {listener.state['pings']})")

    @commands.command("help", "lists the commands")
    async def on_help(context) -> None:
        await context.reply(help_text(commands))
