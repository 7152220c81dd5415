"""The columns of the store, and their handles for batches, under short names."""

from __future__ import annotations

from rockqueue_server.store.base import Store


class Columns:
    """Readers (`job`) and batch handles (`job_h`) of every column."""

    def __init__(self, store: Store) -> None:
        self.meta = store.column("meta")
        self.job = store.column("job")
        self.touched = store.column("touched")
        self.ready = store.column("ready")
        self.gready = store.column("gready")
        self.group = store.column("group")
        self.delayed = store.column("delayed")
        self.blocked = store.column("blocked")
        self.active = store.column("active")
        self.done = store.column("done")
        self.notes = store.column("notes")
        self.tags = store.column("tags")
        self.timers = store.column("timers")
        self.unique = store.column("unique")
        self.dedup = store.column("dedup")
        self.flows = store.column("flows")
        self.schedules = store.column("schedules")
        self.events = store.column("events")
        self.webhooks = store.column("webhooks")
        self.webhook_deliveries = store.column("webhook_deliveries")
        self.meta_h = self.meta.handle
        self.job_h = self.job.handle
        self.touched_h = self.touched.handle
        self.ready_h = self.ready.handle
        self.gready_h = self.gready.handle
        self.group_h = self.group.handle
        self.delayed_h = self.delayed.handle
        self.blocked_h = self.blocked.handle
        self.active_h = self.active.handle
        self.done_h = self.done.handle
        self.notes_h = self.notes.handle
        self.tags_h = self.tags.handle
        self.timers_h = self.timers.handle
        self.unique_h = self.unique.handle
        self.dedup_h = self.dedup.handle
        self.flows_h = self.flows.handle
        self.schedules_h = self.schedules.handle
        self.events_h = self.events.handle
        self.webhooks_h = self.webhooks.handle
        self.webhook_deliveries_h = self.webhook_deliveries.handle

    def let_go(self) -> None:
        """Drops every handle, so that the store can be closed and opened again. Nothing works afterwards."""
        self.__dict__.clear()
