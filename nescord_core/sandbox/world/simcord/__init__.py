"""The model: an adapter to simcord, a library that models Discord. Nothing else imports simcord."""
