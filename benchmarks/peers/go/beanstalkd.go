package main

import (
	"context"
	"errors"
	"time"

	"github.com/beanstalkd/go-beanstalk"
	"golang.org/x/sync/errgroup"
)

// beanstalkd has no calls for batches: as many commands as a batch has jobs are on their way on each connection at once.
type beanstalkd struct{}

const (
	beanstalkPriority  = 1024
	beanstalkTimeToRun = time.Minute
	beanstalkBlock     = time.Second
)

type beanstalkClient struct {
	connection *beanstalk.Conn
	tube       *beanstalk.Tube
	tubes      *beanstalk.TubeSet
	params     params
}

type beanstalkJob struct {
	id   uint64
	body []byte
}

func (beanstalkd) prepare(context.Context, params) error { return nil }

func (beanstalkd) producer(_ context.Context, p params) (producer, error) { return connectBeanstalk(p) }

func (beanstalkd) consumer(_ context.Context, p params) (consumer, error) { return connectBeanstalk(p) }

func connectBeanstalk(p params) (*beanstalkClient, error) {
	connection, err := beanstalk.Dial("tcp", p.Address)
	if err != nil {
		return nil, err
	}
	tube := beanstalk.NewTube(connection, p.Queue)
	return &beanstalkClient{connection, tube, beanstalk.NewTubeSet(connection, p.Queue), p}, nil
}

func (c *beanstalkClient) close() { _ = c.connection.Close() }

func (c *beanstalkClient) push(_ context.Context, jobs [][]byte) error {
	var calls errgroup.Group
	for _, job := range jobs {
		calls.Go(func() error {
			_, err := c.tube.Put(job, beanstalkPriority, 0, beanstalkTimeToRun)
			return err
		})
	}
	return calls.Wait()
}

func (c *beanstalkClient) work(ctx context.Context, t *tally) error {
	for ctx.Err() == nil {
		hands, err := c.take()
		if err != nil {
			return err
		}
		var calls errgroup.Group
		for _, job := range hands {
			t.started(job.body)
			calls.Go(func() error {
				if err := c.connection.Delete(job.id); err != nil {
					return err
				}
				t.acked(1)
				return nil
			})
		}
		if err := calls.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// take waits for one job, and takes those besides that are there already.
func (c *beanstalkClient) take() ([]beanstalkJob, error) {
	first, err := c.reserve(beanstalkBlock)
	if err != nil || len(first) == 0 {
		return nil, err
	}
	more := make([][]beanstalkJob, c.params.Batch-1)
	var calls errgroup.Group
	for index := range more {
		calls.Go(func() error {
			taken, err := c.reserve(0)
			more[index] = taken
			return err
		})
	}
	err = calls.Wait()
	for _, taken := range more {
		first = append(first, taken...)
	}
	return first, err
}

func (c *beanstalkClient) reserve(wait time.Duration) ([]beanstalkJob, error) {
	id, body, err := c.tubes.Reserve(wait)
	if errors.Is(err, beanstalk.ErrTimeout) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []beanstalkJob{{id, body}}, nil
}
