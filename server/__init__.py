"""Parley, the chat service: core decides, chat says what happens, adapters and edge touch the world."""

__version__ = "0.1.0"
