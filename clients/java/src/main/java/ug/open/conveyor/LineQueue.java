package ug.open.conveyor;

import java.util.ArrayList;
import java.util.List;
import ug.open.conveyor.v1.LogLine;

/** Lines in memory in their order, and what they take of it. */
final class LineQueue {
    /** What a kept line costs besides its content. */
    private static final int OVERHEAD = 128;

    /** A line and its encoded size. */
    record Entry(LogLine line, int bytes) {
        Entry(LogLine line) {
            this(line, line.getSerializedSize());
        }

        /** What it takes of the room in memory. */
        int cost() {
            return bytes + OVERHEAD;
        }

        /** Its size in a message, with its tag and length. */
        int framed() {
            return bytes + 6;
        }
    }

    private List<Entry> entries = new ArrayList<>();
    private int head;
    private long cost;

    int size() {
        return entries.size() - head;
    }

    boolean isEmpty() {
        return size() == 0;
    }

    long cost() {
        return cost;
    }

    Entry get(int at) {
        return entries.get(head + at);
    }

    /** Whether a line has room among so many bytes. Alone it always has. */
    boolean takes(Entry added, long most) {
        return isEmpty() || cost + added.cost() <= most;
    }

    void add(Entry added) {
        entries.add(added);
        cost += added.cost();
    }

    /** Forgets the oldest. */
    void drop() {
        cost -= entries.get(head).cost();
        entries.set(head++, null);
        if (head > 1024 && head > entries.size() / 2) {
            entries = new ArrayList<>(entries.subList(head, entries.size()));
            head = 0;
        }
    }

    List<Entry> peek() {
        return entries.subList(head, entries.size());
    }

    /** Gives all, and is empty then. */
    List<Entry> take() {
        List<Entry> all = peek();
        entries = new ArrayList<>();
        head = 0;
        cost = 0;
        return all;
    }
}
