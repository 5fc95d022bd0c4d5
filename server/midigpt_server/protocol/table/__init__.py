"""The rows of the message table, by subject."""
