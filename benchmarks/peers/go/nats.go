package main

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// jetStream is a work-queue stream in files with one durable pull consumer and explicit acknowledgments. These have no
// answer; the last one of each client asks for one.
type jetStream struct{}

const (
	natsConsumer   = "workers"
	natsMostInWork = 20_000
	natsAckWait    = time.Minute
)

type natsClient struct {
	connection *nats.Conn
	stream     jetstream.JetStream
	params     params
}

type natsProducer struct{ *natsClient }

type natsWorker struct{ *natsClient }

func connectNATS(p params) (*natsClient, error) {
	connection, err := nats.Connect("nats://" + p.Address)
	if err != nil {
		return nil, err
	}
	stream, err := jetstream.New(connection)
	return &natsClient{connection, stream, p}, err
}

func (c *natsClient) close() { c.connection.Close() }

func (jetStream) prepare(ctx context.Context, p params) error {
	c, err := connectNATS(p)
	if err != nil {
		return err
	}
	defer c.close()
	stream, err := c.stream.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: p.Queue, Subjects: []string{p.Queue}, Storage: jetstream.FileStorage, Retention: jetstream.WorkQueuePolicy,
	})
	if err != nil {
		return err
	}
	_, err = stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: natsConsumer, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: natsMostInWork, AckWait: natsAckWait,
	})
	return err
}

func (jetStream) producer(_ context.Context, p params) (producer, error) {
	c, err := connectNATS(p)
	return natsProducer{c}, err
}

func (jetStream) consumer(_ context.Context, p params) (consumer, error) {
	c, err := connectNATS(p)
	return natsWorker{c}, err
}

func (c natsProducer) push(ctx context.Context, jobs [][]byte) error {
	answers := make([]jetstream.PubAckFuture, len(jobs))
	for index, job := range jobs {
		answer, err := c.stream.PublishAsync(c.params.Queue, job)
		if err != nil {
			return err
		}
		answers[index] = answer
	}
	for _, answer := range answers {
		select {
		case <-answer.Ok():
		case err := <-answer.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (c natsWorker) work(ctx context.Context, t *tally) error {
	taken, err := c.stream.Consumer(ctx, c.params.Queue, natsConsumer)
	if err != nil {
		return err
	}
	messages, err := taken.Messages(jetstream.PullMaxMessages(c.params.Window))
	if err != nil {
		return err
	}
	defer messages.Stop()
	var last jetstream.Msg
	for {
		message, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, jetstream.ErrMsgIteratorClosed) {
				return err
			}
			break
		}
		t.started(message.Data())
		// One acknowledgment is held back: it asks for an answer when the load ends.
		if last != nil {
			if err := last.Ack(); err != nil {
				return err
			}
		}
		last = message
		t.acked(1)
	}
	if last == nil {
		return nil
	}
	calls, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	if err := last.DoubleAck(calls); err != nil {
		return err
	}
	t.touch()
	return nil
}
