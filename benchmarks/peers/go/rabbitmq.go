package main

import (
	"context"
	"errors"

	amqp "github.com/rabbitmq/amqp091-go"
)

// rabbitMQ publishes persistent messages with publisher confirms, and consumes with a prefetch. Kind is the type of the
// queue: classic or quorum. An acknowledgment covers the deliveries before it, and has no answer: when the load ends,
// one call that has one, behind the acknowledgments on the same channel, proves that the server has read them.
type rabbitMQ struct{}

type rabbitChannel struct {
	connection *amqp.Connection
	channel    *amqp.Channel
	params     params
}

type rabbitProducer struct{ *rabbitChannel }

type rabbitConsumer struct{ *rabbitChannel }

func connectRabbit(p params) (*rabbitChannel, error) {
	connection, err := amqp.Dial("amqp://guest:guest@" + p.Address + "/")
	if err != nil {
		return nil, err
	}
	channel, err := connection.Channel()
	if err != nil {
		return nil, errors.Join(err, connection.Close())
	}
	return &rabbitChannel{connection, channel, p}, nil
}

func (c *rabbitChannel) close() { _ = c.connection.Close() }

func (rabbitMQ) prepare(_ context.Context, p params) error {
	c, err := connectRabbit(p)
	if err != nil {
		return err
	}
	defer c.close()
	_, err = c.channel.QueueDeclare(p.Queue, true, false, false, false, amqp.Table{amqp.QueueTypeArg: p.Kind})
	return err
}

func (rabbitMQ) producer(_ context.Context, p params) (producer, error) {
	c, err := connectRabbit(p)
	if err != nil {
		return nil, err
	}
	return rabbitProducer{c}, c.channel.Confirm(false)
}

func (rabbitMQ) consumer(_ context.Context, p params) (consumer, error) {
	c, err := connectRabbit(p)
	if err != nil {
		return nil, err
	}
	return rabbitConsumer{c}, c.channel.Qos(p.Window, 0, false)
}

func (c rabbitProducer) push(ctx context.Context, jobs [][]byte) error {
	confirms := make([]*amqp.DeferredConfirmation, len(jobs))
	for index, job := range jobs {
		message := amqp.Publishing{DeliveryMode: amqp.Persistent, ContentType: "application/json", Body: job}
		confirm, err := c.channel.PublishWithDeferredConfirm("", c.params.Queue, false, false, message)
		if err != nil {
			return err
		}
		confirms[index] = confirm
	}
	for _, confirm := range confirms {
		taken, err := confirm.WaitContext(ctx)
		if err != nil {
			return err
		}
		if !taken {
			return errors.New("the server refused a message")
		}
	}
	return nil
}

func (c rabbitConsumer) work(ctx context.Context, t *tally) error {
	deliveries, err := c.channel.Consume(c.params.Queue, "", false, false, false, false, nil)
	if err != nil {
		return err
	}
	hands := 0
	var last amqp.Delivery
	ack := func() error {
		if hands == 0 {
			return nil
		}
		if err := last.Ack(true); err != nil {
			return err
		}
		t.acked(hands)
		hands = 0
		return nil
	}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case delivery, open := <-deliveries:
			if !open {
				return errors.New("the server closed the channel")
			}
			t.started(delivery.Body)
			last = delivery
			hands++
			if hands < c.params.Batch && len(deliveries) > 0 {
				continue
			}
			if err := ack(); err != nil {
				return err
			}
		}
	}
	if err := ack(); err != nil {
		return err
	}
	if _, err := c.channel.QueueDeclarePassive(c.params.Queue, true, false, false, false, nil); err != nil {
		return err
	}
	t.touch()
	return nil
}
