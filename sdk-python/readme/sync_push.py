import rockqueue
from jobs import URL, welcome_email

with rockqueue.SyncClient(URL) as client:
    job = welcome_email.push(client, to="linus@example.com")
    print(client.get(job.id).state)
