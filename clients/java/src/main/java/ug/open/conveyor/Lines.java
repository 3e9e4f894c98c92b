package ug.open.conveyor;

import com.google.protobuf.Timestamp;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import ug.open.conveyor.v1.LogLine;

/**
 * The log lines of one task, kept until they are on the server's disk.
 *
 * <p>The work writes in its threads, the stream reads in its own. A line's number is its place in the task,
 * from 0, and never changes. The oldest lines are in memory, those for which it has no room in a file, from
 * where they come back in order, then the newest in memory until they are a block for the file. When the file
 * is full too, who writes waits.
 */
final class Lines {
    /** How much goes to the file, and comes back, at once: at least and at most. */
    private static final long LEAST_BLOCK = 4 << 10, MOST_BLOCK = 256 << 10;

    final int lineBytes;
    private final long memory;
    private long spillSize;
    private final Bell changed;

    /** Whoever writes has the turn, also while it waits for room, so that lines keep their order. */
    private final ReentrantLock turn = new ReentrantLock(true);

    private final ReentrantLock lock = new ReentrantLock();
    /** Fires when room was made, and when no more lines are taken. */
    private final Condition room = lock.newCondition();
    /** The number of the first kept line: all before it are on the server's disk. */
    private long first;

    private final LineQueue kept = new LineQueue();
    private long spilled;
    private final LineQueue newest = new LineQueue();
    /** Lines of the newest that are being written. */
    private List<LineQueue.Entry> writing = List.of();

    /** The file. Null: there is none yet, or none any more. */
    Spill spill;

    private boolean refilling;
    /** No more lines are taken; and those that were are not wanted. */
    private boolean sealed, discarded;

    Lines(int lineBytes, long memory, long spillSize, Bell changed) {
        this.lineBytes = lineBytes;
        this.memory = memory;
        this.spillSize = spillSize;
        this.changed = changed;
    }

    /** How much goes to the file, and comes back, at once. */
    private int block() {
        return (int) Math.max(LEAST_BLOCK, Math.min(MOST_BLOCK, memory / 8));
    }

    /** Adds a line when there is room for it. A sealed log drops it. */
    void push(LogLine line) {
        LineQueue.Entry added = new LineQueue.Entry(line);
        turn.lock();
        lock.lock();
        try {
            while (!sealed) {
                if (spilled == 0 && newest.isEmpty() && writing.isEmpty() && kept.takes(added, memory - block())) {
                    kept.add(added);
                    changed.ring();
                    return;
                }
                if (spillSize > 0 && newest.takes(added, block())) {
                    newest.add(added);
                    startRefill();
                    return;
                }
                if (canSpill()) {
                    toFile();
                } else {
                    room.awaitUninterruptibly();
                }
            }
        } finally {
            lock.unlock();
            turn.unlock();
        }
    }

    /** Whether the file has room for a block. It makes the file the first time. */
    private boolean canSpill() {
        if (spill == null && spillSize > 0) {
            try {
                spill = new Spill(spillSize);
            } catch (IOException e) {
                // Where there can be no file, who writes waits for memory.
                spillSize = 0;
            }
        }
        return spillSize > 0 && spill.hasRoom(newest.peek());
    }

    /** Writes the newest lines to the file, without the lock meanwhile. */
    private void toFile() {
        Spill file = spill;
        long tail = file.tail;
        writing = newest.take();
        long size = -1;
        lock.unlock();
        try {
            size = file.write(writing, tail);
        } catch (IOException e) {
            // The disk may be full. What is in the file already still comes back.
        } finally {
            lock.lock();
        }
        List<LineQueue.Entry> block = writing;
        writing = List.of();
        if (!discarded) {
            if (size >= 0) {
                file.tail += size;
                spilled += block.size();
            } else {
                spillSize = 0;
                block.forEach(newest::add);
            }
        }
        room.signalAll();
        closeIfDone();
    }

    private void startRefill() {
        if (!refilling) {
            refilling = true;
            Thread thread = new Thread(this::refill, "conveyor-spill");
            thread.setDaemon(true);
            thread.start();
        }
    }

    /** Brings lines back as memory becomes free, until all that are left are in memory. */
    private void refill() {
        lock.lock();
        try {
            while (!discarded && (spilled > 0 || !newest.isEmpty() || !writing.isEmpty())) {
                boolean full = !kept.isEmpty() && kept.cost() + 2L * block() > memory;
                if (full || (spilled == 0 && !writing.isEmpty())) {
                    room.awaitUninterruptibly();
                    continue;
                }
                if (spilled > 0) {
                    fromFile();
                } else {
                    newest.take().forEach(kept::add);
                }
                room.signalAll();
                changed.ring();
            }
        } finally {
            refilling = false;
            closeIfDone();
            lock.unlock();
        }
    }

    /** Reads the oldest lines of the file, without the lock meanwhile. */
    private void fromFile() {
        Spill file = spill;
        long head = file.head, tail = file.tail, count = spilled;
        Spill.Back back;
        lock.unlock();
        try {
            back = file.read(head, tail, block());
        } catch (IOException e) {
            back = new Spill.Back(lost(e, count), tail - head);
        } finally {
            lock.lock();
        }
        if (!discarded) {
            file.head += back.taken();
            spilled -= back.lines().size();
            back.lines().forEach(kept::add);
        }
    }

    /**
     * What stands for lines that cannot be read back: their numbers are given out, and who reads the log shall
     * see that something is missing.
     */
    private static List<LineQueue.Entry> lost(IOException cause, long count) {
        LogLine line = LogLine.newBuilder()
                .setTime(Timestamp.newBuilder().setSeconds(System.currentTimeMillis() / 1000))
                .setStream(Logger.OWN_STREAM)
                .setMessage("a line is lost, since the file that kept it cannot be read: " + cause.getMessage())
                .build();
        return new ArrayList<>(Collections.nCopies((int) count, new LineQueue.Entry(line)));
    }

    /** The number that the next new line gets. */
    long next() {
        lock.lock();
        try {
            return first + kept.size() + spilled + writing.size() + newest.size();
        } finally {
            lock.unlock();
        }
    }

    /** The number of the first line that is not known to be on the server's disk. */
    long oldest() {
        lock.lock();
        try {
            return first;
        } finally {
            lock.unlock();
        }
    }

    /** Whether lines are, or were, put into a file that is still open. */
    boolean hasFile() {
        lock.lock();
        try {
            return spill != null;
        } finally {
            lock.unlock();
        }
    }

    /** What the lines take of the memory. */
    long memory() {
        lock.lock();
        try {
            return kept.cost() + newest.cost();
        } finally {
            lock.unlock();
        }
    }

    /** Forgets the lines before next: they are on the server's disk. */
    void free(long next) {
        lock.lock();
        try {
            while (!kept.isEmpty() && first < next) {
                kept.drop();
                first++;
            }
            room.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Takes no more lines, and says how many there were. */
    long seal() {
        lock.lock();
        try {
            sealed = true;
            room.signalAll();
            closeIfDone();
            return next();
        } finally {
            lock.unlock();
        }
    }

    /** Takes no more lines and forgets those it has: nobody wants them. */
    void discard() {
        lock.lock();
        try {
            sealed = true;
            discarded = true;
            kept.take();
            newest.take();
            room.signalAll();
            closeIfDone();
        } finally {
            lock.unlock();
        }
    }

    /** Closes the file when nobody will read or write it again. */
    private void closeIfDone() {
        if (sealed && !refilling && writing.isEmpty() && spill != null) {
            spill.close();
            spill = null;
            spillSize = 0;
        }
    }

    /** The lines from a number on, as many as fit into one batch; at least one if there is one. */
    List<LogLine> batch(long from, Limits limits) {
        lock.lock();
        try {
            List<LogLine> batch = new ArrayList<>();
            if (from < first) {
                return batch;
            }
            long bytes = 0;
            for (long at = from - first; at < kept.size() && batch.size() < limits.batchLines(); at++) {
                LineQueue.Entry entry = kept.get((int) at);
                bytes += entry.framed();
                if (!batch.isEmpty() && bytes > limits.batchBytes()) {
                    break;
                }
                batch.add(entry.line());
            }
            return batch;
        } finally {
            lock.unlock();
        }
    }
}
