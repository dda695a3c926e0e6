"""The adapter to simcord, the library that models Discord's objects. Nothing else imports it."""
