package shop

import (
	"context"
	"log/slog"
	"os"
	"strings"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuehook"
)

// NewReceiver takes the webhooks of a queue server that knows the secret in the environment variable WEBHOOK_SECRET; while
// it is changed, both the new and the former one, with a space between. Nil without the variable: then there is no route.
func NewReceiver() (*rockqueuehook.Receiver, error) {
	secrets := strings.Fields(os.Getenv("WEBHOOK_SECRET"))
	if len(secrets) == 0 {
		return nil, nil
	}
	return rockqueuehook.NewReceiver(secrets, nil)
}

// shown in the README: [hook]

// mailGivenUp tells people of dead letters. It may be called twice for one of them: events arrive at least once.
func mailGivenUp(_ context.Context, hook *rockqueuehook.Event) error {
	event, err := rockqueue.ParseEvent(hook.Data)
	if err != nil {
		return err
	}
	if event.Type == rockqueue.EventJobDead {
		slog.Warn("a mail was given up", "job", event.JobID, "name", event.Name, "why", event.DeadReason)
	}
	return nil
}

// shown in the README: [/hook]
