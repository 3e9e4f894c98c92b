package ug.open.conveyor;

import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import ug.open.conveyor.v1.LogLine;

/**
 * Log lines on disk, for which there is no room in memory: a ring in a temporary file.
 *
 * <p>The file has no name from its start on, so that it is gone with its process, however that ends. One
 * thread at a time writes, and one at a time reads, each with a handle of its own; the positions belong to
 * Lines. No channels: an interrupt of the work would close them.
 */
final class Spill {
    /** What a line needs in the file besides its content. */
    private static final int HEAD = 4;

    private final RandomAccessFile writer;
    private final RandomAccessFile reader;
    private final long size;
    /** What is between head and tail waits to be read; both only grow. */
    long head;

    long tail;

    Spill(long size) throws IOException {
        File file = File.createTempFile("conveyor-log-", null);
        try {
            writer = new RandomAccessFile(file, "rw");
            try {
                reader = new RandomAccessFile(file, "r");
            } catch (IOException e) {
                writer.close();
                throw e;
            }
        } finally {
            // Where an open file keeps its name, the end of the process removes it.
            if (!file.delete()) {
                file.deleteOnExit();
            }
        }
        this.size = size;
    }

    /** Whether lines fit. */
    boolean hasRoom(List<LineQueue.Entry> lines) {
        return tail + encodedSize(lines) - head <= size;
    }

    private static long encodedSize(List<LineQueue.Entry> lines) {
        return lines.stream().mapToLong(line -> HEAD + line.bytes()).sum();
    }

    /** Puts lines behind the tail, and says how far the tail is to move. */
    long write(List<LineQueue.Entry> lines, long from) throws IOException {
        ByteBuffer text = ByteBuffer.allocate((int) encodedSize(lines));
        for (LineQueue.Entry line : lines) {
            text.putInt(line.bytes()).put(line.line().toByteArray());
        }
        byte[] bytes = text.array();
        for (int done = 0; done < bytes.length; ) {
            long at = (from + done) % size;
            int part = (int) Math.min(bytes.length - done, size - at);
            writer.seek(at);
            writer.write(bytes, done, part);
            done += part;
        }
        return bytes.length;
    }

    /** Lines that came back, and how far the head is to move. */
    record Back(List<LineQueue.Entry> lines, long taken) {}

    /** The lines at head, as many as would not take more memory than most; at least one. */
    Back read(long from, long to, int most) throws IOException {
        byte[] buffer = fill((int) Math.min(most, to - from), from);
        List<LineQueue.Entry> lines = new ArrayList<>();
        int taken = 0;
        for (long memory = most; buffer.length - taken >= HEAD && memory > 0; ) {
            int bytes = ByteBuffer.wrap(buffer, taken, HEAD).getInt();
            if (bytes < 0 || bytes > to - from - taken - HEAD) {
                throw new IOException("a line of " + bytes + " bytes, where fewer were written");
            }
            if (bytes > buffer.length - taken - HEAD) {
                if (!lines.isEmpty()) {
                    break;
                }
                buffer = fill(HEAD + bytes, from);
            }
            LogLine line = LogLine.parser().parseFrom(buffer, taken + HEAD, bytes);
            LineQueue.Entry entry = new LineQueue.Entry(line, bytes);
            lines.add(entry);
            taken += HEAD + bytes;
            memory -= entry.cost();
        }
        return new Back(lines, taken);
    }

    private byte[] fill(int count, long from) throws IOException {
        byte[] bytes = new byte[count];
        for (int done = 0; done < count; ) {
            long at = (from + done) % size;
            reader.seek(at);
            int part = reader.read(bytes, done, (int) Math.min(count - done, size - at));
            if (part < 0) {
                throw new EOFException("the file is shorter than what was written");
            }
            done += part;
        }
        return bytes;
    }

    void close() {
        for (RandomAccessFile file : List.of(writer, reader)) {
            try {
                file.close();
            } catch (IOException e) {
                // Nothing of it is wanted any more.
            }
        }
    }
}
