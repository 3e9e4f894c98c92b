package ug.open.conveyor;

import com.google.protobuf.Timestamp;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import ug.open.conveyor.v1.LogLine;

/**
 * Writes the log of one task. Any thread may.
 *
 * <p>Calls return when the line is kept, not when it is on the server's disk. When memory and file are full they wait
 * for room. After the task has ended, or was fenced, lines are dropped.
 */
public final class Logger {
    /** The stream of lines that the driver itself says, as opposed to what its children print. */
    static final String OWN_STREAM = "driver";
    /** The label of a line that goes on in the next one, since it was too long for one. */
    private static final String SPLIT = "split";
    /** A line has at most 32 labels; one is left for SPLIT. */
    private static final int MAX_LABELS = 31;
    /** The most bytes of a label's key or a stream's name, and of a label's value. Longer ones are cut. */
    private static final int MAX_NAME = 128, MAX_VALUE = 1 << 10;

    /** How long a command has to end after SIGTERM, before it is killed. */
    private static final Duration TERMINATE_GRACE = Duration.ofSeconds(5);

    private final Lines lines;
    private final Map<String, String> labels;
    /** Writers of the task that hold the start of a line, for its end. All logs of the task share them. */
    private final Set<LineWriter> writers;

    Logger(Lines lines) {
        this(lines, Map.of(), ConcurrentHashMap.newKeySet());
    }

    private Logger(Lines lines, Map<String, String> labels, Set<LineWriter> writers) {
        this.lines = lines;
        this.labels = labels;
        this.writers = writers;
    }

    /** The same log, with one more label on each line; at most 31 in all. */
    public Logger with(String key, Object value) {
        String name = Text.clip(key, MAX_NAME);
        Map<String, String> more = Map.of(name, Text.clip(String.valueOf(value), MAX_VALUE));
        return name.isEmpty() ? this : new Logger(lines, merged(labels, more), writers);
    }

    /** Writes what helps to find a fault. */
    public void debug(String text) {
        say("debug", text);
    }

    /** Writes what is good to know. */
    public void info(String text) {
        say("info", text);
    }

    /** Writes what may be wrong. */
    public void warn(String text) {
        say("warn", text);
    }

    /** Writes what is wrong. */
    public void error(String text) {
        say("error", text);
    }

    /**
     * Writes text as a line of stream: stdout, stderr, or a word of your own. Text of several lines becomes several
     * lines, empty text an empty one.
     */
    public void line(String stream, String text) {
        put(stream, text, labels);
    }

    /**
     * What is written to it goes to stream, line by line. Bytes that are not UTF-8 become U+FFFD. Its close, or the end
     * of the task, writes a last line that has no end. It never fails, so that no child is held up by lines that are
     * dropped.
     */
    public OutputStream writer(String stream) {
        return new LineWriter(Text.clip(stream, MAX_NAME));
    }

    /** Reads output to its end and writes it to stream, line by line. */
    public void pipe(String stream, InputStream output) throws IOException {
        try (OutputStream writer = writer(stream)) {
            output.transferTo(writer);
        }
    }

    /**
     * Runs a command with its output in the log, the streams stdout and stderr, and gives its exit code. When the thread
     * is interrupted the command gets SIGTERM, and after 5 seconds is killed.
     */
    public int run(ProcessBuilder command) throws IOException, InterruptedException {
        Process process = command.start();
        Thread out = pipeAside("stdout", process.getInputStream());
        Thread err = pipeAside("stderr", process.getErrorStream());
        try {
            int code = process.waitFor();
            out.join();
            err.join();
            return code;
        } catch (InterruptedException e) {
            // Process.destroy would also close its output, and so cut off its last words.
            process.toHandle().destroy();
            long end = System.nanoTime() + TERMINATE_GRACE.toNanos();
            for (Thread pipe : List.of(out, err)) {
                pipe.join(Math.max(1, (end - System.nanoTime()) / 1_000_000));
            }
            throw e;
        } finally {
            process.destroyForcibly();
        }
    }

    private Thread pipeAside(String stream, InputStream output) {
        Thread thread = new Thread(
                () -> {
                    try (output) {
                        pipe(stream, output);
                    } catch (IOException e) {
                        warn("the output of a command cannot be read: " + e.getMessage());
                    }
                },
                "conveyor-pipe-" + stream);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** Writes the last lines of all writers that were not closed. */
    void flush() {
        for (LineWriter writer : writers) {
            writer.close();
        }
    }

    private void say(String level, String text) {
        put(OWN_STREAM, text, merged(labels, Map.of("level", level)));
    }

    private void put(String stream, String text, Map<String, String> labels) {
        String name = Text.clip(stream, MAX_NAME);
        for (String line : Text.lines(Text.valid(text))) {
            putLine(name, line, false, labels);
        }
    }

    /** Writes a line, or several when it is too long for one. */
    private void putLine(String stream, String text, boolean goesOn, Map<String, String> labels) {
        Instant now = Instant.now();
        Timestamp time = Timestamp.newBuilder()
                .setSeconds(now.getEpochSecond())
                .setNanos(now.getNano())
                .build();
        int start = 0;
        do {
            int end = Text.cut(text, start, lines.lineBytes);
            boolean split = end < text.length() || goesOn;
            lines.push(LogLine.newBuilder()
                    .setTime(time)
                    .setStream(stream)
                    .putAllLabels(split ? merged(labels, Map.of(SPLIT, "true")) : labels)
                    .setMessage(text.substring(start, end))
                    .build());
            start = end;
        } while (start < text.length());
    }

    /** Labels and more; those that are too many are left out. */
    private static Map<String, String> merged(Map<String, String> labels, Map<String, String> more) {
        Map<String, String> all = new LinkedHashMap<>(labels);
        more.forEach((key, value) -> {
            if (all.containsKey(key) || all.size() < MAX_LABELS || key.equals(SPLIT)) {
                all.put(key, value);
            }
        });
        return all;
    }

    /** Writes bytes to the log, line by line. */
    private final class LineWriter extends OutputStream {
        private final Splitter splitter;

        LineWriter(String stream) {
            splitter = new Splitter(lines.lineBytes, (text, goesOn) -> putLine(stream, text, goesOn, labels));
        }

        @Override
        public synchronized void write(int one) {
            write(new byte[] {(byte) one}, 0, 1);
        }

        @Override
        public synchronized void write(byte[] bytes, int from, int count) {
            splitter.feed(bytes, from, count);
            remember();
        }

        @Override
        public synchronized void close() {
            splitter.end();
            remember();
        }

        private void remember() {
            if (splitter.isEmpty()) {
                writers.remove(this);
            } else {
                writers.add(this);
            }
        }
    }
}
