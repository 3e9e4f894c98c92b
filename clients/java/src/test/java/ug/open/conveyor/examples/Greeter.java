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

    static Result greet(Task task) throws InterruptedException {
        Person person = task.spec(Person.class);
        for (String greeting : person.greetings()) {
            task.log().line("stdout", greeting + ", " + task.resource().name());
            // A cancel interrupts the thread; thrown on, it is a failed result that says why.
            Thread.sleep(1000);
        }
        int count = person.greetings().size();
        return Result.success("greeted").withData(Map.of("greetings", count));
    }

    public static void main(String[] args) throws Exception {
        Driver greeter = new Driver("greeter", Greeter::greet);
        new Manager(greeter.definitions("person").slots(4)).runUntilSignal();
    }
}
