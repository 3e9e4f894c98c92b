package ug.open.conveyor;

/** What the server takes at most, as its Welcome says. What it leaves out is the documented default. */
record Limits(int batchBytes, int batchLines, int lineBytes, int dataBytes, int messageBytes) {
    /** What a Log message needs besides its lines. */
    private static final int LOG_HEAD_BYTES = 256;

    static Limits of(ug.open.conveyor.v1.Limits said) {
        int message = or(said.getMessageBytes(), 8 << 20);
        return new Limits(
                Math.min(or(said.getLogBatchBytes(), 1 << 20), message - LOG_HEAD_BYTES),
                or(said.getLogBatchLines(), 4096),
                or(said.getLogLineBytes(), 64 << 10),
                or(said.getResultDataBytes(), 256 << 10),
                or(said.getResultMessageBytes(), 16 << 10));
    }

    private static int or(long said, int normal) {
        return said <= 0 || said > Integer.MAX_VALUE ? normal : (int) said;
    }
}
