package rockqueue

import (
	"context"
	"iter"
	"time"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// What people who run a server ask it: which workers there are, and for backups.

// SessionState is how a worker session fares, as the server sees it.
type SessionState string

const (
	// SessionRunning takes jobs.
	SessionRunning SessionState = "RUNNING"
	// SessionDraining takes no more jobs and finishes what it has.
	SessionDraining SessionState = "DRAINING"
	// SessionSilent is connected, and has said nothing for two heartbeats: it gets no jobs.
	SessionSilent SessionState = "SILENT"
	// SessionAway has lost its connection; its leases wait for it to come back.
	SessionAway SessionState = "AWAY"
	// SessionUnknown stands for a state that a newer server has and this version does not.
	SessionUnknown SessionState = unknownName
)

// WorkerInfo is a worker session as the server knows it.
type WorkerInfo struct {
	// SessionID is the session.
	SessionID string
	// Name is what people call it: WorkersConfig.Name.
	Name string
	// State is how it fares.
	State SessionState
	// Queues are those that it works on.
	Queues []string
	// Client is the SDK and its version.
	Client string
	// Host is the machine that it runs on.
	Host string
	// PID is its process id there.
	PID int64
	// JoinTime is when the session was opened.
	JoinTime time.Time
	// LastHeardTime is when the server last heard from it.
	LastHeardTime time.Time
	// Active is how many jobs it has.
	Active int32
	// Credits is how many more it would take now.
	Credits int32
	// LoopLag is by how much what runs its handlers was late at most before its last heartbeat; nil when it is not measured.
	LoopLag *time.Duration
	// StuckJobIDs are the jobs whose handlers have run for longer than the worker's WorkersConfig.StuckAfter.
	StuckJobIDs []string
}

// ListWorkers returns the worker sessions there are now, of all SDKs, by name; with a queue, only those on it. An error
// ends it.
func (c *Client) ListWorkers(ctx context.Context, queue string) iter.Seq2[*WorkerInfo, error] {
	return listing(func(token string) ([]*rockqueuepb.Worker, string, error) {
		page, err := c.work.ListWorkers(ctx, &rockqueuepb.ListWorkersRequest{Queue: queue, PageToken: token})
		return page.GetWorkers(), page.GetNextPageToken(), err
	}, workerFrom)
}

func workerFrom(worker *rockqueuepb.Worker) *WorkerInfo {
	state := nameOf(worker.GetState(), rockqueuepb.WorkerState_name, "WORKER_STATE_")
	if state == "" {
		state = unknownName
	}
	return &WorkerInfo{
		SessionID: worker.GetSessionId(), Name: worker.GetName(), State: SessionState(state), Queues: worker.GetQueues(),
		Client: worker.GetClient(), Host: worker.GetHost(), PID: worker.GetPid(), JoinTime: moment(worker.GetJoinTime()),
		LastHeardTime: moment(worker.GetLastHeardTime()), Active: worker.GetActive(), Credits: worker.GetCredits(),
		LoopLag: durationFrom(worker.GetLoopLag()), StuckJobIDs: worker.GetStuckJobIds(),
	}
}

// backupTime is how long a backup may take for a caller whose context has no end: a whole store is written.
const backupTime = 6 * time.Hour

// Backup is a whole copy of a store, in the server's folder of backups.
type Backup struct {
	// Name is what it is called.
	Name string
	// Path is where it lies on the server's machine.
	Path string
	// CreateTime is the moment that it shows.
	CreateTime time.Time
	// Commit is the number of the last commit in it.
	Commit int64
	// SizeBytes is how much it holds.
	SizeBytes int64
}

// CreateBackup writes a whole copy of the store while the server works on, and returns when it is complete and on disk;
// without a name it is called by the server's time. It may take long, and Config.Timeout does not bound it: ctx does.
// "rockqueue restore" makes a store of it again. Errors: ErrBackupsOff, ErrBackupExists, ErrStorageFull.
func (c *Client) CreateBackup(ctx context.Context, name string) (*Backup, error) {
	request := &rockqueuepb.CreateBackupRequest{Name: name}
	response, err := c.server.CreateBackup(ctx, request, callOption{timeout: backupTime})
	if err != nil {
		return nil, err
	}
	return backupFrom(response.GetBackup()), nil
}

// ListBackups returns the complete backups in the server's folder, newest first. Errors: ErrBackupsOff.
func (c *Client) ListBackups(ctx context.Context) ([]*Backup, error) {
	response, err := c.server.ListBackups(ctx, &rockqueuepb.ListBackupsRequest{})
	if err != nil {
		return nil, err
	}
	backups := make([]*Backup, len(response.GetBackups()))
	for index, one := range response.GetBackups() {
		backups[index] = backupFrom(one)
	}
	return backups, nil
}

func backupFrom(backup *rockqueuepb.Backup) *Backup {
	return &Backup{
		Name: backup.GetName(), Path: backup.GetPath(), CreateTime: moment(backup.GetCreateTime()),
		Commit: backup.GetCommit(), SizeBytes: backup.GetSizeBytes(),
	}
}
