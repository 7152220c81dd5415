package rockqueuehook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"

	secretPrefix    = "whsec_"
	signatureScheme = "v1"

	defaultTolerance = 5 * time.Minute
	defaultMaxBytes  = 1 << 20
)

// ErrVerification is what a request is refused with that cannot be trusted: a header is missing, no signature fits, the
// timestamp is too old or too far ahead, or what was signed is no event.
var ErrVerification = errors.New("rockqueuehook: the request cannot be trusted")

// Event is what a verified request tells.
type Event struct {
	// ID is that of the delivery, the same at each attempt: tell repeated ones by it.
	ID string
	// Type is what happened: "job.completed", "queue.paused".
	Type string
	// Timestamp is when it happened.
	Timestamp time.Time
	// Data is the event as JSON with the field names of the contract, for json.Unmarshal or rockqueue.ParseEvent.
	Data json.RawMessage
}

// Options say how a Receiver judges. The zero value is ready to use.
type Options struct {
	// Tolerance is how far the timestamp of a request may be from the clock, either way. Default: 5 min.
	Tolerance time.Duration
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// MaxBytes is how large a body Handler reads. Default: 1 MiB.
	MaxBytes int64
	// Logger is told by Handler of requests that were refused or could not be handled. Default: slog.Default().
	Logger *slog.Logger
}

// Receiver verifies requests. It is safe for concurrent use.
type Receiver struct {
	keys    [][]byte
	options Options
}

// NewReceiver makes a receiver that trusts these secrets, each "whsec_" and base64; options may be nil. While a secret is
// changed, give the new and the former one.
func NewReceiver(secrets []string, options *Options) (*Receiver, error) {
	receiver := &Receiver{}
	if options != nil {
		receiver.options = *options
	}
	orDefault(&receiver.options.Tolerance, defaultTolerance)
	orDefault(&receiver.options.MaxBytes, defaultMaxBytes)
	orDefault(&receiver.options.Logger, slog.Default())
	if receiver.options.Now == nil {
		receiver.options.Now = time.Now
	}
	for index, secret := range secrets {
		encoded, prefixed := strings.CutPrefix(secret, secretPrefix)
		key, err := base64.StdEncoding.DecodeString(encoded)
		if !prefixed || err != nil || len(key) == 0 {
			// Not the secret itself: errors end up in logs.
			return nil, fmt.Errorf("rockqueuehook: secrets[%d] must be %q and base64", index, secretPrefix)
		}
		receiver.keys = append(receiver.keys, key)
	}
	return receiver, nil
}

// Verify is NewReceiver and Receiver.Verify for a single request.
func Verify(body []byte, header http.Header, secrets []string, options *Options) (*Event, error) {
	receiver, err := NewReceiver(secrets, options)
	if err != nil {
		return nil, err
	}
	return receiver.Verify(body, header)
}

// Verify returns the event of a request with this body, as it came, byte by byte. The error is ErrVerification.
func (r *Receiver) Verify(body []byte, header http.Header) (*Event, error) {
	id, stamp, signatures := header.Get(headerID), header.Get(headerTimestamp), header.Get(headerSignature)
	for name, value := range map[string]string{headerID: id, headerTimestamp: stamp, headerSignature: signatures} {
		if value == "" {
			return nil, refuse("the header %s is missing", strings.ToLower(name))
		}
	}
	if err := r.checkTime(stamp); err != nil {
		return nil, err
	}
	if !r.isSigned(id, stamp, body, signatures) {
		return nil, refuse("no signature fits a secret")
	}
	return readEvent(id, body)
}

// checkTime wants a plain number of seconds: what was signed is its text, so there is one way to write it.
func (r *Receiver) checkTime(stamp string) error {
	seconds, err := strconv.ParseUint(stamp, 10, 63)
	if err != nil {
		return refuse("the timestamp is no number of seconds")
	}
	sent := time.Unix(int64(seconds), 0)
	now := r.options.Now()
	if sent.Before(now.Add(-r.options.Tolerance)) {
		return refuse("the timestamp is too old")
	}
	if sent.After(now.Add(r.options.Tolerance)) {
		return refuse("the timestamp is too far ahead")
	}
	return nil
}

// isSigned compares all signatures with all secrets in the same time, whatever fits.
func (r *Receiver) isSigned(id, stamp string, body []byte, signatures string) bool {
	signed := false
	for _, key := range r.keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + stamp + "."))
		mac.Write(body)
		wanted := []byte(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		for one := range strings.SplitSeq(signatures, " ") {
			scheme, signature, _ := strings.Cut(one, ",")
			signed = (scheme == signatureScheme && hmac.Equal([]byte(signature), wanted)) || signed
		}
	}
	return signed
}

func readEvent(id string, body []byte) (*Event, error) {
	var content struct {
		Type      string          `json:"type"`
		Timestamp time.Time       `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}
	err := json.Unmarshal(body, &content)
	isObject := strings.HasPrefix(string(content.Data), "{")
	if err != nil || content.Type == "" || content.Timestamp.IsZero() || !isObject {
		return nil, refuse("the body is not an event")
	}
	return &Event{ID: id, Type: content.Type, Timestamp: content.Timestamp, Data: content.Data}, nil
}

func refuse(format string, values ...any) error {
	return fmt.Errorf("%w: %w", ErrVerification, fmt.Errorf(format, values...))
}

func orDefault[T comparable](value *T, standard T) {
	var zero T
	if *value == zero {
		*value = standard
	}
}
