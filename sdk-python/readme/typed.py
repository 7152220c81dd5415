import asyncio
from datetime import UTC, datetime

from pydantic import BaseModel

import rockqueue
from jobs import URL
from rockqueue.codecs import PydanticCodec


class Order(BaseModel):
    number: int
    placed: datetime


class Invoice(BaseModel):
    order: Order
    total: float


@rockqueue.job(queue="billing")
async def bill(order: Order, discount: float = 0.0) -> Invoice:
    return Invoice(order=order, total=100 - discount)


async def main() -> None:
    async with rockqueue.Client(URL, codec=PydanticCodec()) as client:
        job = await bill.push(client, Order(number=7, placed=datetime.now(UTC)), discount=10)
        async with rockqueue.Worker(client, jobs=[bill]):
            invoice = await bill.result(client, job.id, timeout=10)  # an Invoice, also for your editor
            print("order", invoice.order.number, "costs", invoice.total)

            wrong = await client.push("billing", "bill", {"order": {"number": "seven"}})
            print((await client.wait(wrong.id, timeout=10)).errors[0].message)


asyncio.run(main())
