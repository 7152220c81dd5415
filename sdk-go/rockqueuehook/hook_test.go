package rockqueuehook_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/goleak"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuehook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secret = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
	body   = `{"type":"job.dead","timestamp":"2026-11-22T11:00:00.25Z","data":{"cursor":"c","type":"EVENT_TYPE_JOB_DEAD",` +
		`"time":"2026-11-22T11:00:00.250Z","queue":"mail","job_id":"j","state":"JOB_STATE_DEAD","attempt":3,"purged":"7",` +
		`"dead_reason":"DEAD_REASON_ATTEMPTS_EXHAUSTED","from_tomorrow":{"a":[1]}}}`
)

var quiet = slog.New(slog.DiscardHandler)

func TestRequestsAreJudgedAsInEverySDK(t *testing.T) {
	var table struct {
		Vectors []struct {
			Name       string            `json:"name"`
			Body       string            `json:"body"`
			Secrets    []string          `json:"secrets"`
			NowS       int64             `json:"now_s"`
			ToleranceS int64             `json:"tolerance_s"`
			Headers    map[string]string `json:"headers"`
			Event      *struct {
				Type      string    `json:"type"`
				Timestamp time.Time `json:"timestamp"`
				Data      any       `json:"data"`
			} `json:"event"`
		} `json:"vectors"`
	}
	data, err := os.ReadFile("../../conformance-tests/vectors/webhooks.json")
	if err != nil {
		t.Skipf("the tables are not here: %v", err)
	}
	if err := json.Unmarshal(data, &table); err != nil || len(table.Vectors) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, one := range table.Vectors {
		t.Run(one.Name, func(t *testing.T) {
			event, err := rockqueuehook.Verify([]byte(one.Body), headers(one.Headers), one.Secrets, &rockqueuehook.Options{
				Tolerance: time.Duration(one.ToleranceS) * time.Second,
				Now:       func() time.Time { return time.Unix(one.NowS, 0) },
			})
			if one.Event == nil {
				if !errors.Is(err, rockqueuehook.ErrVerification) || event != nil {
					t.Fatalf("expected ErrVerification, got %v and %v", event, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var told any
			if err := json.Unmarshal(event.Data, &told); err != nil {
				t.Fatal(err)
			}
			if event.Type != one.Event.Type || !event.Timestamp.Equal(one.Event.Timestamp) || !reflect.DeepEqual(told, one.Event.Data) {
				t.Fatalf("expected %+v, got %+v", one.Event, event)
			}
		})
	}
}

func headers(values map[string]string) http.Header {
	made := make(http.Header)
	for name, value := range values {
		made.Set(name, value)
	}
	return made
}

// sign makes the headers of a request, with the library of Standard Webhooks.
func sign(t *testing.T, body string, at time.Time) http.Header {
	t.Helper()
	signer, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign("msg_1", at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return headers(map[string]string{
		"webhook-id": "msg_1", "webhook-timestamp": strconv.FormatInt(at.Unix(), 10), "webhook-signature": signature,
	})
}

func TestRequestsThatStandardWebhooksSignsAreTakenAndOnlyThose(t *testing.T) {
	header := sign(t, body, time.Now())
	event, err := rockqueuehook.Verify([]byte(body), header, []string{secret}, nil)
	if err != nil || event.ID != "msg_1" || event.Type != "job.dead" {
		t.Fatalf("expected job.dead of msg_1, got %+v (%v)", event, err)
	}
	judge, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, altered := range []string{body, body + " ", strings.ToUpper(body)} {
		_, ours := rockqueuehook.Verify([]byte(altered), header, []string{secret}, nil)
		if theirs := judge.Verify([]byte(altered), header); (ours == nil) != (theirs == nil) {
			t.Errorf("%q: here %v, by Standard Webhooks %v", altered, ours, theirs)
		}
	}
}

func TestASecretThatIsNoneIsTheProgramsFault(t *testing.T) {
	for _, bad := range []string{"", "AQID", "whsec_", "whsec_?", "WHSEC_AQID"} {
		_, err := rockqueuehook.NewReceiver([]string{secret, bad}, nil)
		if err == nil || errors.Is(err, rockqueuehook.ErrVerification) || !strings.Contains(err.Error(), "secrets[1]") {
			t.Errorf("%q: expected an error about secrets[1], got %v", bad, err)
		}
	}
}

func TestTheDataOfAnEventIsReadAsAnEvent(t *testing.T) {
	verified, err := rockqueuehook.Verify([]byte(body), sign(t, body, time.Now()), []string{secret}, nil)
	if err != nil {
		t.Fatal(err)
	}
	event, err := rockqueue.ParseEvent(verified.Data)
	if err != nil {
		t.Fatal(err)
	}
	if event.Type != rockqueue.EventJobDead || event.JobID != "j" || event.Attempt != 3 || event.Purged != 7 ||
		event.State != rockqueue.JobDead || event.DeadReason != rockqueue.DeadAttemptsExhausted ||
		!event.Time.Equal(verified.Timestamp) {
		t.Fatalf("got %+v", event)
	}
	tomorrow, err := rockqueue.ParseEvent([]byte(`{"type":"EVENT_TYPE_FROM_TOMORROW","job_id":"j"}`))
	if err != nil || tomorrow.Type != rockqueue.EventUnknown || tomorrow.JobID != "j" {
		t.Fatalf("expected an unknown type of job j, got %+v (%v)", tomorrow, err)
	}
	if _, err := rockqueue.ParseEvent([]byte(`[]`)); !errors.Is(err, rockqueue.ErrPayload) {
		t.Fatalf("expected ErrPayload, got %v", err)
	}
}

func TestAHandlerAnswersForWhatItsFunctionSays(t *testing.T) {
	receiver, err := rockqueuehook.NewReceiver([]string{secret}, &rockqueuehook.Options{MaxBytes: 1000, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	signed := sign(t, body, time.Now())
	long := strings.Repeat("x", 1001)
	for _, one := range []struct {
		name, method, body string
		header             http.Header
		says               error
		status, called     int
	}{
		{"taken", http.MethodPost, body, signed, nil, http.StatusNoContent, 1},
		{"failed", http.MethodPost, body, signed, errors.New("no disk"), http.StatusInternalServerError, 1},
		{"gone", http.MethodPost, body, signed, rockqueuehook.ErrGone, http.StatusGone, 1},
		{"changed", http.MethodPost, body + " ", signed, nil, http.StatusBadRequest, 0},
		{"too old", http.MethodPost, body, sign(t, body, time.Now().Add(-time.Hour)), nil, http.StatusBadRequest, 0},
		{"too large", http.MethodPost, long, sign(t, long, time.Now()), nil, http.StatusRequestEntityTooLarge, 0},
		{"asked for", http.MethodGet, "", nil, nil, http.StatusMethodNotAllowed, 0},
	} {
		t.Run(one.name, func(t *testing.T) {
			called := 0
			handler := receiver.Handler(func(_ context.Context, event *rockqueuehook.Event) error {
				called++
				if event.ID != "msg_1" || event.Type != "job.dead" {
					t.Errorf("expected job.dead of msg_1, got %+v", event)
				}
				return one.says
			})
			request := httptest.NewRequestWithContext(t.Context(), one.method, "/hooks", strings.NewReader(one.body))
			request.Header = one.header
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, request)
			answer := recorder.Result()
			text, _ := io.ReadAll(answer.Body)
			if answer.StatusCode != one.status || called != one.called {
				t.Fatalf("expected %d after %d calls, got %s (%q) after %d", one.status, one.called, answer.Status, text, called)
			}
		})
	}
}
