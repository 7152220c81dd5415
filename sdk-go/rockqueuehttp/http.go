// Package rockqueuehttp lets the handlers of a web server push jobs, and ends server, workers and client in good order.
//
//	mux := http.NewServeMux()
//	mux.HandleFunc("POST /signup", func(w http.ResponseWriter, r *http.Request) {
//		client, _ := rockqueue.ClientFromContext(r.Context())
//		pushed, err := client.Push(r.Context(), WelcomeEmail{To: r.FormValue("email")}, nil)
//		...
//	})
//	server := &http.Server{Addr: ":8080", Handler: rockqueuehttp.Middleware(client)(mux)}
//	err := rockqueuehttp.Serve(ctx, server, client, workers)
package rockqueuehttp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

// shutdownTime is how long requests under way may take when the server stops.
const shutdownTime = 30 * time.Second

// Middleware puts the client into the context of each request, where rockqueue.ClientFromContext finds it.
func Middleware(client *rockqueue.Client) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
			next.ServeHTTP(writer, request.WithContext(rockqueue.ContextWithClient(request.Context(), client)))
		})
	}
}

// Serve serves until ctx ends: then it lets requests under way finish (30 s), stops the workers as Workers.Stop does, and
// closes the client, in this order. The workers are started with it; there may be none. It returns what went wrong, and
// nil after an end in good order.
func Serve(ctx context.Context, server *http.Server, client *rockqueue.Client, workers ...*rockqueue.Workers) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", server.Addr)
	if err != nil {
		return errors.Join(fmt.Errorf("rockqueuehttp: %w", err), client.Close())
	}
	return ServeListener(ctx, server, listener, client, workers...)
}

// ServeListener is Serve on a listener that is there already.
func ServeListener(
	ctx context.Context, server *http.Server, listener net.Listener, client *rockqueue.Client,
	workers ...*rockqueue.Workers,
) error {
	// The workers outlive ctx: requests that are finished after its end may wait for their jobs.
	base := context.WithoutCancel(ctx)
	failed := make(chan error, len(workers)+1)
	var problems []error
	for _, one := range workers {
		if err := one.Start(base); err != nil {
			problems = append(problems, err)
			continue
		}
		go func() {
			<-one.Stopped()
			failed <- one.Err()
		}()
	}
	served := make(chan error, 1)
	if len(problems) == 0 {
		go func() { served <- server.Serve(listener) }()
		select {
		case <-ctx.Done():
		case err := <-failed:
			problems = append(problems, err)
		case err := <-served:
			served <- err
		}
	} else {
		problems = append(problems, listener.Close())
		served <- nil
	}
	return errors.Join(append(problems, shutDown(base, server, served, client, workers))...)
}

func shutDown(
	ctx context.Context, server *http.Server, served <-chan error, client *rockqueue.Client, workers []*rockqueue.Workers,
) error {
	bounded, cancel := context.WithTimeout(ctx, shutdownTime)
	defer cancel()
	var problems []error
	if err := server.Shutdown(bounded); err != nil {
		problems = append(problems, fmt.Errorf("rockqueuehttp: requests did not finish: %w", err), server.Close())
	}
	if err := <-served; err != nil && !errors.Is(err, http.ErrServerClosed) {
		problems = append(problems, fmt.Errorf("rockqueuehttp: %w", err))
	}
	for _, one := range workers {
		problems = append(problems, one.Stop(ctx))
	}
	return errors.Join(append(problems, client.Close())...)
}
