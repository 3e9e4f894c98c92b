package ug.open.conveyor.examples;

import java.util.List;
import java.util.Map;
import ug.open.conveyor.runtime.Driver;
import ug.open.conveyor.runtime.DriverLogger;
import ug.open.conveyor.runtime.DriverManager;
import ug.open.conveyor.runtime.DriverResult;

/** A driver in the words of Conveyor CI's SDK. */
public final class Ported {
    static DriverResult reconcile(String payload, String event, String runId, DriverLogger logger) {
        logger.log(Map.of("step", "build"), event + " " + payload);
        return new DriverResult(true, "built");
    }

    public static void main(String[] args) throws Exception {
        Driver driver = new Driver("command-runner", List.of("pipeline"), Ported::reconcile);
        new DriverManager(driver, List.of("*")).run();
    }
}
