"""The SDK mode: cases that drive an SDK through its driver, with a recording proxy between it and a real server."""
