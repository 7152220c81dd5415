// Package smtpsink is a mail server for the demo and the tests: it takes mail on loopback, refuses a share of it, and
// remembers what it accepted.
package smtpsink

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Arrival is one accepted mail.
type Arrival struct {
	JobID     string
	Attempt   int
	MessageID string
	Recipient string
	Subject   string
}

// Options say what a sink does with its mails. The zero value takes them all, on a port that the system chooses.
type Options struct {
	// Address is where to listen. Default: 127.0.0.1:0.
	Address string
	// Share of the mails gets a temporary refusal (451): 0 to 1.
	Share float64
	// Seed decides which deliveries are refused: the same ones in each run, whatever their order.
	Seed int
	// Unknown is a recipient that does not exist: refused for good (550).
	Unknown string
	// Pause is how long a mail takes, more or less: half of it before it is decided on, half of it before the answer. So a
	// sender that is killed meanwhile may be killed after its mail was taken, as with real mail servers.
	Pause time.Duration
	// Accepted is called with each accepted mail, before the sender hears of it.
	Accepted func(Arrival)
}

// Sink is a running mail server.
type Sink struct {
	options  Options
	server   *smtp.Server
	listener net.Listener
	served   chan struct{}

	mu       sync.Mutex
	share    float64
	arrivals []Arrival
}

// Start takes mail from now on, until Close.
func Start(options Options) (*Sink, error) {
	if options.Address == "" {
		options.Address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", options.Address)
	if err != nil {
		return nil, err
	}
	sink := &Sink{options: options, share: options.Share, listener: listener, served: make(chan struct{})}
	sink.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &session{sink: sink}, nil
	}))
	sink.server.Domain = "localhost"
	go func() {
		defer close(sink.served)
		_ = sink.server.Serve(listener)
	}()
	return sink, nil
}

// Close ends the server and its connections.
func (s *Sink) Close() {
	_ = s.server.Close()
	<-s.served
}

// Address is what MAIL_SERVER is to be.
func (s *Sink) Address() string {
	return s.listener.Addr().String()
}

// Refuse changes the share that is refused from now on.
func (s *Sink) Refuse(share float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.share = share
}

// Arrivals are the mails that were accepted so far.
func (s *Sink) Arrivals() []Arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Arrival(nil), s.arrivals...)
}

func (s *Sink) take(arrival Arrival) error {
	pause := s.options.Pause.Seconds() * (0.5 + chance(s.options.Seed, "pause", arrival.Recipient, arrival.Attempt))
	half := time.Duration(pause / 2 * float64(time.Second))
	time.Sleep(half)
	if !s.accept(arrival) {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Try again later"}
	}
	time.Sleep(half)
	return nil
}

func (s *Sink) accept(arrival Arrival) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if chance(s.options.Seed, arrival.Recipient, arrival.Subject, arrival.Attempt) < s.share {
		return false
	}
	s.arrivals = append(s.arrivals, arrival)
	if s.options.Accepted != nil {
		s.options.Accepted(arrival)
	}
	return true
}

// session is one connection of a sender.
type session struct {
	sink *Sink
}

func (s *session) Mail(string, *smtp.MailOptions) error { return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if to == s.sink.options.Unknown {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such mailbox"}
	}
	return nil
}

func (s *session) Data(data io.Reader) error {
	message, err := mail.ReadMessage(data)
	if err != nil {
		return err
	}
	header := message.Header
	attempt, err := strconv.Atoi(header.Get("X-Attempt"))
	if err != nil {
		return errors.New("X-Attempt is missing")
	}
	return s.sink.take(Arrival{
		JobID:     header.Get("X-Job-Id"),
		Attempt:   attempt,
		MessageID: header.Get("Message-ID"),
		Recipient: header.Get("To"),
		Subject:   header.Get("Subject"),
	})
}

func (s *session) Reset() {}

func (s *session) Logout() error { return nil }

// chance is a number from 0 to 1 that looks like chance, and is the same each time for the same values.
func chance(about ...any) float64 {
	words := make([]string, len(about))
	for i, value := range about {
		words[i] = fmt.Sprint(value)
	}
	digest := sha256.Sum256([]byte(strings.Join(words, "\n")))
	return float64(binary.BigEndian.Uint32(digest[:])) / (1 << 32)
}
