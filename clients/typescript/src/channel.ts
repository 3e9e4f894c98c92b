// How every connection of this package is made.

import type { ChannelOptions } from "@grpc/grpc-js";

/** Where a server listens that was told nothing else. */
export const DEFAULT_SERVER = "http://127.0.0.1:8080";
/** The version of this package, which a driver names to the server. */
export const VERSION = "0.1.0";
/** The largest message taken from a server. It sends 8 MiB at most by default. */
export const MESSAGE_BYTES = 16 << 20;

export const CHANNEL_OPTIONS: ChannelOptions = {
  "grpc.max_receive_message_length": MESSAGE_BYTES,
  "grpc.max_send_message_length": MESSAGE_BYTES,
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 10_000,
  "grpc.service_config_disable_resolution": 1,
  "grpc.enable_retries": 0,
  "grpc.enable_http_proxy": 0,
  "grpc.use_local_subchannel_pool": 1,
  "grpc-node.flow_control_window": 4 << 20,
  "grpc.primary_user_agent": `conveyor-typescript/${VERSION}`,
};

/** The host and port of a server's address. */
export function target(server: string): string {
  const address = URL.canParse(server) ? new URL(server) : undefined;
  if (address?.protocol !== "http:" || address.hostname === "") {
    throw new TypeError(`"${server}" is not the address of a server: give one like ${DEFAULT_SERVER}`);
  }
  return `${address.hostname}:${address.port || 80}`;
}
