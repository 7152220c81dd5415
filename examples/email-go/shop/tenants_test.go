package shop_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rockqueue/rockqueue/examples/email-go/shop"
	"github.com/rockqueue/rockqueue/examples/email-go/smtpsink"
	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuetest"
)

// closedShop serves the app while nobody works on its mails.
func closedShop(t *testing.T) (visitor, *rockqueue.Client) {
	t.Helper()
	client := rockqueuetest.NewServer(t).Client(rockqueue.Config{})
	web := httptest.NewServer(shop.NewHandler(client, nil))
	t.Cleanup(web.Close)
	return visitor{t, web.URL}, client
}

type answerToWhy struct {
	State   string
	Reasons []map[string]string
}

type answerToCancel struct {
	Affected *int64
	DryRun   *bool `json:"dry_run"`
}

func (v visitor) cancel(query string) (affected int64, dryRun bool) {
	v.Helper()
	var said answerToCancel
	if status := v.call("DELETE", "/mails?"+query, "", &said); status != 200 || said.Affected == nil || said.DryRun == nil {
		v.Fatalf("DELETE /mails?%s was answered with %d and %+v", query, status, said)
	}
	return *said.Affected, *said.DryRun
}

func TestAMailIsInTheGroupOfItsTenantAndATenantHasALimit(t *testing.T) {
	v, client := closedShop(t)
	for _, wish := range []string{"signup", "reset-password"} {
		for id, group := range map[string]string{
			v.askAs("flowers", wish, "ann@mail.example"):                 "flowers",
			v.askFor(wish, "ann@mail.example"):                           "",
			v.ask(wish, `{"email": "ann@mail.example", "tenant": null}`): "",
		} {
			job, err := client.Get(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, job.Group, group, "the group")
		}
	}
	shop.LimitTenants(t.Context(), client)
	limitIsSet(t, client)
}

func limitIsSet(t *testing.T, client *rockqueue.Client) {
	t.Helper()
	queue, err := client.Queues().Get(t.Context(), shop.Queue)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, queue.Settings.GroupMaxActive, new(int32(5)), "the limit of a tenant")
}

func TestTheLimitOfATenantIsSetAsSoonAsTheQueueCanBeReached(t *testing.T) {
	server := rockqueuetest.NewServer(t)
	server.Stop()
	impatient := server.Client(rockqueue.Config{Timeout: 300 * time.Millisecond})
	_, err := impatient.Queues().Get(t.Context(), shop.Queue)
	equal(t, errors.Is(err, rockqueue.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded), true, "the queue's absence")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	set := make(chan struct{})
	go func() {
		defer close(set)
		shop.LimitTenants(ctx, impatient)
	}()
	server.Start()
	defer time.AfterFunc(patience, cancel).Stop()
	<-set
	limitIsSet(t, server.Client(rockqueue.Config{}))
}

func TestATenantDoesNotWaitForTheManyMailsOfAnother(t *testing.T) {
	sink := openPostOffice(t, smtpsink.Options{})
	v, client := closedShop(t)
	// One at a time: the mails arrive in the order in which they were begun.
	_, err := client.Queues().Update(t.Context(), shop.Queue, rockqueue.QueueSettings{MaxActive: new(int32(1))})
	if err != nil {
		t.Fatal(err)
	}
	var last string
	for range 6 {
		last = v.askAs("flowers", "signup", "ann@mail.example")
	}
	late := v.askAs("books", "signup", "bob@mail.example")
	v, _ = openShop(t, client, shop.QueueSettings{URL: client.URL()})
	v.until(last, "COMPLETED")
	place := slices.IndexFunc(sink.Arrivals(), func(arrival smtpsink.Arrival) bool { return arrival.JobID == late })
	if place < 0 || place > 1 {
		t.Errorf("the mail of books arrived at place %d, not among the first two", place)
	}
}

func TestAMalformedTenantQueuesNothingAndCancelsNothing(t *testing.T) {
	v, _ := closedShop(t)
	v.askAs(strings.Repeat("ü", 64), "signup", "ann@mail.example")
	for _, tenant := range []string{`""`, `7`, `"line\nbreak"`, `"` + strings.Repeat("a", 65) + `"`} {
		body := fmt.Sprintf(`{"email": "ann@mail.example", "tenant": %s}`, tenant)
		var said map[string]string
		equal(t, v.call("POST", "/signup", body, &said), 422, "the status for "+body)
		equal(t, said["detail"], "a tenant is a name of 1 to 64 characters", "the answer")
	}
	for _, query := range []string{
		"", "?tenant=", "?dry_run=1", "?tenant=%0A", "?tenant=%FF", "?tenant=" + strings.Repeat("a", 65),
		"?tenant=" + url.QueryEscape(strings.Repeat("ü", 64)) + "&dry_run=perhaps",
	} {
		equal(t, v.call("DELETE", "/mails"+query, "", nil), 422, "the status for "+query)
	}
	figures := v.figures()
	equal(t, []float64{figures["waiting"], figures["cancelled"]}, []float64{1, 0}, "waiting and cancelled")
}

func TestAMailTellsWhatItIsWaitingFor(t *testing.T) {
	v, _ := closedShop(t)
	id := v.askFor("signup", "ann@mail.example")
	var why answerToWhy
	equal(t, v.call("GET", "/mails/"+id+"/why", "", &why), 200, "the status")
	equal(t, []any{why.State, len(why.Reasons), why.Reasons[0]["kind"]}, []any{"WAITING", 1, "NO_WORKER"}, "why")
	if message := why.Reasons[0]["message"]; !strings.Contains(message, "worker") {
		t.Errorf("the message is %q", message)
	}
}

func TestAMailThatWaitsForNothingHasAListOfNoReasons(t *testing.T) {
	silent := httptest.NewUnstartedServer(http.HandlerFunc(answerNothing))
	silent.Config.Protocols = new(http.Protocols)
	silent.Config.Protocols.SetUnencryptedHTTP2(true)
	silent.Start()
	t.Cleanup(silent.Close)
	client, err := rockqueue.NewClient(rockqueue.Config{URL: "rockqueue://" + silent.Listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	web := httptest.NewServer(shop.NewHandler(client, nil))
	t.Cleanup(web.Close)
	v := visitor{t, web.URL}
	var why map[string]json.RawMessage
	equal(t, v.call("GET", "/mails/"+nobody+"/why", "", &why), 200, "the status")
	equal(t, string(why["reasons"]), "[]", "the reasons")
}

// answerNothing answers a gRPC call with an empty message.
func answerNothing(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status")
	_, _ = w.Write(make([]byte, 5)) // not compressed, and 0 bytes long
	w.Header().Set("Grpc-Status", "0")
}

func TestTheWorkersOfTheMailQueueAreListed(t *testing.T) {
	openPostOffice(t, smtpsink.Options{})
	v, client := closedShop(t)
	var nobodyWorks, one map[string][]map[string]any
	equal(t, v.call("GET", "/workers", "", &nobodyWorks), 200, "the status")
	equal(t, nobodyWorks, map[string][]map[string]any{"workers": {}}, "the workers before one came")

	v, _ = openShop(t, client, shop.QueueSettings{URL: client.URL()})
	v.until(v.askFor("signup", "ann@mail.example"), "COMPLETED")
	v.call("GET", "/workers", "", &one)
	equal(t, len(one["workers"]), 1, "the number of workers")
	worker := one["workers"][0]
	if worker["name"] == "" {
		t.Error("the worker has no name")
	}
	delete(worker, "name")
	equal(t, worker, map[string]any{"state": "RUNNING", "active": 0.0, "stuck": []any{}}, "the worker")
}

func TestAllMailsOfATenantAreCancelledAndNoOthers(t *testing.T) {
	openPostOffice(t, smtpsink.Options{})
	v, client := closedShop(t)
	for range 3 {
		v.askAs("flowers", "signup", "ann@mail.example")
	}
	kept := []string{v.askAs("books", "signup", "bob@mail.example"), v.askFor("signup", "cy@mail.example")}
	for _, step := range []struct {
		query    string
		affected int64
		dryRun   bool
		waiting  float64
	}{
		{"tenant=flowers&dry_run=1", 3, true, 5},
		{"tenant=flowers&dry_run=0", 3, false, 2},
		{"tenant=flowers", 0, false, 2},
		{"tenant=nobody", 0, false, 2},
	} {
		affected, dryRun := v.cancel(step.query)
		equal(t, []any{affected, dryRun}, []any{step.affected, step.dryRun}, "the answer to "+step.query)
		equal(t, v.figures()["waiting"], step.waiting, "how many wait after "+step.query)
	}
	v, _ = openShop(t, client, shop.QueueSettings{URL: client.URL()})
	for _, id := range kept {
		v.until(id, "COMPLETED")
	}
	equal(t, v.figures()["cancelled"], 3.0, "how many were cancelled")
}
