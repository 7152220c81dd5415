package rockqueue_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

const holdLocal = "hold-local-store"

// holdLocalStore is the other process of a test: it opens a local store and waits to be killed.
func holdLocalStore() {
	client, err := rockqueue.Local(os.Args[2])
	if err == nil {
		err = client.Connect(context.Background())
	}
	fmt.Println("ready", err)
	time.Sleep(testTime)
}

func TestALocalStoreIsServedByAChildThatEndsWithItsLastClient(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "jobs.db")
	ctx := within(t)
	first, err := rockqueue.Local(folder)
	noError(t, err)
	second, err := rockqueue.NewClient(rockqueue.Config{URL: "embedded:" + folder})
	noError(t, err)
	pushed, err := first.Push(ctx, greeting{Name: "Ada"}, nil)
	noError(t, err)
	job, err := second.Get(ctx, pushed.ID)
	noError(t, err)
	equal(t, job.State, rockqueue.JobWaiting, "state")
	equal(t, len(serversOf(t, folder)), 1, "servers while the clients are open")
	noError(t, first.Close())
	_, err = second.Get(ctx, pushed.ID)
	noError(t, err)
	noError(t, second.Close())
	equal(t, len(serversOf(t, folder)), 0, "servers after the last client")
	// The files are there for the next process.
	third, err := rockqueue.Local(folder)
	noError(t, err)
	defer third.Close()
	_, err = third.Get(ctx, pushed.ID)
	noError(t, err)
}

func TestALocalServerThatIsKilledIsStartedAgain(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "jobs.db")
	ctx := within(t)
	client, err := rockqueue.Local(folder)
	noError(t, err)
	defer client.Close()
	pushed, err := client.Push(ctx, greeting{Name: "Ada"}, nil)
	noError(t, err)
	for _, pid := range serversOf(t, folder) {
		process, err := os.FindProcess(pid)
		noError(t, err)
		noError(t, process.Kill())
	}
	_, err = client.Get(ctx, pushed.ID)
	noError(t, err)
}

func TestJobsOfHandlersThatWentWithTheFormerProgramAreReadyAtOnce(t *testing.T) {
	t.Parallel()
	ctx, folder := within(t), filepath.Join(t.TempDir(), "jobs.db")
	former, err := rockqueue.Local(folder)
	noError(t, err)
	pushed, err := former.Push(ctx, greeting{Name: "Ada"}, &rockqueue.PushOptions{Queue: "q"})
	noError(t, err)
	pulled, err := rockqueuepb.NewWorkServiceClient(former.Raw()).
		PullJobs(ctx, &rockqueuepb.PullJobsRequest{Queues: []string{"q"}, Worker: "w", MaxJobs: 1})
	noError(t, err)
	equal(t, len(pulled.GetDeliveries()), 1, "deliveries")
	noError(t, former.Close())
	client, err := rockqueue.Local(folder)
	noError(t, err)
	defer func() { noError(t, client.Close()) }()
	job, err := client.Get(ctx, pushed.ID)
	noError(t, err)
	equal(t, job.State, rockqueue.JobWaiting, "state")
	equal(t, job.Crashes, 1, "crashes")
}

func TestALocalServerIsGoneWithAProcessThatIsKilled(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "jobs.db")
	program, err := os.Executable()
	noError(t, err)
	holder := exec.CommandContext(within(t), program, holdLocal, folder)
	output, err := holder.StdoutPipe()
	noError(t, err)
	noError(t, holder.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	noError(t, err)
	equal(t, strings.TrimSpace(line), "ready <nil>", "the other process")
	equal(t, len(serversOf(t, folder)), 1, "servers")
	noError(t, holder.Process.Kill())
	_ = holder.Wait()
	for limit := time.Now().Add(testTime); len(serversOf(t, folder)) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("the server outlives the process that started it")
		}
	}
}

func TestAFolderThatAnotherProcessHoldsIsAnErrorThatSaysSo(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "jobs.db")
	program, err := os.Executable()
	noError(t, err)
	holder := exec.CommandContext(within(t), program, holdLocal, folder)
	output, err := holder.StdoutPipe()
	noError(t, err)
	noError(t, holder.Start())
	_, err = bufio.NewReader(output).ReadString('\n')
	noError(t, err)
	client, err := rockqueue.Local(folder)
	noError(t, err)
	defer client.Close()
	err = client.Connect(within(t))
	if !errors.Is(err, rockqueue.ErrLocalServer) || !strings.Contains(err.Error(), folder) {
		t.Fatalf("expected ErrLocalServer with what the server said, got %v", err)
	}
	noError(t, holder.Process.Kill())
	_ = holder.Wait()
}

func TestAServerProgramThatIsNotThereSaysWhatToDo(t *testing.T) {
	t.Parallel()
	client, err := rockqueue.NewClient(rockqueue.Config{
		URL: "embedded:" + t.TempDir() + "/jobs.db", ServerProgram: "rockqueue-that-is-not-installed",
	})
	noError(t, err)
	defer client.Close()
	_, err = client.Push(within(t), greeting{}, nil)
	if !errors.Is(err, rockqueue.ErrLocalServer) || !strings.Contains(err.Error(), "ServerProgram") {
		t.Fatalf("expected ErrLocalServer with advice, got %v", err)
	}
}

// serversOf are the processes that serve a folder.
func serversOf(t *testing.T, folder string) []int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Skip("this system does not show its processes")
	}
	var found []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if err == nil && strings.Contains(string(line), "serve\x00"+folder+"\x00") {
			found = append(found, pid)
		}
	}
	return found
}
