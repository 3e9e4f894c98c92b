// How long to wait before the next stream: twice as long each time, half of it by chance.

const SHORTEST = 100;
const LONGEST = 10_000;

export class Backoff {
  private wait = SHORTEST;

  reset(): void {
    this.wait = SHORTEST;
  }

  next(): number {
    const wait = this.wait;
    this.wait = Math.min(2 * wait, LONGEST);
    return wait === SHORTEST ? wait + Math.random() * wait : wait / 2 + (Math.random() * wait) / 2;
  }

  /** The wait after a stream that stood so long after its Welcome. One that ends at once is one more failure. */
  after(stood: number | undefined, period: number): number {
    if (stood !== undefined && stood >= period) {
      this.reset();
    }
    return this.next();
  }
}
