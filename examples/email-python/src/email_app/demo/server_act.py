"""Second act: the queue on a server, its events watched live. Kill server, app and worker at once, and go on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from email_app.demo.books import close_books, order_checks
from email_app.demo.plan import Plan, read_dead_letters, read_figures
from email_app.demo.priority import check_order
from email_app.demo.processes import DemoProcess
from email_app.demo.screen import Check, Screen
from email_app.demo.stage import Stage, open_stage
from email_app.demo.traffic import mixed, signups
from email_app.demo.watch import Watch

LATER_SIGNUPS, LATER_RESETS = 3, 2


@dataclass(frozen=True, slots=True)
class _Trio:
    server: DemoProcess
    app: DemoProcess
    worker: DemoProcess

    async def kill(self) -> None:
        await asyncio.gather(self.server.kill(), self.app.kill(), self.worker.kill())


async def play_on_server(plan: Plan, screen: Screen) -> list[Check]:
    """Plays the act and returns the rows of its closing table."""
    screen.title("Act 2: the queue on a server; web app and worker are processes of their own")
    async with open_stage(plan, screen, "server") as stage:
        screen.say("starting a queue server, the web app and a worker")
        trio = await _start_trio(stage, "127.0.0.1:0")
        async with Watch(_url(trio.server.address), screen) as watch:
            await _work_and_kill(stage, watch, trio)
            survival = await stage.examine_remains()
            app = await _start_again(stage, trio.server.address)
            await watch.until(lambda: _all_finished(stage, watch), "sending the rest", plan.patience_s)
        dead = await read_dead_letters(app.address)
        order = check_order(watch.moments, stage.promises.answered_s)
        books = close_books(stage.promises, stage.mails, dead)
        return [*survival, *books, *order_checks(order)]


async def _start_trio(stage: Stage, listen: str) -> _Trio:
    server = await stage.start_queue_server(listen)
    app, worker = await asyncio.gather(stage.start_app(_url(server.address)), stage.start_worker(_url(server.address)))
    return _Trio(server, app, worker)


async def _work_and_kill(stage: Stage, watch: Watch, trio: _Trio) -> None:
    plan, acknowledged = stage.plan, stage.promises.acknowledged
    watch.expected = plan.signups + plan.resets + LATER_SIGNUPS + LATER_RESETS
    await stage.visitors.visit(trio.app.address, signups(plan.warm_up))
    stage.screen.say(
        f"{len(acknowledged)} signups were answered with 202: a backlog for {trio.worker.name} {trio.worker.pid}"
    )
    await stage.visitors.visit(trio.app.address, mixed(plan.signups - plan.warm_up, plan.resets, plan.seed))
    stage.screen.say(f"{len(acknowledged)} requests were answered with 202, {plan.resets} of them password resets")
    third = (plan.signups + plan.resets) // 3
    await watch.until(lambda: len(watch.finished) >= third, "the first third", plan.patience_s)
    await trio.kill()
    pids = f"{trio.server.pid} {trio.app.pid} {trio.worker.pid}"
    stage.screen.say(f"{len(watch.finished)} mails are done: kill -9 {pids}, server, web app and worker at once")


async def _start_again(stage: Stage, listen: str) -> DemoProcess:
    """Starts all three on the same files, the worker last: the new resets find the old welcome mails waiting."""
    server = await stage.start_queue_server(listen)
    app = await stage.start_app(_url(server.address))
    stage.screen.say(f"started again on the same files: {await read_figures(app.address)}")
    await stage.visitors.visit(app.address, mixed(LATER_SIGNUPS, LATER_RESETS, stage.plan.seed))
    stage.screen.say(f"{LATER_SIGNUPS + LATER_RESETS} more requests; now a worker sends old and new mails side by side")
    await stage.start_worker(_url(server.address))
    return app


def _all_finished(stage: Stage, watch: Watch) -> bool:
    return stage.promises.acknowledged.keys() <= watch.finished


def _url(address: str) -> str:
    return f"rockqueue://{address}"
