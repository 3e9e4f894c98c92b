package ug.open.conveyor;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import org.junit.jupiter.api.Assertions;

/** A real server process for the tests, with a store of its own. */
final class Server {
    final HttpClient http = HttpClient.newHttpClient();
    private final String program;
    private final Path home;
    private final String[] settings;
    private String listen = "127.0.0.1:0";
    private Process process;
    String url;

    /** Starts a program that keeps what it has below home, with settings like "DRIVER_LEASE_TIME=2s". */
    Server(String program, Path home, String... settings) throws Exception {
        this.program = program;
        this.home = home;
        this.settings = settings;
        start();
    }

    /** Starts it, on the port that it had. A client's outgoing connection may hold that for a moment. */
    void start() throws Exception {
        Patience.until("the server starts", this::launch);
    }

    private boolean launch() throws Exception {
        String data = home.resolve("data").toString();
        ProcessBuilder command = new ProcessBuilder(program, "up", "--listen", listen, "--data", data);
        command.environment().clear();
        command.environment().put("HOME", home.toString());
        for (String setting : settings) {
            String[] pair = setting.split("=", 2);
            command.environment().put("CONVEYOR_" + pair[0], pair[1]);
        }
        command.directory(home.toFile()).redirectError(ProcessBuilder.Redirect.appendTo(stderr()));
        process = command.start();
        BufferedReader stdout = process.inputReader();
        String line = stdout.readLine();
        if (line == null || !line.startsWith("listening on ")) {
            kill();
            return false;
        }
        url = line.split(" ")[2];
        listen = url.substring("http://".length());
        return true;
    }

    /** Where what it says stands. */
    File stderr() {
        return home.resolve("stderr").toFile();
    }

    /** Ends the process with no warning. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    Client client() throws IOException {
        return Client.connect(url);
    }

    /** Sends JSON and gives the answer. */
    JsonNode post(String path, String body) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + path))
                .header("content-type", "application/json")
                .timeout(Patience.SOON)
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
        Assertions.assertEquals(201, answer.statusCode(), answer.body());
        return new ObjectMapper().readTree(answer.body());
    }
}
