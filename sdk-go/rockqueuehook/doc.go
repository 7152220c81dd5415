// Package rockqueuehook receives webhooks: it verifies that a request comes from a RockQueue server that knows the secret,
// and reads the event in it. It needs no client.
//
//	receiver, err := rockqueuehook.NewReceiver([]string{os.Getenv("WEBHOOK_SECRET")}, nil)
//	if err != nil { ... }
//	mux.Handle("POST /hooks", receiver.Handler(func(ctx context.Context, event *rockqueuehook.Event) error {
//		job, err := rockqueue.ParseEvent(event.Data)
//		...
//	}))
//
// Requests are signed as Standard Webhooks has it (https://www.standardwebhooks.com). One is sent again until it is answered
// with success, so an event may come twice: Event.ID is the same then.
package rockqueuehook
