// One stream to the server, from its Hello to its end.

import { Client, type ClientDuplexStream, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { CHANNEL_OPTIONS } from "../channel.js";
import {
  DriverServiceDefinition,
  DriverStreamRequest,
  DriverStreamResponse,
  type Hello,
  Log,
  type Message,
  type Welcome,
} from "../gen/conveyor/v1/driver_service.js";
import { varint, varintBytes } from "../record.js";
import { type Ledger, millis, type Outgoing } from "./ledger.js";

const OPEN_TIMEOUT = 10_000;
const CLOSE_TIMEOUT = 5_000;
const DEFAULT_PERIOD = 10_000;
const LOG_TAG = (3 << 3) | 2;

/** How a stream ended. */
export type Ending =
  | { how: "drained" }
  | { how: "replaced" | "again"; text: string }
  | { how: "refused"; code: number; text: string };

const REFUSALS: number[] = [
  status.INVALID_ARGUMENT,
  status.FAILED_PRECONDITION,
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.UNIMPLEMENTED,
];

/** Who has the stream. */
export interface Listener {
  welcomed(welcome: Welcome): void;
  message(message: Message): void;
  say(text: string): void;
}

export class Stream {
  readonly ended: Promise<Ending>;
  /** How often it sends a heartbeat. */
  period = DEFAULT_PERIOD;
  private readonly client: Client;
  private readonly call: ClientDuplexStream<Uint8Array, DriverStreamResponse>;
  private end!: (ending: Ending) => void;
  private open = true;
  private ready = false;
  private full = false;
  private closing = false;
  private heardAt = performance.now();
  private unknown = 0;
  private readonly timers: NodeJS.Timeout[] = [];

  constructor(
    target: string,
    hello: Hello,
    private readonly ledger: Ledger,
    private readonly listener: Listener,
  ) {
    this.client = new Client(target, credentials.createInsecure(), CHANNEL_OPTIONS);
    const method = DriverServiceDefinition.methods.driverStream;
    this.call = this.client.makeBidiStreamRequest(
      `/${DriverServiceDefinition.fullName}/${method.name}`,
      (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      (bytes: Buffer) => DriverStreamResponse.decode(bytes),
    );
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
    this.call.on("data", (message: DriverStreamResponse) => this.receive(message));
    this.call.on("error", (error: ServiceError) => this.finish(endingOf(error)));
    this.call.on("end", () => this.finish({ how: "again", text: "the server ended the stream" }));
    this.call.on("drain", () => {
      this.full = false;
      this.pump();
    });
    this.later(OPEN_TIMEOUT, () => {
      if (!this.ready) {
        this.finish({ how: "again", text: "no server answered in time" });
      }
    });
    this.call.write(DriverStreamRequest.encode({ kind: { $case: "hello", value: hello } }).finish());
  }

  /** Sends what the ledger has to say, as far as it goes out. */
  pump(): void {
    if (!this.open || this.closing) {
      return;
    }
    if (this.ledger.isDrained) {
      this.close();
      return;
    }
    while (this.ready && !this.full) {
      const next = this.ledger.nextMessage(performance.now());
      if (next === undefined) {
        break;
      }
      this.full = !this.call.write(encoded(next));
    }
    if (this.call.isPaused() && this.ledger.canReceive()) {
      this.call.resume();
    }
  }

  /** Leaves the stream: what still arrives on it is dropped. */
  finish(ending: Ending): void {
    if (!this.open) {
      return;
    }
    this.open = false;
    this.timers.forEach(clearTimeout);
    this.call.on("error", () => {});
    this.call.cancel();
    this.client.close();
    if (this.unknown > 1) {
      this.listener.say(`skipped ${this.unknown} messages of unknown kinds on this stream`);
    }
    this.end(this.closing ? { how: "drained" } : ending);
  }

  /** Nothing is left to tell the server. */
  private close(): void {
    while (this.ready) {
      const next = this.ledger.nextMessage(performance.now());
      if (next === undefined) {
        break;
      }
      this.call.write(encoded(next));
    }
    this.closing = true;
    if (!this.ready) {
      this.finish({ how: "drained" });
      return;
    }
    this.call.end();
    this.later(CLOSE_TIMEOUT, () => this.finish({ how: "drained" }));
  }

  private receive({ kind }: DriverStreamResponse): void {
    if (!this.open) {
      return;
    }
    this.heardAt = performance.now();
    if (!this.ready) {
      if (kind?.$case === "welcome") {
        this.welcome(kind.value);
      }
    } else if (kind === undefined) {
      this.unknown += 1;
      if (this.unknown === 1) {
        this.listener.say("skips a kind of message that it does not know: is the server newer?");
      }
    } else if (kind.$case === "message") {
      this.listener.message(kind.value);
    } else {
      this.ledger.receive(kind, this.heardAt);
    }
    if (!this.ledger.canReceive()) {
      this.call.pause();
    }
  }

  private welcome(welcome: Welcome): void {
    this.ready = true;
    this.period = millis(welcome.heartbeatPeriod) || DEFAULT_PERIOD;
    this.listener.welcomed(welcome);
    this.timers.push(setInterval(() => this.ledger.beat(), this.period));
    this.watch(2 * this.period);
    this.pump();
  }

  /** A server that says nothing for two periods is left. */
  private watch(wait: number): void {
    this.later(wait, () => {
      const left = this.heardAt + 2 * this.period - performance.now();
      if (left <= 0) {
        this.finish({ how: "again", text: "the server says nothing" });
      } else {
        this.watch(left);
      }
    });
  }

  private later(wait: number, action: () => void): void {
    this.timers.push(setTimeout(action, wait));
  }
}

function endingOf(error: ServiceError): Ending {
  const text = `the stream ended: ${error.details} (${status[error.code]})`;
  if (error.code === status.ABORTED) {
    return { how: "replaced", text };
  }
  if (REFUSALS.includes(error.code)) {
    return { how: "refused", code: error.code, text: error.details };
  }
  return { how: "again", text };
}

/** The bytes of a message. Lines are encoded already. */
function encoded(outgoing: Outgoing): Uint8Array {
  if ("message" in outgoing) {
    return DriverStreamRequest.encode(outgoing.message).finish();
  }
  const { log, taskId, token } = outgoing;
  const head = Log.encode({ taskId, token, firstLine: log.firstLine, lines: [] }).finish();
  const size = head.length + log.bytes;
  const bytes = new Uint8Array(1 + varintBytes(size) + size);
  bytes[0] = LOG_TAG;
  let at = varint(bytes, 1, size);
  for (const part of [head, ...log.parts]) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
