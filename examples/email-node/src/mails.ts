// The mails of the app: each is a job, and its handler is what the worker runs.
import { createTransport } from "nodemailer";
import { defineJob, type JobContext, NonRetryable } from "rockqueue";
import { mailServer } from "./settings.ts";

export const QUEUE = "mail";

const SENDER = "hello@shop.example";
const SMTP_TIMEOUT_MS = 10_000;
// Before the first retry. Short for a demo; a real mail server would rather be asked again in a minute.
const FIRST_PAUSE_MS = 300;
// SMTP replies from here on say that trying again is of no use.
const PERMANENT = 500;

/** To whom a mail goes. */
export interface Recipient {
  email: string;
}

/** Greets someone who has signed up. */
export const welcomeEmail = defineJob<Recipient>({
  name: "welcome-email",
  queue: QUEUE,
  retry: { base: FIRST_PAUSE_MS, maxAttempts: 3 },
});

export const sendWelcome = welcomeEmail.handle(({ email }, ctx) =>
  send(ctx, email, "Welcome", "Good to have you with us."),
);

// shown in the README: [reset]
/** Lets someone in who is waiting at the door: it overtakes the welcome mails, and is tried more often. */
export const passwordReset = defineJob<Recipient>({
  name: "password-reset",
  queue: QUEUE,
  priority: 10,
  retry: { base: FIRST_PAUSE_MS, maxAttempts: 5 },
});

export const sendPasswordReset = passwordReset.handle(({ email }, ctx) =>
  send(ctx, email, "Reset your password", "Follow this link to choose a new one."),
);
// shown in the README: [/reset]

/** Sends one mail. A temporary refusal fails the attempt; a permanent one goes to the dead letters at once. */
export async function send(ctx: JobContext, email: string, subject: string, text: string): Promise<void> {
  const transport = createTransport({
    ...mailServer(),
    connectionTimeout: SMTP_TIMEOUT_MS,
    greetingTimeout: SMTP_TIMEOUT_MS,
    socketTimeout: SMTP_TIMEOUT_MS,
  });
  try {
    await transport.sendMail({
      from: SENDER,
      to: email,
      subject,
      text,
      // A worker may be killed after the mail server took the mail and before the queue heard of it. The mail is then
      // sent again, so its Message-ID comes from the job: mail systems recognise the copy.
      messageId: `<${ctx.id}@shop.example>`,
      headers: { "X-Job-Id": ctx.id, "X-Attempt": String(ctx.attempt) },
    });
  } catch (error) {
    const { responseCode = 0, response = "" } = error as { responseCode?: number; response?: string };
    throw responseCode >= PERMANENT ? new NonRetryable(response, { cause: error }) : error;
  } finally {
    transport.close();
  }
}
