// Command testsum reads the output of go test -json, prints what failed, and closes with "N passed, N failed, N skipped".
// Its exit code is 0 only if something passed and nothing failed.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is one line of go test -json.
type event struct {
	Action  string  `json:"Action"`
	Package string  `json:"Package"`
	Test    string  `json:"Test"`
	Output  string  `json:"Output"`
	Elapsed float64 `json:"Elapsed"`
}

// sum is what was counted; the output of a test is kept until it has passed.
type sum struct {
	passed, failed, skipped int
	output                  map[string]*strings.Builder
}

func main() {
	found := sum{output: make(map[string]*strings.Builder)}
	if err := found.read(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		found.failed++
	}
	_, _ = fmt.Fprintf(os.Stdout, "%d passed, %d failed, %d skipped\n", found.passed, found.failed, found.skipped)
	if found.failed > 0 || found.passed == 0 {
		os.Exit(1)
	}
}

func (s *sum) read(from io.Reader, to io.Writer) error {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var one event
			if json.Unmarshal(line, &one) == nil && one.Action != "" {
				s.take(&one, to)
			} else {
				// What the compiler says is no JSON.
				_, _ = fmt.Fprint(to, string(line))
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the test's output: %w", err)
		}
	}
}

func (s *sum) take(one *event, to io.Writer) {
	key := one.Package + " " + one.Test
	switch one.Action {
	case "output", "build-output":
		if s.output[key] == nil {
			s.output[key] = &strings.Builder{}
		}
		_, _ = s.output[key].WriteString(one.Output)
		return
	case "pass", "skip":
		switch {
		case one.Test == "":
			_, _ = fmt.Fprintf(to, "%-4s %s %.1f s\n", one.Action, one.Package, one.Elapsed)
		case one.Action == "pass":
			s.passed++
		default:
			s.skipped++
		}
	case "fail", "build-fail":
		// A package fails by itself when it cannot be built, panics, or leaves goroutines behind.
		if one.Test != "" || s.output[key] != nil && strings.Contains(s.output[key].String(), "goroutine") || s.failed == 0 {
			s.failed++
		}
		if s.output[key] != nil {
			_, _ = fmt.Fprint(to, s.output[key].String())
		}
	default:
		return
	}
	delete(s.output, key)
}
