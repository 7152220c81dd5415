package rockqueuehook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuehook"
)

// ExampleReceiver_Handler takes a request that a server has signed.
func ExampleReceiver_Handler() {
	receiver, err := rockqueuehook.NewReceiver([]string{"whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="},
		&rockqueuehook.Options{Now: func() time.Time { return time.Unix(1795345200, 0) }}) // when it was signed
	if err != nil {
		panic(err)
	}
	handler := receiver.Handler(func(_ context.Context, hook *rockqueuehook.Event) error {
		event, err := rockqueue.ParseEvent(hook.Data)
		fmt.Println(hook.Type, event.Name, event.State)
		return err
	})
	request := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/hooks", strings.NewReader(
		`{"type":"job.completed","timestamp":"2026-11-22T11:00:00.250Z","data":{"cursor":"AAAAAAAAB9Y",`+
			`"type":"EVENT_TYPE_JOB_COMPLETED","time":"2026-11-22T11:00:00.250Z","queue":"mail",`+
			`"job_id":"0193f0a4-3c00-7000-8000-000000000001","name":"welcome_email","state":"JOB_STATE_COMPLETED","attempt":1}}`))
	request.Header.Set("Webhook-Id", "msg_0193f0a43c0070008000000000000009")
	request.Header.Set("Webhook-Timestamp", "1795345200")
	request.Header.Set("Webhook-Signature", "v1,Gh4CVNy0LUTskZBiSjCp/iAL0nC+U946sSvi9FAnn5c=")
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	fmt.Println(answer.Code)
	// Output:
	// job.completed welcome_email COMPLETED
	// 204
}
