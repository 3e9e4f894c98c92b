package ug.open.conveyor;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import ug.open.conveyor.v1.Message;

/** A driver: its name, what it listens to, and the function that does its work. */
public final class Driver {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9-]{1,63}");
    /** What the lines of one task may take by default, and those of all. */
    private static final long TASK_LOG_MEMORY = 8 << 20, ALL_LOG_MEMORY = 64 << 20, ALL_LOG_SPILL = 1 << 30;

    final String name;
    final Reconciler reconciler;
    List<String> definitions = List.of();
    List<String> events = List.of("*");
    Map<String, String> labels = Map.of();
    int slots = 1;
    Consumer<Message> onMessage = message -> {};
    boolean stopAtLeaseEnd;
    private long logMemory;
    private long logSpill = -1;

    /** A driver of a name of letters, digits and "-", 1 to 63 long. Pipelines name it. */
    public Driver(String name, Reconciler reconciler) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "the driver's name \"" + name + "\" is not 1 to 63 letters, digits and \"-\"");
        }
        this.name = name;
        this.reconciler = Objects.requireNonNull(reconciler, "the reconciler");
    }

    /**
     * The definitions whose resources without a pipeline it wants to hear of. A driver without any gets the steps of
     * pipelines that name it.
     */
    public Driver definitions(String... definitions) {
        this.definitions = readable("definition", List.of(definitions));
        return this;
    }

    /** The events it listens to: create, update, delete. None, or "*", means all but delete. */
    public Driver events(String... events) {
        this.events = events.length == 0 ? List.of("*") : readable("event", List.of(events));
        return this;
    }

    /** How many tasks it takes at once, 1 to 1,000. Not said: 1. */
    public Driver slots(int slots) {
        if (slots < 1 || slots > 1000) {
            throw new IllegalArgumentException(
                    "the driver " + name + " has " + slots + " slots, and 1 to 1,000 are allowed");
        }
        this.slots = slots;
        return this;
    }

    /** What it says of itself, 32 at most. Steps may ask for an instance that has them. */
    public Driver labels(Map<String, String> labels) {
        readable("label", labels.keySet());
        readable("label", labels.values());
        this.labels = Map.copyOf(labels);
        return this;
    }

    /**
     * Called with each message that is broadcast to all drivers. It must return at once, since the stream waits for it.
     */
    public Driver onMessage(Consumer<Message> onMessage) {
        this.onMessage = onMessage;
        return this;
    }

    /**
     * Stops the work when the server was not heard for a whole lease, so that no other instance works on the same step
     * meanwhile. Else a driver that is cut off works on, and its result counts if nobody else has taken the step.
     */
    public Driver stopAtLeaseEnd(boolean stop) {
        this.stopAtLeaseEnd = stop;
        return this;
    }

    /**
     * How many bytes of a task's log lines are kept in memory until the server has stored them. Not said: 8 MiB, or less
     * with many slots: 64 MiB for all.
     */
    public Driver logMemory(long bytes) {
        this.logMemory = bytes;
        return this;
    }

    /**
     * How many bytes of a task's log lines go to a temporary file where its memory is full. The file is gone with the
     * process. When it is full too, log calls wait. Not said: 1 GiB for all slots. 0: no file.
     */
    public Driver logSpill(long bytes) {
        this.logSpill = bytes;
        return this;
    }

    /** Half a character cannot be sent: better said here than by a stream that breaks again and again. */
    private static <T extends Collection<String>> T readable(String what, T texts) {
        for (String text : texts) {
            if (!Text.valid(text).equals(text)) {
                throw new IllegalArgumentException(
                        "the " + what + " \"" + text + "\" is no text: it has half a character");
            }
        }
        return texts;
    }

    Lines newLines(int lineBytes, Bell changed) {
        long memory = logMemory > 0 ? logMemory : Math.min(TASK_LOG_MEMORY, ALL_LOG_MEMORY / slots);
        return new Lines(lineBytes, memory, logSpill < 0 ? ALL_LOG_SPILL / slots : logSpill, changed);
    }
}
