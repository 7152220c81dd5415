package main

import (
	"context"
	"log"
	"net/http"
	"os"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuehook"
)

func dead(_ context.Context, hook *rockqueuehook.Event) error {
	event, err := rockqueue.ParseEvent(hook.Data)
	if err != nil {
		return err
	}
	log.Println(hook.Type, event.Name, event.JobID, event.DeadReason)
	return nil
}

func main() {
	receiver, err := rockqueuehook.NewReceiver([]string{os.Getenv("WEBHOOK_SECRET")}, nil)
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/hooks", receiver.Handler(dead))
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", nil))
}
