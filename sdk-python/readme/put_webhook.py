import rockqueue
from jobs import URL

with rockqueue.SyncClient(URL) as client:
    hook = client.webhooks.put("mail", "https://example.com/hook", queues=["mail"], types=["JOB_COMPLETED", "JOB_DEAD"])
    print("keep this secret:", hook.secret)
    for delivery in client.webhooks.deliveries("mail"):
        print(delivery.state, [attempt.status for attempt in delivery.attempts])
