import rockqueue
from jobs import URL, welcome_email
from rockqueue.opentelemetry import OpenTelemetryMiddleware

with rockqueue.SyncClient(URL, middleware=[OpenTelemetryMiddleware()]) as client:
    job = welcome_email.push(client, to="ada@example.com")
    print("pushed", job.id)
