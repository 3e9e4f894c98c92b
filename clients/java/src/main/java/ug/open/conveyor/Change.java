package ug.open.conveyor;

/**
 * What became of a write.
 *
 * @param resource the resource as it stands
 * @param runId the run that carries it out; empty: nothing differs
 */
public record Change(Resource resource, String runId) {
    static Change of(ug.open.conveyor.v1.ResourceChange said) {
        return new Change(Resource.of(said.getResource()), said.getRunId());
    }
}
