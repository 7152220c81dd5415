/** The version of this package; what a worker and a call tell the server about who they are. */
export const VERSION = "0.1.0";

/** How this SDK names itself: in the user agent, and in worker sessions. */
export const CLIENT = `rockqueue-node/${VERSION}`;
