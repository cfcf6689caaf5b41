"""The network: WebSocket and HTTP doors over one engine. The only package that knows FastAPI.

Parsers and renderers are pure: JSON objects in, neutral requests out; events in, frames out.
"""
