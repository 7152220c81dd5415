import { defineJob, NonRetryable } from "rockqueue";

export const URL = "embedded:./jobs.db";

export const welcomeEmail = defineJob<{ to: string; name?: string }, string>({
  name: "welcome_email",
  queue: "mail",
  maxAttempts: 3,
});

export const sendWelcome = welcomeEmail.handle(async ({ to, name = "friend" }, ctx) => {
  if (!to.includes("@")) {
    throw new NonRetryable(`"${to}" is not an address`);
  }
  ctx.log(`sending to ${to}`);
  ctx.progress(50, "rendered");
  console.log(`mail to ${to}: welcome, ${name}!`);
  return `sent to ${to}`;
});
