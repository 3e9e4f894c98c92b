package ug.open.conveyor;

import java.util.Map;

/**
 * A named object of one definition, as drivers are given it and as clients write it.
 *
 * @param definition the name of its definition, which is its type
 * @param name unique among the resources of the definition
 * @param specJson what the drivers are to do, as the JSON text that its user wrote
 * @param pipeline the pipeline that carries out its events; empty: every driver that listens
 * @param metadata key-value pairs; the server adds some of its own
 * @param id the server's: a UUID
 * @param revision the server's: the count of the writes, from 1
 */
public record Resource(
        String definition,
        String name,
        String specJson,
        String pipeline,
        Map<String, String> metadata,
        String id,
        long revision) {
    /**
     * A resource with the JSON form of a spec, as Jackson writes it. A Jackson RawValue keeps its exact text.
     *
     * @throws IllegalArgumentException when the spec has no JSON form
     */
    public static Resource of(String definition, String name, Object spec) {
        return new Resource(definition, name, Json.write(spec), "", Map.of(), "", 0);
    }

    /** The same with another spec. */
    public Resource withSpec(Object spec) {
        return new Resource(definition, name, Json.write(spec), pipeline, metadata, id, revision);
    }

    /** The same with a pipeline that carries out its events. */
    public Resource withPipeline(String pipeline) {
        return new Resource(definition, name, specJson, pipeline, metadata, id, revision);
    }

    /** The same with other metadata. */
    public Resource withMetadata(Map<String, String> metadata) {
        return new Resource(definition, name, specJson, pipeline, Map.copyOf(metadata), id, revision);
    }

    /**
     * Reads the spec into a type of yours. Fields that it does not name are passed over.
     *
     * @throws IllegalArgumentException when the spec has another shape
     */
    public <T> T spec(Class<T> type) {
        return Json.read(specJson, type, "the spec of " + name);
    }

    static Resource of(ug.open.conveyor.v1.Resource said) {
        return new Resource(
                said.getResource(),
                said.getName(),
                said.getSpecJson(),
                said.getPipeline(),
                said.getMetadataMap(),
                said.getId(),
                said.getRevision());
    }

    /** What is the user's to say of it. */
    ug.open.conveyor.v1.Resource wire() {
        return ug.open.conveyor.v1.Resource.newBuilder()
                .setResource(definition)
                .setName(name)
                .setPipeline(pipeline)
                .putAllMetadata(metadata)
                .setSpecJson(specJson)
                .build();
    }
}
