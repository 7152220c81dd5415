// Listings: one page after the other, each fetched when it is needed.
import type { Caller, CallOptions } from "./caller.js";
import type { Method } from "./methods.js";

/** What every request of a listing has. */
interface PageRequest {
  pageToken: string;
}

/** What every page of a listing has. */
interface Page {
  readonly nextPageToken: string;
}

/** All that a listing gives; `take` reads a page. */
export async function* everyPage<Request extends PageRequest, Response extends Page, T>(
  caller: () => Caller,
  method: Method<Request, Response>,
  request: Omit<Request, "pageToken">,
  { timeoutMs, signal }: CallOptions,
  take: (page: Response) => readonly T[],
): AsyncGenerator<T, void, void> {
  for (let pageToken = ""; ; ) {
    const page = await caller().call(method, { ...request, pageToken } as Request, { timeoutMs, signal });
    yield* take(page);
    pageToken = page.nextPageToken;
    if (pageToken === "") {
      return;
    }
  }
}
