"""The page to chat with the bot: its service, and its files in ``static``.

The scripts are ES modules, served as they are; there is no build step. ``page.js`` starts the page.
``messages/`` shows messages and acts on them, ``composer/`` is the message box with the slash-command picker,
``navigation/`` shows guilds and channels, ``inspector/`` is the inspector with its tabs. Beside them are the
state (``state.js``), the events that change it (``event_feed.js``), calls of the control API (``api.js``),
members, interactions with their modals, dialogs, and what builds elements.
"""
