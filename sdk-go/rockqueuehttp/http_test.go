package rockqueuehttp_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuehttp"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuetest"
)

func TestMain(m *testing.M) {
	if programs, err := filepath.Abs("../../.venv/bin"); err == nil {
		os.Setenv("PATH", programs+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	goleak.VerifyTestMain(m)
}

type welcome struct {
	To string `json:"to"`
}

func (welcome) Kind() string { return "welcome" }

func TestAHandlerPushesAndTheServerEndsInGoodOrder(t *testing.T) {
	client := rockqueuetest.NewServer(t).Client(rockqueue.Config{Logger: slog.New(slog.DiscardHandler)})
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{})
	sent := make(chan string, 1)
	rockqueue.AddWorker(workers, rockqueue.WorkFunc(func(_ context.Context, job *rockqueue.Job[welcome]) error {
		sent <- job.Args.To
		return nil
	}))
	handler := http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		own, ok := rockqueue.ClientFromContext(request.Context())
		if !ok {
			t.Error("the context of the request has no client")
			return
		}
		pushed, err := own.Push(request.Context(), welcome{To: request.FormValue("email")}, nil)
		if err != nil {
			t.Errorf("push: %v", err)
		}
		writer.WriteHeader(http.StatusAccepted)
		fmt.Fprint(writer, pushed.ID)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 60*time.Second)
	defer stop()
	ended := make(chan error, 1)
	server := &http.Server{Handler: rockqueuehttp.Middleware(client)(handler), ReadHeaderTimeout: time.Second}
	go func() { ended <- rockqueuehttp.ServeListener(ctx, server, listener, client, workers) }()
	web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := web.Post("http://"+listener.Addr().String(), "application/x-www-form-urlencoded",
		strings.NewReader("email=ada@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if id, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusAccepted || len(id) == 0 {
		t.Fatalf("expected an id and 202, got %q and %s (%v)", id, response.Status, err)
	}
	select {
	case to := <-sent:
		if to != "ada@example.com" {
			t.Fatalf("expected ada@example.com, got %s", to)
		}
	case <-ctx.Done():
		t.Fatal("the job was not worked")
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatalf("expected an end in good order, got %v", err)
	}
	if workers.State() != rockqueue.WorkerStopped {
		t.Fatalf("expected the workers to be stopped, they are %s", workers.State())
	}
}

func TestAnAddressThatIsTakenIsAnError(t *testing.T) {
	client, err := rockqueue.NewClient(rockqueue.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := rockqueuehttp.Serve(t.Context(), &http.Server{Addr: "256.0.0.1:0"}, client); err == nil {
		t.Fatal("expected an error")
	}
}
