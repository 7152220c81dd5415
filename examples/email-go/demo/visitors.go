package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
)

const inFlight = 8

// visitors are the people who use the web app: they sign up, forget their passwords, and remember every 202 they were
// given.
type visitors struct {
	count int

	mu           sync.Mutex
	acknowledged []string
	// unanswered are requests without a 202: the mail may or may not be on disk.
	unanswered int
}

// visit posts so many wishes, a few at a time, and returns when all are answered.
func (v *visitors) visit(ctx context.Context, app *app, wish string, times int) {
	var waiting sync.WaitGroup
	slots := make(chan struct{}, inFlight)
	for range times {
		v.count++
		email := fmt.Sprintf("visitor-%02d@mail.example", v.count)
		slots <- struct{}{}
		waiting.Go(func() {
			defer func() { <-slots }()
			id, err := ask(ctx, app, wish, email)
			v.mu.Lock()
			defer v.mu.Unlock()
			if err != nil {
				fmt.Printf("  no 202 for %s: %v\n", email, err)
				v.unanswered++
				return
			}
			v.acknowledged = append(v.acknowledged, id)
		})
	}
	waiting.Wait()
}

func ask(ctx context.Context, app *app, wish, email string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	body, err := json.Marshal(map[string]string{"email": email})
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, app.url+"/"+wish, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		return "", fmt.Errorf("%s was answered with %s", wish, response.Status)
	}
	var queued struct {
		JobID string `json:"job_id"`
	}
	err = json.NewDecoder(response.Body).Decode(&queued)
	return queued.JobID, err
}
