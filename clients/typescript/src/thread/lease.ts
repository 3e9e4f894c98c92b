// How long the server surely keeps this instance's tasks for it.
//
// The server renews the lease when it reads a heartbeat, which is after the heartbeat was sent. So the
// lease that is reckoned from the sending of the last answered one never ends too late.

const DEFAULT_LEASE = 30_000;
const MAX_UNANSWERED = 8;

export class Lease {
  private time = 0;
  private renewedAt: number | undefined;
  private unanswered: number[] = [];

  /** A Welcome answered the Hello that was sent at `helloAt`. */
  welcomed(said: number, helloAt: number): void {
    this.time = said > 0 ? said : DEFAULT_LEASE;
    this.renewedAt = helloAt;
    this.unanswered = [];
  }

  beat(now: number): void {
    if (this.unanswered.length < MAX_UNANSWERED) {
      this.unanswered.push(now);
    }
  }

  answered(): void {
    this.renewedAt = this.unanswered.shift() ?? this.renewedAt;
  }

  /** Whether the server may have given the tasks to others. There is none before the first Welcome. */
  isOver(now: number): boolean {
    return this.renewedAt !== undefined && now - this.renewedAt >= this.time;
  }
}
