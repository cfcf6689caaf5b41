"""What clients send and are sent, as models: descriptions are made of them, and tests hold every frame against them.

Nothing here runs while an answer streams: frames are written as text, by the renderers.
"""
