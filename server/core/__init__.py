"""Decisions, pure: no I/O, no clock, no event loop, no framework. Time, ids and randomness are arguments.

The words: an *actor* asks; a *turn* is one user message to one finished reply; its *events* are the turn's log, and a
*position* is (response id, sequence number); a *persona* answers through a *model*, which is an alias; *caps* are held
before the upstream is called and settled after; a *door* is one surface that clients talk to.
"""
