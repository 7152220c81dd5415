package main

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// usage is what this process has used so far: processor seconds of all threads, memory, bytes sent to the disk. MB are
// 1,000,000 bytes.
type usage struct {
	CPUSeconds float64 `json:"cpu_s"`
	ResidentMB float64 `json:"rss_mb"`
	WrittenMB  float64 `json:"written_mb"`
}

func usageNow() usage {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		panic(err) // it fails for wrong arguments only
	}
	cpu := time.Duration(used.Utime.Nano() + used.Stime.Nano())
	return usage{
		CPUSeconds: cpu.Seconds(),
		ResidentMB: numberAfter("/proc/self/status", "VmRSS:") * 1024 / 1e6,
		WrittenMB:  numberAfter("/proc/self/io", "write_bytes:") / 1e6,
	}
}

// since is what was used after before. The memory is that of now.
func (u usage) since(before usage) usage {
	return usage{u.CPUSeconds - before.CPUSeconds, u.ResidentMB, u.WrittenMB - before.WrittenMB}
}

// numberAfter reads the number behind a label; 0 where a container hides the file.
func numberAfter(path, label string) float64 {
	content, err := os.ReadFile(path) //nolint:gosec // one of the two files of /proc above
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(content) {
		if fields := bytes.Fields(line); len(fields) > 1 && string(fields[0]) == label {
			number, _ := strconv.ParseFloat(string(fields[1]), 64)
			return number
		}
	}
	return 0
}

// latency sums up samples as percentiles, in milliseconds.
type latency struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p99_9"`
}

// latencyOf is nil when there are no samples. Percentiles are by rank, as for the loads in other languages.
func latencyOf(samples []time.Duration) *latency {
	if len(samples) == 0 {
		return nil
	}
	ordered := slices.Sorted(slices.Values(samples))
	percentile := func(perMille int) float64 {
		rank := max((perMille*len(ordered)+999)/1000, 1)
		return float64(ordered[rank-1]) / float64(time.Millisecond)
	}
	return &latency{len(ordered), percentile(500), percentile(990), percentile(999)}
}
