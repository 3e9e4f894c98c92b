// Cuts a child's output into lines, and lines into pieces that the server takes.

/** Hands over one line, or a part of one that goes on in the next. */
export type PutLine = (line: Uint8Array, goesOn: boolean) => void;

/** Turns bytes into lines as they come. It holds at most one write and one line. */
export class Splitter {
  private held: Uint8Array = new Uint8Array();

  constructor(
    private readonly limit: number,
    private readonly put: PutLine,
  ) {}

  feed(more: Uint8Array): void {
    let left = this.held.length > 0 ? Buffer.concat([this.held, more]) : more;
    for (;;) {
      const end = left.subarray(0, this.limit + 2).indexOf(10);
      if (end >= 0) {
        this.put(left.subarray(0, end > 0 && left[end - 1] === 13 ? end - 1 : end), false);
        left = left.subarray(end + 1);
      } else if (left.length > this.limit + 1) {
        // One byte more than the limit may still be the first of the end of the line.
        const cut = cutAt(left, this.limit);
        this.put(left.subarray(0, cut), true);
        left = left.subarray(cut);
      } else {
        break;
      }
    }
    this.held = left.slice();
  }

  /** Hands over what is left: the last line had no end. */
  end(): void {
    const left = this.held;
    this.held = new Uint8Array();
    if (left.length > 0) {
      this.put(left, false);
    }
  }
}

/** The lines of text, without their ends. No text is one empty line. */
export function textLines(text: string): string[] {
  if (!text.includes("\n")) {
    return [text.endsWith("\r") ? text.slice(0, -1) : text];
  }
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") {
    lines.pop();
  }
  return lines;
}

/** How many bytes of text, `limit` at most, end between two characters; at least one character. */
export function cutAt(bytes: Uint8Array, limit: number): number {
  const most = Math.max(limit, 4);
  if (bytes.length <= most) {
    return bytes.length;
  }
  for (let at = most; at > most - 4; at -= 1) {
    if ((bytes[at]! & 0xc0) !== 0x80) {
      return at;
    }
  }
  return most;
}

/** The start of a text, `limit` bytes at most, cut between characters; what is no UTF-8 becomes U+FFFD. */
export function clip(text: string, limit: number): string {
  if (text.length * 3 <= limit) {
    return Buffer.from(text).toString();
  }
  const bytes = Buffer.from(text);
  return bytes.subarray(0, cutAt(bytes, limit)).toString();
}
