// A mail server on port 2525 that shows each mail that it is sent.
import { SmtpSink } from "./smtp-sink.ts";

const sink = await SmtpSink.start({ accepted: (mail) => console.log(mail) }, 2525);
console.log(`taking mail at ${sink.address}`);
