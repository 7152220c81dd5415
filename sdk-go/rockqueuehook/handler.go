package rockqueuehook

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// ErrGone is for a handler to return that wants no more events: the answer is 410, and the server disables the webhook.
var ErrGone = errors.New("rockqueuehook: no more events are wanted")

// Handler verifies requests and calls handle with their events: 204 when it returns nil, 500 for an error, after which the
// server sends the event again later, and 410 for ErrGone. A request that cannot be trusted is 400. The context is the
// request's; the server waits 15 s, so what takes longer belongs into a job.
func (r *Receiver) Handler(handle func(ctx context.Context, event *Event) error) http.Handler {
	return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		status := r.receive(writer, request, handle)
		if status >= http.StatusBadRequest {
			http.Error(writer, http.StatusText(status), status)
			return
		}
		writer.WriteHeader(status)
	})
}

// receive returns the status to answer.
func (r *Receiver) receive(
	writer http.ResponseWriter, request *http.Request, handle func(context.Context, *Event) error,
) int {
	if request.Method != http.MethodPost {
		writer.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed
	}
	body, err := io.ReadAll(http.MaxBytesReader(writer, request.Body, r.options.MaxBytes))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return http.StatusBadRequest
	}
	event, err := r.Verify(body, request.Header)
	if err != nil {
		r.options.Logger.WarnContext(request.Context(), "a webhook was refused", "why", err)
		return http.StatusBadRequest
	}
	err = handle(request.Context(), event)
	switch {
	case err == nil:
		return http.StatusNoContent
	case errors.Is(err, ErrGone):
		return http.StatusGone
	default:
		r.options.Logger.ErrorContext(request.Context(), "a webhook could not be handled; it will be sent again",
			"id", event.ID, "type", event.Type, "error", err)
		return http.StatusInternalServerError
	}
}
