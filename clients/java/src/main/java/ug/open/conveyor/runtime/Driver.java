package ug.open.conveyor.runtime;

import java.util.List;

/**
 * A driver.
 *
 * @param name its name, which pipelines use
 * @param resources the definitions that it listens to
 * @param reconcile what does its work
 */
public record Driver(String name, List<String> resources, Reconcile reconcile) {}
