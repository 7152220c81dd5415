package main

import (
	"fmt"
	"strconv"
	"strings"
)

// A payload is a JSON object of a fixed size that carries the moment in which it was made.
const (
	payloadHead   = `{"at":"`
	payloadDigits = 20
	payloadMiddle = `","filler":"`
	payloadTail   = `"}`
)

func payloads(count, size int) [][]byte {
	at := now()
	jobs := make([][]byte, count)
	for index := range jobs {
		jobs[index] = []byte(payloadHead + digits(at) + payloadMiddle + filler(size) + payloadTail)
	}
	return jobs
}

func digits(at int64) string { return fmt.Sprintf("%0*d", payloadDigits, at) }

func filler(size int) string {
	return strings.Repeat("x", max(0, size-len(payloadHead)-payloadDigits-len(payloadMiddle)-len(payloadTail)))
}

func madeAt(job []byte) int64 {
	if len(job) < len(payloadHead)+payloadDigits {
		return 0
	}
	return parseDigits(string(job[len(payloadHead) : len(payloadHead)+payloadDigits]))
}

func parseDigits(text string) int64 {
	at, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return at
}
