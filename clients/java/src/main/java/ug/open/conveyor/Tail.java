package ug.open.conveyor;

import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Collections;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import ug.open.conveyor.v1.LogEntry;
import ug.open.conveyor.v1.LogServiceGrpc;
import ug.open.conveyor.v1.TailLogsRequest;
import ug.open.conveyor.v1.TailLogsResponse;

/**
 * The log of a run, to go through line by line: all of it, from the first line, until the run has ended.
 *
 * <p>Each loop begins anew. It comes back by itself after a broken connection, without a line lost or given twice. A
 * loop that is left before its end holds its stream until the tail is closed.
 */
public final class Tail implements Iterable<LogEntry>, AutoCloseable {
    private static final System.Logger LOGGER = System.getLogger("conveyor");

    private final LogServiceGrpc.LogServiceBlockingStub logs;
    private final TailLogsRequest.Builder request;
    private final Context.CancellableContext open = Context.current().withCancellation();
    private LongConsumer onGap =
            first -> LOGGER.log(System.Logger.Level.WARNING, "lines before number " + first + " are no longer kept");

    Tail(LogServiceGrpc.LogServiceBlockingStub logs, String runId) {
        this.logs = logs;
        this.request = TailLogsRequest.newBuilder().setRunId(runId).setFollow(true);
    }

    /** Only the lines of one driver. */
    public Tail driver(String name) {
        request.setDriver(name);
        return this;
    }

    /** Only the lines of one step. */
    public Tail step(String id) {
        request.setStep(id);
        return this;
    }

    /** Only the lines after this sequence number. */
    public Tail after(long sequence) {
        request.setAfter(sequence);
        return this;
    }

    /** Ends after what is stored now. */
    public Tail noFollow() {
        request.setFollow(false);
        return this;
    }

    /** Is told the first sequence number that is left where lines are no longer kept. Not said: a warning is logged. */
    public Tail onGap(LongConsumer onGap) {
        this.onGap = onGap;
        return this;
    }

    /** Ends the loops over it. */
    @Override
    public void close() {
        open.cancel(null);
    }

    @Override
    public Iterator<LogEntry> iterator() {
        return new Loop(request.clone());
    }

    private final class Loop implements Iterator<LogEntry> {
        private final TailLogsRequest.Builder next;
        private final Backoff backoff = new Backoff();
        /** The stream. Null: it has to be opened. */
        private Iterator<TailLogsResponse> pages;

        private Iterator<LogEntry> page = Collections.emptyIterator();

        Loop(TailLogsRequest.Builder from) {
            this.next = from;
        }

        @Override
        public boolean hasNext() {
            while (!page.hasNext()) {
                try {
                    if (!turn()) {
                        return false;
                    }
                } catch (StatusRuntimeException e) {
                    if (open.isCancelled()) {
                        return false;
                    }
                    comeBack(e);
                }
            }
            return true;
        }

        @Override
        public LogEntry next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            LogEntry line = page.next();
            next.setAfter(line.getSeq());
            return line;
        }

        /** Waits for the next page. False: the log is at its end. */
        private boolean turn() {
            if (pages == null) {
                Context before = open.attach();
                try {
                    pages = logs.tailLogs(next.build());
                } finally {
                    open.detach(before);
                }
            }
            if (!pages.hasNext()) {
                return false;
            }
            TailLogsResponse said = pages.next();
            if (said.hasGap()) {
                onGap.accept(said.getGap().getFirstSeq());
            }
            if (said.getEntriesCount() > 0) {
                backoff.reset();
            }
            page = said.getEntriesList().iterator();
            return true;
        }

        /** Waits before the next try, where that may help. */
        private void comeBack(StatusRuntimeException error) {
            Status.Code code = error.getStatus().getCode();
            boolean passing = code == Status.Code.UNAVAILABLE
                    || code == Status.Code.INTERNAL
                    || code == Status.Code.RESOURCE_EXHAUSTED;
            if (!passing) {
                throw error;
            }
            pages = null;
            try {
                TimeUnit.NANOSECONDS.sleep(backoff.nextNanos());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw error;
            }
        }
    }
}
