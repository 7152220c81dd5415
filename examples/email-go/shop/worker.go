package shop

import (
	"time"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

// embeddedResumeGrace is short: an embedded queue has no network that could fail for a while, a worker that is gone is
// gone.
const embeddedResumeGrace = time.Second

// NewWorkers makes workers that send up to four mails at once. They fetch nothing ahead: a mail that already lies with a
// worker cannot be overtaken any more.
func NewWorkers(client *rockqueue.Client, settings QueueSettings) *rockqueue.Workers {
	// shown in the README: [worker]
	config := rockqueue.WorkersConfig{Concurrency: 4, Prefetch: new(0), Lease: settings.Lease}
	if settings.Embedded() {
		config.ResumeGrace = new(embeddedResumeGrace)
	}
	workers := rockqueue.NewWorkers(client, config)
	rockqueue.AddWorker(workers, rockqueue.WorkFunc(sendWelcome))
	rockqueue.AddWorker(workers, rockqueue.WorkFunc(sendPasswordReset))
	rockqueue.AddWorker(workers, rockqueue.ResultFunc(startDigest))
	rockqueue.AddWorker(workers, rockqueue.ResultFunc(renderDigest))
	rockqueue.AddWorker(workers, rockqueue.WorkFunc(sendDigest))
	rockqueue.AddWorker(workers, rockqueue.ResultFunc(reportDigest))
	// shown in the README: [/worker]
	return workers
}
