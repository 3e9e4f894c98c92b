"""The version of this package, which a driver names to the server."""

VERSION = "0.1.0"
