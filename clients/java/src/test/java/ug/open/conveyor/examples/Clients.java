package ug.open.conveyor.examples;

import java.util.List;
import ug.open.conveyor.Client;
import ug.open.conveyor.Resource;
import ug.open.conveyor.Tail;
import ug.open.conveyor.examples.Greeter.Person;
import ug.open.conveyor.v1.ListRunsRequest;
import ug.open.conveyor.v1.LogEntry;

/** Creates a resource and follows the log of its run. */
final class Clients {
    private Clients() {}

    static void createAndFollow(String server) throws Exception {
        try (Client client = Client.connect(server)) {
            Resource ada = Resource.of("person", "ada", new Person(List.of("Hello")));
            String runId = client.create(ada).runId(); // or apply, get, delete
            try (Tail tail = client.tail(runId)) {
                for (LogEntry line : tail) {
                    System.out.println(line.getMessage());
                }
            }
            System.out.println(client.runs().listRuns(ListRunsRequest.getDefaultInstance()));
        }
    }
}
