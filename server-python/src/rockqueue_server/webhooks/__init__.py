"""Webhooks: events as HTTP requests, from an outbox on disk."""
