package ug.open.conveyor.runtime;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.util.RawValue;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import ug.open.conveyor.Manager;
import ug.open.conveyor.RefusedException;
import ug.open.conveyor.Resource;
import ug.open.conveyor.Result;
import ug.open.conveyor.Task;

/** A manager of one driver that listens to some events, for the server that CONVEYOR_SERVER names. */
public final class DriverManager {
    private static final JsonMapper MAPPER = new JsonMapper();

    private final Manager manager;

    /** A manager of a driver for these events, or "*". */
    public DriverManager(Driver driver, List<String> events) {
        manager = new Manager(ported(driver, events));
    }

    /** Works until SIGTERM or an interrupt, or until it is stopped, then drains. */
    public void run() throws RefusedException, InterruptedException {
        manager.runUntilSignal();
    }

    /** Drains, and lets run return. */
    public void stop() {
        manager.stop();
    }

    /** The same driver in the form of this library. */
    static ug.open.conveyor.Driver ported(Driver driver, List<String> events) {
        return new ug.open.conveyor.Driver(driver.name(), task -> carryOut(driver, task))
                .definitions(driver.resources().toArray(String[]::new))
                .events(events.toArray(String[]::new));
    }

    private static Result carryOut(Driver driver, Task task) throws Exception {
        DriverLogger logger = new DriverLogger(task.log());
        DriverResult said = driver.reconcile().reconcile(payload(task.resource()), task.event(), task.runId(), logger);
        return said == null ? null : new Result(said.success(), said.message(), said.data());
    }

    /** The resource in its documented form. */
    private static String payload(Resource resource) throws JsonProcessingException {
        Map<String, Object> form = new LinkedHashMap<>();
        form.put("id", resource.id());
        form.put("name", resource.name());
        if (!resource.pipeline().isEmpty()) {
            form.put("pipeline", resource.pipeline());
        }
        form.put("resource", resource.definition());
        form.put("metadata", resource.metadata());
        form.put("spec", new RawValue(resource.specJson()));
        return MAPPER.writeValueAsString(form);
    }
}
