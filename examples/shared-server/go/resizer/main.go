// A worker that shrinks pictures until it is asked to end. ROCKQUEUE_URL says where the queue is.
package main

import (
	"context"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"time"

	"golang.org/x/image/draw"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

// Resize is the job as Go knows it.
type Resize struct {
	// Source is the PNG file to read.
	Source string `json:"source"`
	// Target is the PNG file to write.
	Target string `json:"target"`
	// Width of the new picture, in pixels; its height follows.
	Width int `json:"width"`
}

// Kind is the name of the job.
func (Resize) Kind() string { return "resize" }

// PushOptions name the queue.
func (Resize) PushOptions() rockqueue.PushOptions { return rockqueue.PushOptions{Queue: "images"} }

// Size is what becomes of it, in pixels.
type Size struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// shown in the README: [go]
func resize(_ context.Context, job *rockqueue.Job[Resize]) (Size, error) {
	picture, err := read(job.Args.Source)
	if err != nil {
		return Size{}, err
	}
	from := picture.Bounds()
	height := math.Round(float64(job.Args.Width) * float64(from.Dy()) / float64(from.Dx()))
	small := image.NewNRGBA(image.Rect(0, 0, job.Args.Width, int(height)))
	draw.CatmullRom.Scale(small, small.Bounds(), picture, from, draw.Src, nil)
	// A job can run twice: whoever is first, a reader of the target never sees half a picture.
	draft := fmt.Sprintf("%s.%d", job.Args.Target, job.Attempt)
	if err := write(draft, small); err != nil {
		return Size{}, err
	}
	return Size{small.Bounds().Dx(), small.Bounds().Dy()}, os.Rename(draft, job.Args.Target)
}

// shown in the README: [/go]

func read(path string) (image.Image, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	picture, err := png.Decode(file)
	if err != nil {
		return nil, rockqueue.NonRetryable(err)
	}
	return picture, nil
}

func write(path string, picture image.Image) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := png.Encode(file, picture); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

func main() {
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "resizer:", err)
		os.Exit(1)
	}
}

func work() error {
	client, err := rockqueue.NewClient(rockqueue.Config{})
	if err != nil {
		return err
	}
	defer client.Close()
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{
		Name:        "go",
		Concurrency: 2,
		Prefetch:    new(0),
		// What a worker held that is gone goes to another one after a second.
		ResumeGrace: new(time.Second),
	})
	rockqueue.AddWorker(workers, rockqueue.ResultFunc(resize))
	return workers.Run(context.Background())
}
