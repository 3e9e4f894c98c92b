package ug.open.conveyor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** The servers, programs and managers of one test, which end with it. */
final class Stage implements AfterEachCallback {
    /** What ends one of them, when the test has failed or not. */
    private interface End {
        void end(boolean failed) throws Exception;
    }

    private final Deque<End> ends = new ArrayDeque<>();

    /** Starts the server that CONVEYOR_BIN names, with settings like "DRIVER_LEASE_TIME=2s". */
    Server server(String... settings) throws Exception {
        String program = System.getenv("CONVEYOR_BIN");
        if (program == null || program.isEmpty()) {
            String why = "CONVEYOR_BIN does not name the server: make test does";
            Assertions.assertNull(System.getenv("CI"), why);
            Assumptions.abort(why);
        }
        Path home = Files.createTempDirectory("conveyor-test-");
        ends.push(failed -> remove(home));
        Server server = new Server(program, home, settings);
        ends.push(failed -> {
            server.kill();
            if (failed) {
                System.err.println(
                        "the server says:\n" + Files.readString(server.stderr().toPath()));
            }
        });
        return server;
    }

    private static void remove(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    /** A client of a server. */
    Client client(Server server) throws IOException {
        Client client = server.client();
        ends.push(failed -> client.close());
        return client;
    }

    /** Starts a program of these tests in a JVM of its own. */
    Process program(Class<?> main, Map<String, String> environment, String... arguments) throws IOException {
        ProcessBuilder command = new ProcessBuilder("java", "-cp", System.getProperty("java.class.path"));
        command.command().addAll(java.util.List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", main.getName()));
        command.command().addAll(java.util.List.of(arguments));
        command.environment().putAll(environment);
        Process process = command.inheritIO().start();
        ends.push(failed -> process.destroyForcibly().waitFor());
        return process;
    }

    /** A manager at work, and how it will have ended. */
    record Running(Manager manager, CompletableFuture<Void> end) {
        /** Waits for its end, and throws what it threw. */
        void await() throws Exception {
            end.get(Patience.SOON.toSeconds(), TimeUnit.SECONDS);
        }

        void stop() throws Exception {
            manager.stop();
            await();
        }
    }

    /** Runs drivers meanwhile. */
    Running run(Server server, Driver... drivers) {
        return run(new Manager(server.url, drivers));
    }

    /** Runs a manager meanwhile. */
    Running run(Manager manager) {
        manager.logger(text -> {});
        CompletableFuture<Void> end = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                manager.run();
                end.complete(null);
            } catch (Throwable e) {
                end.completeExceptionally(e);
            }
        });
        thread.setDaemon(true);
        thread.start();
        ends.push(failed -> {
            manager.abort();
            thread.join(Patience.SOON.toMillis());
        });
        return new Running(manager, end);
    }

    @Override
    public void afterEach(ExtensionContext test) throws Exception {
        boolean failed = test.getExecutionException().isPresent();
        while (!ends.isEmpty()) {
            ends.pop().end(failed);
        }
    }
}
