package ug.open.conveyor;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Calls the user's function for one task, in the thread that it is called in, and reports whatever becomes of it. */
final class Work {
    private Work() {}

    static Report carryOut(Driver driver, Ledger.Start start) {
        Logger log = new Logger(start.lines());
        Task task = new Task(driver.name, start.offer(), log, start.signal());
        try {
            start.signal().attach(Thread.currentThread());
            Result result = driver.reconciler.reconcile(task);
            return result == null ? Report.failure("the driver gave no result") : Report.of(result);
        } catch (Throwable thrown) {
            return failed(thrown, start.signal().why(), log);
        } finally {
            start.signal().detach();
            // The signal was for the work alone.
            Thread.interrupted();
            log.flush();
        }
    }

    /** What is thrown is a failure with a trace in the log; but an interrupt that was ours says only why. */
    private static Report failed(Throwable thrown, Cancellation why, Logger log) {
        if (thrown instanceof InterruptedException && why != null) {
            return Report.failure(why.reason().toString());
        }
        String name = thrown.getClass().getName();
        try {
            StringWriter trace = new StringWriter();
            thrown.printStackTrace(new PrintWriter(trace, true));
            log.error(trace.toString());
            String message = thrown.getMessage();
            String simple = thrown.getClass().getSimpleName();
            return Report.failure(message == null ? name : (simple.isEmpty() ? name : simple) + ": " + message);
        } catch (RuntimeException clumsy) {
            // What it says of itself threw too.
            log.error(Stream.concat(Stream.of(name), Arrays.stream(thrown.getStackTrace()))
                    .map(Object::toString)
                    .collect(Collectors.joining("\n\tat ")));
            return Report.failure(name);
        }
    }
}
