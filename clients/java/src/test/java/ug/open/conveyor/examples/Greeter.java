package ug.open.conveyor.examples;

import java.util.List;
import java.util.Map;
import ug.open.conveyor.Driver;
import ug.open.conveyor.Manager;
import ug.open.conveyor.Result;
import ug.open.conveyor.Task;

/** A driver of forty lines: it greets each person, line by line, and stops when it is told to. */
public final class Greeter {
    record Person(List<String> greetings) {}

    private Greeter() {}

    static Result greet(Task task) throws Exception {
        Person person = task.spec(Person.class);
        for (String greeting : person.greetings()) {
            task.log().line("stdout", greeting + ", " + task.resource().getName());
            // A cancel interrupts the thread, and what is thrown then is a failed result.
            Thread.sleep(1000);
        }
        return Result.success("greeted").withData(Map.of("greetings", person.greetings().size()));
    }

    public static void main(String[] args) throws Exception {
        Driver greeter = new Driver("greeter", Greeter::greet).definitions("person").slots(4);
        new Manager("http://127.0.0.1:8080", greeter).runUntilSignal();
    }
}
