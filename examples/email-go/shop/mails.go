package shop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

// Queue is where all mails wait.
const Queue = "mail"

const (
	sender      = "hello@shop.example"
	smtpTimeout = 10 * time.Second
	// firstPause is before the first retry. Short for a demo; a real mail server would rather be asked again in a minute.
	firstPause = 300 * time.Millisecond
	// permanent: SMTP replies from here on say that trying again is of no use.
	permanent = 500
)

// WelcomeEmail greets someone who has signed up.
type WelcomeEmail struct {
	Email string `json:"email"`
}

// Kind is the name of the job.
func (WelcomeEmail) Kind() string { return "welcome-email" }

// PushOptions are 3 attempts on the queue of mails.
func (WelcomeEmail) PushOptions() rockqueue.PushOptions {
	return rockqueue.PushOptions{Queue: Queue, Retry: attempts(3)}
}

func sendWelcome(ctx context.Context, job *rockqueue.Job[WelcomeEmail]) error {
	return send(ctx, job.Delivery, job.Args.Email, "Welcome", "Good to have you with us.")
}

// shown in the README: [reset]

// PasswordReset lets someone in who is waiting at the door: it overtakes the welcome mails, and is tried more often.
type PasswordReset struct {
	Email string `json:"email"`
}

// Kind is the name of the job.
func (PasswordReset) Kind() string { return "password-reset" }

// PushOptions are priority 10 and 5 attempts on the queue of mails.
func (PasswordReset) PushOptions() rockqueue.PushOptions {
	return rockqueue.PushOptions{Queue: Queue, Priority: 10, Retry: attempts(5)}
}

// shown in the README: [/reset]

func sendPasswordReset(ctx context.Context, job *rockqueue.Job[PasswordReset]) error {
	return send(ctx, job.Delivery, job.Args.Email, "Reset your password", "Follow this link to choose a new one.")
}

func attempts(most int32) *rockqueue.RetryPolicy {
	return &rockqueue.RetryPolicy{Base: new(firstPause), MaxAttempts: most}
}

// send sends one mail. A temporary refusal fails the attempt; a permanent one goes to the dead letters at once.
func send(ctx context.Context, job *rockqueue.Delivery, email, subject, text string) error {
	address, err := mailServer()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, smtpTimeout)
	defer cancel()
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	client := smtp.NewClient(connection)
	defer client.Close()
	// The client knows no contexts: closing the connection is what ends a call.
	defer context.AfterFunc(ctx, func() { _ = connection.Close() })()

	err = client.SendMail(sender, []string{email}, compose(job, email, subject, text))
	if refusal, ok := errors.AsType[*smtp.SMTPError](err); ok && refusal.Code >= permanent {
		return rockqueue.NonRetryable(err)
	}
	if err != nil {
		return err
	}
	// The mail is with the mail server now, whatever becomes of the goodbye.
	_ = client.Quit()
	return nil
}

// compose builds the mail of one attempt.
//
// A worker may be killed after the mail server took the mail and before the queue heard of it. The mail is then sent
// again, so its Message-ID comes from the job: mail systems recognise the copy.
func compose(job *rockqueue.Delivery, email, subject, text string) *strings.Reader {
	lines := []string{
		"From: " + sender,
		"To: " + email,
		"Subject: " + subject,
		"Date: " + time.Now().Format(time.RFC1123Z),
		fmt.Sprintf("Message-ID: <%s@shop.example>", job.ID),
		"X-Job-Id: " + job.ID,
		fmt.Sprintf("X-Attempt: %d", job.Attempt),
		"Content-Type: text/plain; charset=utf-8",
		"",
		text,
		"",
	}
	return strings.NewReader(strings.Join(lines, "\r\n"))
}
