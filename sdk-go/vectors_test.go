package rockqueue

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

// readVectors reads a table that every SDK shares.
func readVectors(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("the tables are not here: %v", err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func TestURLsAreParsedAsInEverySDK(t *testing.T) {
	var table struct {
		DefaultURL  string `json:"default_url"`
		Environment string `json:"environment_variable"`
		Cases       []struct {
			URL, Kind, Address string
			Error              bool
		}
	}
	readVectors(t, "../sdk-python/tests/vectors/urls.json", &table)
	if table.DefaultURL != DefaultURL || table.Environment != environmentURL || len(table.Cases) == 0 {
		t.Fatalf("expected %q and %q, got %q and %q", table.DefaultURL, table.Environment, DefaultURL, environmentURL)
	}
	for _, one := range table.Cases {
		t.Run(one.URL, func(t *testing.T) {
			got, err := parseURL(one.URL)
			if (err != nil) != one.Error {
				t.Fatalf("expected error: %t, got %v", one.Error, err)
			}
			wanted := target{embedded: one.Kind == "embedded", address: one.Address}
			if err == nil && got != wanted {
				t.Fatalf("expected %+v, got %+v", wanted, got)
			}
			if err != nil && !strings.Contains(err.Error(), one.URL) {
				t.Fatalf("expected the error to name the URL, got %v", err)
			}
		})
	}
}

func TestAURLGivenWinsOverTheEnvironmentAndThatOverTheDefault(t *testing.T) {
	t.Setenv(environmentURL, "")
	if got := resolveURL(""); got != DefaultURL {
		t.Fatalf("expected %s, got %s", DefaultURL, got)
	}
	t.Setenv(environmentURL, "rockqueue://elsewhere")
	if got := resolveURL(""); got != "rockqueue://elsewhere" {
		t.Fatalf("expected that of the environment, got %s", got)
	}
	if got := resolveURL("embedded:./jobs.db"); got != "embedded:./jobs.db" {
		t.Fatalf("expected the one given, got %s", got)
	}
}

func TestCallsBackOffAsInEverySDK(t *testing.T) {
	type pauses struct{ Initial, Longest float64 }
	var table struct {
		Calls, Reconnects pauses
		Cases             []struct {
			Failures                          int
			Initial, Longest, Factor, Seconds float64
		}
	}
	readVectors(t, "../sdk-python/tests/vectors/backoff.json", &table)
	config := Config{}.withDefaults()
	calls := pauses{config.Retry.InitialDelay.Seconds(), config.Retry.MaxDelay.Seconds()}
	reconnects := pauses{reconnectFirst.Seconds(), reconnectLongest.Seconds()}
	if calls != table.Calls || reconnects != table.Reconnects || len(table.Cases) == 0 {
		t.Fatalf("expected the defaults of the table, got %v and %v", calls, reconnects)
	}
	for _, one := range table.Cases {
		initial, longest := inSeconds(one.Initial), inSeconds(one.Longest)
		got := backoff(one.Failures, initial, longest, one.Factor)
		if math.Abs(got.Seconds()-one.Seconds) > 1e-6 {
			t.Errorf("%+v: got %s", one, got)
		}
	}
}

func TestJobsBackOffAsTheContractSays(t *testing.T) {
	var table struct {
		Vectors []struct {
			Name, Kind, Base string
			MaxDelay         string `json:"max_delay"`
			Jitter           float64
			Failures         int
			Lowest, Highest  string
		}
	}
	readVectors(t, "../conformance-tests/vectors/backoff.json", &table)
	if len(table.Vectors) == 0 {
		t.Fatal("no vectors")
	}
	for _, one := range table.Vectors {
		policy := RetryPolicy{
			Backoff: Backoff(strings.ToLower(strings.TrimPrefix(one.Kind, "BACKOFF_KIND_"))),
			Base:    new(parse(t, one.Base)), MaxDelay: new(parse(t, one.MaxDelay)), Jitter: &one.Jitter,
		}
		lowest, highest := policy.Pause(one.Failures)
		if !near(lowest, parse(t, one.Lowest)) || !near(highest, parse(t, one.Highest)) {
			t.Errorf("%s: expected %s to %s, got %s to %s", one.Name, one.Lowest, one.Highest, lowest, highest)
		}
	}
}

func near(got, wanted time.Duration) bool { return (got - wanted).Abs() <= time.Microsecond }

func parse(t *testing.T, text string) time.Duration {
	t.Helper()
	duration, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return duration
}

func inSeconds(value float64) time.Duration { return time.Duration(value * float64(time.Second)) }

func TestTheRetryTableIsThatOfTheContract(t *testing.T) {
	for name, wanted := range map[string]method{
		"/rockqueue.v1.JobService/PushJobs":             {name: "PushJobs", repeatable: true, mutating: true},
		"/rockqueue.v1.JobService/GetJob":               {name: "GetJob", repeatable: true},
		"/rockqueue.v1.WorkService/PullJobs":            {name: "PullJobs", mutating: true},
		"/rockqueue.v1.WorkService/SettleJobs":          {name: "SettleJobs", repeatable: true, mutating: true},
		"/rockqueue.v1.ScheduleService/TriggerSchedule": {name: "TriggerSchedule", repeatable: true, mutating: true},
		"/rockqueue.v1.ScheduleService/PreviewSchedule": {name: "PreviewSchedule", repeatable: true},
		"/rockqueue.v1.FlowService/PushFlow":            {name: "PushFlow", repeatable: true, mutating: true},
		"/rockqueue.v1.WebhookService/PutWebhook":       {name: "PutWebhook", repeatable: true, mutating: true},
		"/rockqueue.v1.WebhookService/TestWebhook":      {name: "TestWebhook", mutating: true},
		"/rockqueue.v1.ServerService/CreateBackup":      {name: "CreateBackup", mutating: true},
	} {
		if got := methodOf(name); got != wanted {
			t.Errorf("%s: expected %+v, got %+v", name, wanted, got)
		}
	}
}
