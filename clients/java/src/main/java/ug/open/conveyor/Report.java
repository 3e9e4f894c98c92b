package ug.open.conveyor;

/** A result in the form that the server takes, its data as JSON text; empty for none. */
record Report(boolean success, String message, String data) {
    static Report failure(String message) {
        return new Report(false, Text.valid(message), "");
    }

    /** Writes the data as text. It calls code of the user, so nothing may wait for it. */
    static Report of(Result result) {
        String message = result.message() == null ? "" : result.message();
        try {
            String data = result.data() == null ? "" : Json.write(result.data());
            return new Report(result.success(), Text.valid(message), Text.valid(data));
        } catch (IllegalArgumentException e) {
            return failure("the result's data is " + e.getMessage() + "; the work said: " + message);
        }
    }

    /** Brings it within the limits: a long message is cut, and data that the server would not take is a failure. */
    Report within(Limits limits) {
        Report fit = this;
        long bytes = data.getBytes(java.nio.charset.StandardCharsets.UTF_8).length;
        if (bytes > limits.dataBytes()) {
            fit = failure("the result's data has " + bytes + " bytes, and " + limits.dataBytes()
                    + " are allowed; the work said: " + message);
        }
        return new Report(fit.success, Text.clip(fit.message, limits.messageBytes()), fit.data);
    }
}
