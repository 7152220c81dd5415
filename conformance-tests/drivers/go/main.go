// Command go is the conformance driver of the Go SDK: it makes the calls that the runner asks for, and reports what came.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"log/slog"
	"os"
	"strings"
	"sync"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"google.golang.org/protobuf/proto"

	pb "github.com/rockqueue/rockqueue/conformance-tests/drivers/go/driverpb"
)

// frames writes reports whole, and numbers observations.
type frames struct {
	mu       sync.Mutex
	out      io.Writer
	sequence int64
}

func (f *frames) report(report *pb.Report) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.write(report)
}

func (f *frames) observe(observation *pb.Observation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sequence++
	observation.Sequence = f.sequence
	f.write(&pb.Report{Report: &pb.Report_Observation{Observation: observation}})
}

func (f *frames) write(report *pb.Report) {
	data, err := proto.Marshal(report)
	if err == nil {
		_, err = f.out.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...))
	}
	if err != nil {
		log.Fatal("driver: writing a report: ", err)
	}
}

func readCommand(in io.Reader) (*pb.Command, error) {
	var length [4]byte
	if _, err := io.ReadFull(in, length[:]); err != nil {
		return nil, err
	}
	data := make([]byte, binary.BigEndian.Uint32(length[:]))
	if _, err := io.ReadFull(in, data); err != nil {
		return nil, err
	}
	command := &pb.Command{}
	return command, proto.Unmarshal(data, command)
}

// logObserver reports what the SDK logs.
type logObserver struct{ frames *frames }

func (o logObserver) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

func (o logObserver) WithAttrs([]slog.Attr) slog.Handler { return o }

func (o logObserver) WithGroup(string) slog.Handler { return o }

func (o logObserver) Handle(_ context.Context, record slog.Record) error {
	level, text := "info", strings.Builder{}
	if record.Level >= slog.LevelError {
		level = "error"
	} else if record.Level >= slog.LevelWarn {
		level = "warning"
	}
	text.WriteString(record.Message)
	record.Attrs(func(attribute slog.Attr) bool {
		text.WriteString(" " + attribute.String())
		return true
	})
	o.frames.observe(&pb.Observation{Observation: &pb.Observation_Log{Log: &pb.LogRecord{Level: level, Text: text.String()}}})
	return nil
}

func main() {
	out := &frames{out: os.Stdout}
	out.report(&pb.Report{Report: &pb.Report_Hello{Hello: &pb.Hello{
		Sdk: "rockqueue-go", Version: rockqueue.Version, Pid: int64(os.Getpid()),
		Features: []string{"cancel_cause", "signals"},
	}}})
	driver, in := newDriver(out), bufio.NewReader(os.Stdin)
	for {
		command, err := readCommand(in)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			log.Fatal("driver: reading a command: ", err)
		}
		driver.begin(command)
	}
}
