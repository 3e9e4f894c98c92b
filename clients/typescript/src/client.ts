// One connection to a server, the typed clients of its services on it, and the calls that users need most.

import { type Channel, ClientError, createChannel, createClient, Status } from "nice-grpc";
import { CHANNEL_OPTIONS, target } from "./channel.js";
import { DriverServiceDefinition } from "./gen/conveyor/v1/driver_service.js";
import { type LogEntry, LogServiceDefinition } from "./gen/conveyor/v1/log_service.js";
import { PipelineServiceDefinition } from "./gen/conveyor/v1/pipeline_service.js";
import { type ResourceChange, ResourceServiceDefinition } from "./gen/conveyor/v1/resource_service.js";
import { RunServiceDefinition } from "./gen/conveyor/v1/run_service.js";
import { retried } from "./retry.js";
import { type Resource, resourceOf } from "./task.js";
import { Backoff } from "./thread/backoff.js";

/** A resource to write: its `spec` as a value or, where there is none, as the JSON text of `specJson`. */
export type NewResource = Pick<Resource, "definition" | "name"> &
  Partial<Pick<Resource, "pipeline" | "metadata" | "specJson">> & { spec?: unknown };

/** The resource as it stands, and the run that carries it out. Empty: nothing differed. */
export interface Change {
  resource: Resource;
  runId: string;
}

/** What ends a write, and its wait where the server has no room for it. */
export interface WriteOptions {
  signal?: AbortSignal;
}

/** Which lines of a run are wanted: by default all, until the run has ended. */
export interface TailOptions {
  driver?: string;
  step?: string;
  /** The sequence number to go on after. */
  after?: number;
  /** False: end after what is stored now. */
  follow?: boolean;
  /** Called when lines before `firstSeq` are no longer kept. The tail goes on there. */
  onGap?: (firstSeq: number) => void;
  signal?: AbortSignal;
}

/** A connection to one server. It comes back by itself when it breaks. */
export class Client {
  private readonly channel: Channel;
  readonly resources;
  readonly pipelines;
  readonly runs;
  readonly drivers;
  readonly logs;

  constructor(server: string) {
    this.channel = createChannel(target(server), undefined, CHANNEL_OPTIONS);
    this.resources = createClient(ResourceServiceDefinition, this.channel);
    this.pipelines = createClient(PipelineServiceDefinition, this.channel);
    this.runs = createClient(RunServiceDefinition, this.channel);
    this.drivers = createClient(DriverServiceDefinition, this.channel);
    this.logs = createClient(LogServiceDefinition, this.channel);
  }

  close(): void {
    this.channel.close();
  }

  /** Creates a definition, or replaces the schema of the one of that name. */
  async define(name: string, schema: unknown, { signal }: WriteOptions = {}): Promise<void> {
    const request = { resourceDefinition: { name, schemaJson: JSON.stringify(schema) } };
    await retried((options) => this.resources.applyResourceDefinition(request, options), signal);
  }

  /** Creates a resource. */
  async create(resource: NewResource, { signal }: WriteOptions = {}): Promise<Change> {
    const request = { resource: wire(resource) };
    return change(await retried((options) => this.resources.createResource(request, options), signal));
  }

  /** Creates a resource or replaces the one of that type and name. */
  async apply(resource: NewResource, { signal }: WriteOptions = {}): Promise<Change> {
    const request = { resource: wire(resource) };
    return change(await retried((options) => this.resources.applyResource(request, options), signal));
  }

  async get(definition: string, name: string): Promise<Resource> {
    return resourceOf(await this.resources.getResource({ resource: definition, name }));
  }

  /** Deletes a resource, and gives the run that carries it out. */
  async delete(definition: string, name: string): Promise<string> {
    return (await this.resources.deleteResource({ resource: definition, name })).runId;
  }

  /**
   * The lines of a run. It comes back by itself after a broken connection, without a line lost or given
   * twice, and ends when the run has ended and all is given.
   */
  async *tail(runId: string, options: TailOptions = {}): AsyncGenerator<LogEntry, void> {
    const { driver, step, follow = true, signal, onGap } = options;
    let after = options.after ?? 0;
    const wait = new Backoff();
    for (;;) {
      try {
        const pages = this.logs.tailLogs({ runId, driver, step, after, follow }, { signal });
        for await (const page of pages) {
          wait.reset();
          if (page.gap !== undefined) {
            onGap?.(page.gap.firstSeq);
          }
          for (const entry of page.entries) {
            after = entry.seq;
            yield entry;
          }
        }
        return;
      } catch (error) {
        const again = [Status.UNAVAILABLE, Status.INTERNAL, Status.RESOURCE_EXHAUSTED];
        if (!(error instanceof ClientError) || !again.includes(error.code)) {
          throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, wait.next()));
        signal?.throwIfAborted();
      }
    }
  }
}

function change({ resource, runId }: ResourceChange): Change {
  return { resource: resourceOf(resource), runId };
}

function wire({ definition, spec, specJson, ...rest }: NewResource) {
  const { name, pipeline, metadata } = rest;
  const text = spec === undefined ? specJson : JSON.stringify(spec);
  return { name, pipeline, metadata, resource: definition, specJson: text };
}
