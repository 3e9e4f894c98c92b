package ug.open.conveyor.runtime;

import java.util.Map;
import ug.open.conveyor.Logger;

/**
 * The log of a task, written to with labels.
 *
 * @param logger the same as this library has it
 */
public record DriverLogger(Logger logger) {
    /** Writes lines with labels. */
    public void log(Map<String, ?> labels, String message) {
        Logger labelled = logger;
        for (Map.Entry<String, ?> label : labels.entrySet()) {
            labelled = labelled.with(label.getKey(), label.getValue());
        }
        labelled.line("driver", message);
    }
}
