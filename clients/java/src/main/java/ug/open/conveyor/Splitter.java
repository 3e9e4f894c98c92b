package ug.open.conveyor;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Cuts a child's output into lines, and lines into pieces that the server takes. */
final class Splitter {
    /** Takes a line, or a part of one that goes on in the next. */
    interface Sink {
        void put(String text, boolean goesOn);
    }

    private final int limit;
    private final Sink sink;
    private byte[] held = new byte[0];

    Splitter(int limit, Sink sink) {
        this.limit = Math.max(limit, 4);
        this.sink = sink;
    }

    /** Takes bytes and hands on each line that is whole, or too long to wait for its end. */
    void feed(byte[] more, int from, int count) {
        byte[] all = Arrays.copyOf(held, held.length + count);
        System.arraycopy(more, from, all, held.length, count);
        int start = 0;
        for (int next = next(all, start); next > start; next = next(all, start)) {
            start = next;
        }
        held = Arrays.copyOfRange(all, start, all.length);
    }

    boolean isEmpty() {
        return held.length == 0;
    }

    /** Hands on what is left: the last line had no end. */
    void end() {
        if (held.length > 0) {
            put(held, 0, held.length, false);
            held = new byte[0];
        }
    }

    /** Hands on the next line, and says where it ends. Its start: it is not yet there. */
    private int next(byte[] all, int start) {
        int reach = Math.min(all.length, start + limit + 2);
        for (int at = start; at < reach; at++) {
            if (all[at] == '\n') {
                put(all, start, at > start && all[at - 1] == '\r' ? at - 1 : at, false);
                return at + 1;
            }
        }
        // One byte more than the limit may still be the first of the end of the line.
        if (all.length - start > limit + 1) {
            int end = wholeCharacters(all, start, start + limit);
            put(all, start, end, true);
            return end;
        }
        return start;
    }

    private void put(byte[] all, int start, int end, boolean goesOn) {
        sink.put(new String(all, start, end - start, StandardCharsets.UTF_8), goesOn);
    }

    /** Where the bytes end without a character that has only begun at their end. */
    private static int wholeCharacters(byte[] all, int start, int end) {
        for (int at = end - 1; at >= end - 3 && at > start; at--) {
            int first = all[at] & 0xFF;
            if (first < 0x80) {
                return end;
            }
            if (first >= 0xC0) {
                int size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
                return at + size > end ? at : end;
            }
        }
        return end;
    }
}
