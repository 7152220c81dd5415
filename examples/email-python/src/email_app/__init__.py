"""A web app that queues its mails on disk, answers at once, and loses none of them to a kill -9."""
