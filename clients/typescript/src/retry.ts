// New tries of calls that the server had no room for.
//
// A server that has fallen behind refuses with google.rpc.RetryInfo, which says two things: nothing was done, and when to
// come back. So any call may be made again, a create too.

import { setTimeout } from "node:timers/promises";
import type { CallOptions } from "nice-grpc";
import { RetryInfo } from "./gen/google/rpc/error_details.js";
import { Status } from "./gen/google/rpc/status.js";

/** How often a call is made again, at most. */
const TRIES = 5;
/** The longest wait before its jitter, in milliseconds. */
const LONGEST = 10_000;

/**
 * Makes a call, and makes it again as often as five times where the server says when to come back. Each wait is as long
 * as the server says or longer, at random, so that those who were refused together do not come back together. The
 * signal ends it. `define`, `create` and `apply` do this by themselves; a generated call is wrapped, and takes the
 * options that it is given:
 *
 *     const run = await retried((options) => client.runs.startRun(request, options));
 */
export async function retried<Answer>(
  call: (options: CallOptions) => Promise<Answer>,
  signal?: AbortSignal,
): Promise<Answer> {
  let wait = 0;
  for (let again = 0; ; again += 1) {
    let details: Uint8Array | undefined;
    const onTrailer: CallOptions["onTrailer"] = (trailer) => {
      details = trailer.get("grpc-status-details-bin");
    };
    try {
      return await call({ signal, onTrailer });
    } catch (refused) {
      const least = details && comesBackIn(details);
      if (least === undefined || again === TRIES) {
        throw refused;
      }
      wait = Math.max(Math.min(2 * wait, LONGEST), least);
    }
    await setTimeout(wait * (1 + Math.random()), undefined, { signal });
  }
}

/** When the server wants to be asked again, in milliseconds, if it says so. */
function comesBackIn(details: Uint8Array): number | undefined {
  const info = Status.decode(details).details.find(({ typeUrl }) =>
    typeUrl.endsWith("/google.rpc.RetryInfo"),
  );
  const delay = info && RetryInfo.decode(info.value).retryDelay;
  return delay && delay.seconds * 1_000 + delay.nanos / 1_000_000;
}
