package shop_test

import (
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/rockqueue/rockqueue/examples/email-go/shop"
	"github.com/rockqueue/rockqueue/examples/email-go/smtpsink"
	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuetest"
)

func TestEverybodyWhoSignedUpGetsTheDigestOfTheNight(t *testing.T) {
	sink := openPostOffice(t, smtpsink.Options{})
	server := rockqueuetest.NewServer(t)
	client := server.Client(rockqueue.Config{})
	v, _ := openShop(t, client, shop.QueueSettings{URL: server.URL()})
	for range 2 { // as each start of the program does
		if err := shop.PutSchedules(t.Context(), client); err != nil {
			t.Fatal(err)
		}
	}
	for _, email := range []string{"ann@mail.example", "bob@mail.example", "ann@mail.example"} {
		v.until(v.askFor("signup", email), "COMPLETED")
	}
	triggered, err := client.Schedules().Trigger(t.Context(), shop.DigestSchedule)
	if err != nil {
		t.Fatal(err)
	}
	flowID, err := rockqueue.Result[string](t.Context(), client, triggered.JobID)
	if err != nil {
		t.Fatal(err)
	}
	flow, err := client.Flows().Wait(t.Context(), flowID)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, flow.State, rockqueue.FlowCompleted, "the flow")
	var reports []shop.DigestReport
	for _, job := range flow.Graph {
		if job.Node == (shop.ReportDigest{}).Kind() {
			report, err := rockqueue.Result[shop.DigestReport](t.Context(), client, job.JobID)
			if err != nil {
				t.Fatal(err)
			}
			reports = append(reports, report)
		}
	}
	equal(t, reports, []shop.DigestReport{{Sent: 2}}, "the report")
	var readers []string
	for _, arrival := range sink.Arrivals() {
		if arrival.Subject == "Your digest" {
			readers = append(readers, arrival.Recipient)
		}
	}
	slices.Sort(readers)
	equal(t, readers, []string{"ann@mail.example", "bob@mail.example"}, "who got the digest")
}

func TestTheQueueServerTellsTheAppOfDeadLetters(t *testing.T) {
	server := rockqueuetest.NewServer(t)
	client := server.Client(rockqueue.Config{})
	webhook, err := client.Webhooks().Put(t.Context(), rockqueue.NewWebhook{Name: "shop", URL: "http://127.0.0.1:9/hooks"})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("WEBHOOK_SECRET", webhook.Secret)
	receiver, err := shop.NewReceiver()
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(shop.NewHandler(client, receiver))
	t.Cleanup(web.Close)
	_, err = client.Webhooks().Put(t.Context(), rockqueue.NewWebhook{Name: "shop", URL: web.URL + "/hooks"})
	if err != nil {
		t.Fatal(err)
	}
	attempt, err := client.Webhooks().Test(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, []any{attempt.Status, attempt.Error}, []any{int32(204), ""}, "the answer to a signed request")
	equal(t, visitor{t, web.URL}.call("POST", "/hooks", "{}", nil), 400, "the answer to one that nobody signed")
	t.Setenv("WEBHOOK_SECRET", "secret")
	if _, err := shop.NewReceiver(); err == nil {
		t.Error("a secret that is none was taken")
	}
}
