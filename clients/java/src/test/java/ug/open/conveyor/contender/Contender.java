package ug.open.conveyor.contender;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.util.RawValue;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import ug.open.conveyor.Driver;
import ug.open.conveyor.Logger;
import ug.open.conveyor.Manager;
import ug.open.conveyor.Result;
import ug.open.conveyor.Task;
import ug.open.conveyor.v1.Pipeline;
import ug.open.conveyor.v1.StepResult;

/**
 * The Java runtime's driver in the conformance suite: it does what the spec of each resource says.
 * clients/conformance/README.md is the contract.
 */
public final class Contender {
    record Spec(@JsonProperty("do") List<Op> ops) {}

    record Op(
            String op,
            String text,
            Integer count,
            int size,
            String stream,
            String level,
            Map<String, String> labels,
            List<String> command,
            long ms,
            Boolean success,
            JsonNode data,
            @JsonProperty("data_size") Integer dataSize) {}

    private Contender() {}

    public static void main(String[] args) throws Exception {
        Driver driver = new Driver(setting("DRIVER"), Contender::reconcile)
                .slots((int) number("SLOTS", 1))
                .definitions(list("DEFINITIONS"))
                .events(list("EVENTS"))
                .logMemory(number("LOG_MEMORY", 0))
                .logSpill(number("LOG_SPILL", -1))
                .stopAtLeaseEnd(setting("STOP_AT_LEASE_END").equals("true"))
                .onMessage(message -> say("message " + message.getEvent() + " " + message.getPayload()));
        Map<String, String> labels = new LinkedHashMap<>();
        for (String label : list("LABELS")) {
            String[] pair = label.split("=", 2);
            labels.put(pair[0], pair.length > 1 ? pair[1] : "");
        }
        new Manager(setting("SERVER"), driver.labels(labels))
                .logger(System.err::println)
                .runUntilSignal();
    }

    private static String setting(String name) {
        String value = System.getenv("CONTENDER_" + name);
        return value == null ? "" : value;
    }

    private static String[] list(String name) {
        return setting(name).isEmpty() ? new String[0] : setting(name).split(",");
    }

    private static long number(String name, long normal) {
        return setting(name).isEmpty() ? normal : Long.parseLong(setting(name));
    }

    private static Result reconcile(Task task) throws Exception {
        for (Op op : task.spec(Spec.class).ops()) {
            switch (op.op()) {
                case "print" -> say(task.id() + " " + op.text());
                case "log" -> log(op, task.log());
                case "pipe" -> task.log().run(new ProcessBuilder(op.command()));
                case "echo" -> echo(task);
                case "sleep" -> {
                    try {
                        Thread.sleep(op.ms());
                    } catch (InterruptedException e) {
                        // The next op follows.
                    }
                }
                case "await-cancel" ->
                    say(task.id() + " cancelled "
                            + task.awaitCancellation().reason().name());
                case "linger" -> linger(op.ms());
                case "block" -> {
                    long end = System.nanoTime() + op.ms() * 1_000_000;
                    while (System.nanoTime() < end) {
                        Thread.onSpinWait();
                    }
                }
                case "throw" -> throw new IllegalStateException(op.text());
                case "error" -> throw new Exception(op.text());
                case "result" -> {
                    return result(op);
                }
                default -> throw new IllegalArgumentException("the op " + op.op() + " is not known");
            }
        }
        return Result.success("");
    }

    private static void linger(long ms) {
        long end = System.nanoTime() + ms * 1_000_000;
        for (long left = ms; left > 0; left = (end - System.nanoTime()) / 1_000_000) {
            try {
                Thread.sleep(left);
            } catch (InterruptedException e) {
                // Work that cleans up does not heed the signal.
            }
        }
    }

    private static void log(Op op, Logger plain) {
        Logger log = plain;
        for (Map.Entry<String, String> label :
                (op.labels() == null ? Map.<String, String>of() : op.labels()).entrySet()) {
            log = log.with(label.getKey(), label.getValue());
        }
        int count = op.count() == null ? 1 : op.count();
        for (int n = 0; n < count; n++) {
            String said = op.text() == null ? "" : op.text();
            String text = filled(said.replace("{n}", Integer.toString(n)), op.size());
            switch (op.level() == null ? "" : op.level()) {
                case "debug" -> log.debug(text);
                case "info" -> log.info(text);
                case "warn" -> log.warn(text);
                case "error" -> log.error(text);
                default -> log.line(op.stream() == null ? "stdout" : op.stream(), text);
            }
        }
    }

    private static Result result(Op op) {
        String message = filled(op.text() == null ? "" : op.text(), op.size());
        Object data = op.dataSize() != null ? "x".repeat(op.dataSize()) : op.data();
        return new Result(op.success() == null || op.success(), message, data);
    }

    private static void echo(Task task) throws Exception {
        List<Map<String, Object>> results = new ArrayList<>();
        for (StepResult result : task.results()) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("step", result.getStep());
            one.put("driver", result.getDriver());
            one.put("success", result.getSuccess());
            one.put("message", result.getMessage());
            one.put("data", result.getDataJson().isEmpty() ? null : new RawValue(result.getDataJson()));
            results.add(one);
        }
        Map<String, Object> said = new LinkedHashMap<>();
        said.put("task_id", task.id());
        said.put("run_id", task.runId());
        said.put("attempt", task.attempt());
        said.put("event", task.event());
        said.put("cause", task.cause());
        said.put("definition", task.resource().definition());
        said.put("resource", task.resource().name());
        said.put("revision", task.resource().revision());
        said.put("metadata", task.resource().metadata());
        said.put("spec", task.resource().specJson());
        said.put("step", task.step().getId());
        said.put("params", task.params(JsonNode.class));
        said.put("pipeline", task.pipeline().map(Pipeline::getName).orElse(null));
        said.put("results", results);
        said.put(
                "ms_left",
                task.deadline()
                        .map(end -> Duration.between(Instant.now(), end).toMillis())
                        .orElse(null));
        said.put("traceparent", task.traceparent());
        said.put("tracestate", task.tracestate());
        task.log().line("echo", new ObjectMapper().writeValueAsString(said));
    }

    private static String filled(String text, int size) {
        return text + "x".repeat(Math.max(0, size - text.length()));
    }

    /** Writes a whole line for the suite. */
    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
