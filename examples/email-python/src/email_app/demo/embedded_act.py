"""First act: the queue lives inside the web app. Kill the app, start it on the same files, and go on."""

from __future__ import annotations

from collections.abc import Callable

from email_app.demo.books import close_books
from email_app.demo.plan import Figures, Plan, read_dead_letters, read_figures, until_figures
from email_app.demo.screen import Check, Screen
from email_app.demo.stage import Stage, open_stage
from email_app.demo.traffic import signups

FIRST_MAILS = 15
LATER_MAILS = 5
KILL_AFTER = 5


async def play_embedded(plan: Plan, screen: Screen) -> list[Check]:
    """Plays the act and returns the rows of its closing table."""
    screen.title("Act 1: the queue inside the web app, one process and one folder")
    async with open_stage(plan, screen, "embedded") as stage:
        screen.say("starting the web app")
        await _work_and_kill(stage)
        survival = await stage.examine_remains()
        app = await stage.start_app()
        screen.say(f"started again on the same files: {await read_figures(app.address)}")
        await stage.visitors.visit(app.address, signups(LATER_MAILS))
        screen.say(f"{LATER_MAILS} more signups; old and new mails are sent side by side")
        await _until(stage, app.address, lambda now: now.finished == now.total, "sending the rest")
        dead = await read_dead_letters(app.address)
        return [*survival, *close_books(stage.promises, stage.mails, dead)]


async def _work_and_kill(stage: Stage) -> None:
    app = await stage.start_app()
    await stage.visitors.visit(app.address, signups(FIRST_MAILS))
    stage.screen.say(f"{len(stage.promises.acknowledged)} signups were answered with 202: their mails are on disk")
    seen = await _until(stage, app.address, lambda now: now.finished >= KILL_AFTER, "the first mails")
    await app.kill()
    stage.screen.say(f"{seen.finished} mails are done: kill -9 {app.pid}, the web app, in the middle of the others")


async def _until(stage: Stage, base_url: str, reached: Callable[[Figures], bool], what: str) -> Figures:
    def show(now: Figures) -> None:
        stage.screen.progress(now.finished, FIRST_MAILS + LATER_MAILS, now.by_state())

    return await until_figures(base_url, reached, what, stage.plan.patience_s, show)
