package main

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// While a queue is empty, a consumer waits this long in one call.
const redisBlock = time.Second

func redisClient(p params) *redis.Client {
	return redis.NewClient(&redis.Options{Addr: p.Address, PoolSize: 1, Protocol: 2, ReadTimeout: 30 * time.Second, DisableIdentity: true})
}

type redisConnection struct {
	client *redis.Client
	params params
	name   string
}

func (c redisConnection) close() { _ = c.client.Close() }

func connectRedis(ctx context.Context, p params) (redisConnection, error) {
	client := redisClient(p)
	if err := client.Ping(ctx).Err(); err != nil {
		return redisConnection{}, err
	}
	return redisConnection{client, p, uniqueName("consumer")}, nil
}

func redisPush(ctx context.Context, c redisConnection, jobs [][]byte, add func(redis.Pipeliner, []byte)) error {
	_, err := c.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, job := range jobs {
			add(pipe, job)
		}
		return nil
	})
	return err
}

// redisList is the reliable queue of the Redis documentation: LMOVE to a list of the consumer, LREM when the job is done.
type redisList struct{}

type redisListProducer struct{ redisConnection }

type redisListConsumer struct{ redisConnection }

func (redisList) prepare(context.Context, params) error { return nil }

func (redisList) producer(ctx context.Context, p params) (producer, error) {
	c, err := connectRedis(ctx, p)
	return redisListProducer{c}, err
}

func (redisList) consumer(ctx context.Context, p params) (consumer, error) {
	c, err := connectRedis(ctx, p)
	return redisListConsumer{c}, err
}

func (c redisListProducer) push(ctx context.Context, jobs [][]byte) error {
	return redisPush(ctx, c.redisConnection, jobs, func(pipe redis.Pipeliner, job []byte) {
		pipe.LPush(ctx, c.params.Queue, job)
	})
}

func (c redisListConsumer) work(ctx context.Context, t *tally) error {
	// Calls in flight are not cut: an acknowledgment that was sent must be counted.
	calls := context.WithoutCancel(ctx)
	var hands []string
	for ctx.Err() == nil || len(hands) > 0 {
		most := c.params.Batch
		if ctx.Err() != nil {
			most = 0
		}
		taken, err := c.exchange(calls, hands, most)
		if err != nil {
			return err
		}
		if len(hands) > 0 {
			t.acked(len(hands))
		}
		if len(taken) == 0 && ctx.Err() == nil {
			if taken, err = c.wait(calls); err != nil {
				return err
			}
		}
		for _, job := range taken {
			t.started([]byte(job))
		}
		hands = taken
	}
	return nil
}

// exchange acknowledges what is done and takes what is there, in one pipeline.
func (c redisListConsumer) exchange(ctx context.Context, done []string, most int) ([]string, error) {
	var taken []*redis.StringCmd
	_, err := c.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, job := range done {
			pipe.LRem(ctx, c.held(), 1, job)
		}
		for range most {
			taken = append(taken, pipe.LMove(ctx, c.params.Queue, c.held(), "RIGHT", "LEFT"))
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	var jobs []string
	for _, each := range taken {
		if job, err := each.Result(); err == nil {
			jobs = append(jobs, job)
		}
	}
	return jobs, nil
}

// wait takes the next job that comes, if one comes soon.
func (c redisListConsumer) wait(ctx context.Context) ([]string, error) {
	job, err := c.client.BLMove(ctx, c.params.Queue, c.held(), "RIGHT", "LEFT", redisBlock).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return []string{job}, err
}

// held is the list of the jobs that this consumer works on.
func (c redisListConsumer) held() string { return c.params.Queue + ":" + c.name }

// redisStreams is a stream with one consumer group; a job that is done is acknowledged and deleted.
type redisStreams struct{}

const (
	redisGroup = "workers"
	redisField = "job"
)

type redisStreamProducer struct{ redisConnection }

type redisStreamConsumer struct{ redisConnection }

func (redisStreams) prepare(ctx context.Context, p params) error {
	client := redisClient(p)
	defer func() { _ = client.Close() }()
	return client.XGroupCreateMkStream(ctx, p.Queue, redisGroup, "0").Err()
}

func (redisStreams) producer(ctx context.Context, p params) (producer, error) {
	c, err := connectRedis(ctx, p)
	return redisStreamProducer{c}, err
}

func (redisStreams) consumer(ctx context.Context, p params) (consumer, error) {
	c, err := connectRedis(ctx, p)
	return redisStreamConsumer{c}, err
}

func (c redisStreamProducer) push(ctx context.Context, jobs [][]byte) error {
	return redisPush(ctx, c.redisConnection, jobs, func(pipe redis.Pipeliner, job []byte) {
		pipe.XAdd(ctx, &redis.XAddArgs{Stream: c.params.Queue, Values: []any{redisField, job}})
	})
}

func (c redisStreamConsumer) work(ctx context.Context, t *tally) error {
	calls := context.WithoutCancel(ctx)
	var hands []string
	for ctx.Err() == nil || len(hands) > 0 {
		var taken *redis.XStreamSliceCmd
		_, err := c.client.Pipelined(calls, func(pipe redis.Pipeliner) error {
			block := redisBlock
			if len(hands) > 0 {
				pipe.XAck(calls, c.params.Queue, redisGroup, hands...)
				pipe.XDel(calls, c.params.Queue, hands...)
				block = -1 // the answer to these must not wait for the next job
			}
			if ctx.Err() == nil {
				taken = pipe.XReadGroup(calls, &redis.XReadGroupArgs{
					Group: redisGroup, Consumer: c.name, Streams: []string{c.params.Queue, ">"},
					Count: int64(c.params.Batch), Block: block,
				})
			}
			return nil
		})
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		if len(hands) > 0 {
			t.acked(len(hands))
		}
		hands = hands[:0]
		if taken == nil {
			continue
		}
		for _, stream := range taken.Val() {
			for _, message := range stream.Messages {
				job, _ := message.Values[redisField].(string)
				t.started([]byte(job))
				hands = append(hands, message.ID)
			}
		}
	}
	return nil
}
