package ug.open.conveyor;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Hears SIGTERM and SIGINT.
 *
 * <p>The JDK keeps sun.misc.Signal (module jdk.unsupported) for want of another way: a shutdown hook hears no second
 * signal, and does not let main return. It is reached by reflection, since the compiler's warning of it cannot be
 * turned off.
 */
final class Signals {
    private static final List<String> HEARD = List.of("TERM", "INT");

    private final Method handle;
    /** Who heard each signal before. */
    private final Map<Object, Object> before = new LinkedHashMap<>();

    private Signals(Method handle) {
        this.handle = handle;
    }

    /** Calls the handler at each signal, until {@link #forget}. */
    static Signals hear(Runnable handler) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> called = Class.forName("sun.misc.SignalHandler");
            Object proxy = Proxy.newProxyInstance(
                    Signals.class.getClassLoader(), new Class<?>[] {called}, (self, method, arguments) -> {
                        if (method.getName().equals("handle")) {
                            handler.run();
                        }
                        return null;
                    });
            Signals signals = new Signals(signal.getMethod("handle", signal, called));
            for (String name : HEARD) {
                Object each = signal.getConstructor(String.class).newInstance(name);
                signals.before.put(each, signals.handle.invoke(null, each, proxy));
            }
            return signals;
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("signals cannot be heard: run the manager with run(), and stop()", e);
        }
    }

    /** Lets those hear the signals who did before. */
    void forget() {
        before.forEach((signal, handler) -> {
            try {
                handle.invoke(null, signal, handler);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        });
    }
}
