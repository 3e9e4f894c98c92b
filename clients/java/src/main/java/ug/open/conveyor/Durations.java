package ug.open.conveyor;

import com.google.protobuf.Duration;

/** Durations of the wire as those of Java. */
final class Durations {
    private Durations() {}

    static java.time.Duration of(Duration said) {
        return java.time.Duration.ofSeconds(said.getSeconds(), said.getNanos());
    }
}
