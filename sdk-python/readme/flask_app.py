from flask import Flask, request

from jobs import URL, welcome_email
from rockqueue.flask import RockQueue

queue = RockQueue()


def create_app() -> Flask:
    app = Flask(__name__)
    app.config["ROCKQUEUE_URL"] = URL  # or the environment variable
    queue.init_app(app)

    @app.post("/signup")
    def signup() -> tuple[str, int]:
        job = welcome_email.push(queue.client, to=request.form["email"])
        return job.id, 202

    return app
