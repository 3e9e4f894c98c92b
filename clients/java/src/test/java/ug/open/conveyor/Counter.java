package ug.open.conveyor;

/** A driver that logs as many numbered lines as its spec says. It is also the program that tests kill. */
final class Counter {
    record Count(int lines) {}

    private Counter() {}

    /** Rests for so many milliseconds after each hundred lines. */
    static Driver driver(long rest) {
        return driver(rest, true);
    }

    private static Driver driver(long rest, boolean ends) {
        return new Driver("counter", task -> {
                    Count count = task.spec(Count.class);
                    for (int number = 0; number < count.lines(); number++) {
                        task.log().line("stdout", "line " + number);
                        if (number % 100 == 0) {
                            Thread.sleep(rest);
                        }
                    }
                    if (!ends) {
                        task.awaitCancellation();
                    }
                    return Result.success("counted");
                })
                .definitions("count")
                .slots(4)
                // So little that lines go to the file while the server is away.
                .logMemory(64 << 10);
    }

    public static void main(String[] arguments) throws Exception {
        // Killed in the middle of its work, however late.
        new Manager(arguments[0], driver(5, false)).runUntilSignal();
    }
}
