package shop_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rockqueue/rockqueue/examples/email-go/shop"
	"github.com/rockqueue/rockqueue/examples/email-go/smtpsink"
	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuetest"
)

const (
	nobody   = "0193f5a0-0000-7000-8000-000000000000"
	patience = 15 * time.Second
	// aWhile is longer than any pause before a retry here, and shorter than the lease of a mail that is being sent.
	aWhile = 5 * time.Second
)

type mail struct {
	JobID     string  `json:"job_id"`
	Name      string  `json:"name"`
	State     string  `json:"state"`
	Attempt   int     `json:"attempt"`
	Failures  int     `json:"failures"`
	LastError *string `json:"last_error"`
}

// visitor uses the app over HTTP.
type visitor struct {
	*testing.T
	url string
}

// openPostOffice starts a mail server for one test.
func openPostOffice(t *testing.T, options smtpsink.Options) *smtpsink.Sink {
	t.Helper()
	sink, err := smtpsink.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sink.Close)
	t.Setenv("MAIL_SERVER", sink.Address())
	return sink
}

// openShop serves the app for a client, and works on its mails; close may be called early.
func openShop(t *testing.T, client *rockqueue.Client, settings shop.QueueSettings) (v visitor, closeShop func()) {
	t.Helper()
	workers := shop.NewWorkers(client, settings)
	if err := workers.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(shop.NewHandler(client, nil))
	closeShop = func() {
		web.Close()
		_ = workers.Stop(t.Context())
		_ = client.Close()
	}
	t.Cleanup(closeShop)
	return visitor{t, web.URL}, closeShop
}

// embedded opens a client of a store of this test's own.
func embedded(t *testing.T, folder string) (*rockqueue.Client, shop.QueueSettings) {
	t.Helper()
	settings := shop.QueueSettings{URL: "embedded:" + folder}
	client, err := rockqueue.NewClient(rockqueue.Config{URL: settings.URL})
	if err != nil {
		t.Fatal(err)
	}
	// As the program does: visitors come when the store is open.
	if err := client.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	return client, settings
}

// call returns the status, and stores the answer in the value that into points to unless that is nil.
func (v visitor) call(method, path, body string, into any) int {
	v.Helper()
	request, _ := http.NewRequestWithContext(v.Context(), method, v.url+path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		v.Fatal(err)
	}
	defer response.Body.Close()
	said, _ := io.ReadAll(response.Body)
	if into != nil {
		if err := json.Unmarshal(said, into); err != nil {
			v.Fatalf("%s %s was answered with %d and %q: %v", method, path, response.StatusCode, said, err)
		}
	}
	return response.StatusCode
}

// askFor asks for a mail, and returns its job's id.
func (v visitor) askFor(wish, email string) string {
	v.Helper()
	return v.ask(wish, fmt.Sprintf(`{"email": %q}`, email))
}

// askAs asks for a mail on behalf of a tenant.
func (v visitor) askAs(tenant, wish, email string) string {
	v.Helper()
	return v.ask(wish, fmt.Sprintf(`{"email": %q, "tenant": %q}`, email, tenant))
}

func (v visitor) ask(wish, body string) string {
	v.Helper()
	var queued struct {
		JobID string `json:"job_id"`
	}
	if status := v.call("POST", "/"+wish, body, &queued); status != 202 {
		v.Fatalf("%s was answered with %d", wish, status)
	}
	return queued.JobID
}

// until asks again and again until a mail is in one of these states.
func (v visitor) until(id string, states ...string) mail {
	v.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		var found mail
		v.call("GET", "/jobs/"+id, "", &found)
		if slices.Contains(states, found.State) {
			return found
		}
		if time.Now().After(deadline) {
			v.Fatalf("not %v within %s: %+v", states, patience, found)
		}
	}
}

func (v visitor) figures() map[string]float64 {
	v.Helper()
	figures := map[string]float64{}
	v.call("GET", "/stats", "", &figures)
	return figures
}

func equal(t *testing.T, got, want any, what string) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s is %+v, not %+v", what, got, want)
	}
}

func TestASignupIsAcknowledgedAndItsMailArrives(t *testing.T) {
	sink := openPostOffice(t, smtpsink.Options{Unknown: "bob@mail.example"})
	v, _ := openShop(openEmbedded(t))

	id := v.askFor("signup", "ann@mail.example")
	equal(t, v.until(id, "COMPLETED"), mail{JobID: id, Name: "welcome-email", State: "COMPLETED", Attempt: 1}, "the job")
	equal(t, sink.Arrivals(), []smtpsink.Arrival{{
		JobID: id, Attempt: 1, MessageID: "<" + id + "@shop.example>", Recipient: "ann@mail.example", Subject: "Welcome",
	}}, "what arrived")

	t.Run("a mail that is refused for good is a dead letter at once", func(t *testing.T) {
		dead := v.until(v.askFor("signup", "bob@mail.example"), "DEAD")
		equal(t, dead.Failures, 1, "the number of failures")
		if !strings.Contains(*dead.LastError, "550") {
			t.Errorf("the last error is %q", *dead.LastError)
		}
	})
	t.Run("only a dead letter can be sent again", func(t *testing.T) {
		var said map[string]string
		equal(t, v.call("POST", "/jobs/"+id+"/retry", "", &said), 409, "the status")
		equal(t, said["detail"], "only a mail of the dead letters can be sent again", "the answer")
	})
	t.Run("nobody's mail is not found", func(t *testing.T) {
		for path, method := range map[string]string{
			"/jobs/" + nobody + "/retry": "POST", "/jobs/" + nobody: "GET", "/mails/" + nobody + "/why": "GET",
		} {
			var said map[string]string
			equal(t, v.call(method, path, "", &said), 404, "the status")
			equal(t, said["detail"], "no mail has this id", "the answer")
		}
		equal(t, v.call("GET", "/jobs/nonsense", "", nil), 422, "the status for what is no id")
		equal(t, v.call("GET", "/mails/nonsense/why", "", nil), 422, "the status for what is no id")
	})
	t.Run("a malformed address queues nothing", func(t *testing.T) {
		before := v.figures()
		tooLong := fmt.Sprintf(`{"email": "%s@m.example"}`, strings.Repeat("a", 250))
		for _, body := range []string{
			`{}`, `{"email": "ann"}`, `{"email": "a b@mail.example"}`, tooLong, `{"email": ["a@b"]}`, `{"email":`,
		} {
			for _, path := range []string{"/signup", "/reset-password"} {
				equal(t, v.call("POST", path, body, nil), 422, "the status for "+body)
			}
		}
		equal(t, v.figures(), before, "the figures")
	})
}

func openEmbedded(t *testing.T) (*testing.T, *rockqueue.Client, shop.QueueSettings) {
	t.Helper()
	client, settings := embedded(t, t.TempDir()+"/jobs.db")
	return t, client, settings
}

func TestAnAcknowledgedMailIsStillThereAfterARestartAndAResetOvertakesIt(t *testing.T) {
	openPostOffice(t, smtpsink.Options{})
	folder := t.TempDir() + "/jobs.db"
	client, settings := embedded(t, folder)
	v, closeShop := openShop(t, client, settings)
	for state, count := range v.figures() {
		equal(t, count, 0.0, state+" of an empty queue")
	}
	v.until(v.askFor("signup", "ann@mail.example"), "COMPLETED")
	if _, err := client.Queues().Pause(t.Context(), shop.Queue); err != nil {
		t.Fatal(err)
	}
	welcome := v.askFor("signup", "bob@mail.example")
	reset := v.askFor("reset-password", "cy@mail.example")
	closeShop()

	client, settings = embedded(t, folder)
	v, _ = openShop(t, client, settings)
	figures := v.figures()
	equal(t, []float64{figures["waiting"], figures["completed"]}, []float64{2, 1}, "waiting and completed")
	if age := figures["oldest_age_s"]; age <= 0 || age > 60 {
		t.Errorf("oldest_age_s is %v", age)
	}
	var inOrder []string
	filter := rockqueue.JobFilter{Queue: shop.Queue, State: rockqueue.JobWaiting}
	for job, err := range client.List(t.Context(), filter, nil) {
		if err != nil {
			t.Fatal(err)
		}
		inOrder = append(inOrder, job.ID)
	}
	equal(t, inOrder, []string{reset, welcome}, "the order of delivery")
	if _, err := client.Queues().Resume(t.Context(), shop.Queue); err != nil {
		t.Fatal(err)
	}
	v.until(welcome, "COMPLETED")
	v.until(reset, "COMPLETED")
}

func TestARefusedMailIsTriedAgainThenADeadLetterAndCanBeSentAgain(t *testing.T) {
	sink := openPostOffice(t, smtpsink.Options{Share: 1})
	server := rockqueuetest.NewServer(t)
	v, _ := openShop(t, server.Client(rockqueue.Config{}), shop.QueueSettings{URL: server.URL()})

	welcome := v.askFor("signup", "ann@mail.example")
	reset := v.askFor("reset-password", "ann@mail.example")
	for _, id := range []string{welcome, reset} {
		for v.until(id, "DELAYED", "DEAD").State == "DELAYED" {
			server.Advance(aWhile)
		}
	}
	var letters []mail
	v.call("GET", "/dead-letters", "", &letters)
	failures := map[string]int{}
	for _, letter := range letters {
		failures[letter.JobID] = letter.Failures
		if !strings.Contains(*letter.LastError, "Try again later") {
			t.Errorf("the last error is %q", *letter.LastError)
		}
	}
	equal(t, failures, map[string]int{welcome: 3, reset: 5}, "how often each was tried")
	equal(t, len(sink.Arrivals()), 0, "the number of mails that arrived")

	sink.Refuse(0)
	equal(t, v.call("POST", "/jobs/"+welcome+"/retry", "", nil), 202, "the status")
	v.until(welcome, "COMPLETED")
	arrivals := sink.Arrivals()
	equal(t, []any{len(arrivals), arrivals[0].JobID, arrivals[0].Attempt}, []any{1, welcome, 4}, "what arrived")
}

func TestWithoutAQueueServerNothingIsAcknowledged(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nowhere := listener.Addr().String()
	listener.Close()
	client, err := rockqueue.NewClient(rockqueue.Config{URL: "rockqueue://" + nowhere, Timeout: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	answer := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodPost, "/signup", strings.NewReader(`{"email": "ann@mail.example"}`))
	request.Header.Set("Content-Type", "application/json")
	shop.NewHandler(client, nil).ServeHTTP(answer, request)
	equal(t, []any{answer.Code, answer.Header().Get("Retry-After")}, []any{503, "1"}, "the answer")
}
