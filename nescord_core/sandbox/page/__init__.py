"""The page to chat in: its service, and its files in ``static``.

The scripts are ES modules, served as they are; there is no build step. `page.js` starts the page. In
``messages/`` is how messages are shown and acted on, in ``composer/`` the message box with the slash-command
picker, in ``navigation/`` guilds and channels, in ``inspector/`` the inspector's tabs. Beside them are the state
(`state.js`), the events that change it (`event_feed.js`), calls of the control API (`api.js`), members,
interactions and their modals, dialogs, and what builds elements.
"""
