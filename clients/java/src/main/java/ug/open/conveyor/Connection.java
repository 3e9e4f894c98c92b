package ug.open.conveyor;

import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import java.net.URI;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;

/** Opens connections to a server, with what Conveyor needs of them. */
final class Connection {
    /** Where a server listens that was told nothing else. */
    static final String DEFAULT_SERVER = "http://127.0.0.1:8080";
    /** The largest message taken from a server. It sends 8 MiB at most by default. */
    static final int MESSAGE_BYTES = 16 << 20;
    /** How long a connection may take to stand. */
    static final int CONNECT_MILLIS = 5_000;
    /** How much a server may send before it is read: a large offer must not hold up what is behind it. */
    private static final int WINDOW_BYTES = 4 << 20;
    /** A peer that is silent for this long is asked for a sign of life, and has as long again to give it. */
    private static final int KEEP_ALIVE_SECONDS = 10;

    /** Says at each start what concerns nobody. It is held here: else its level is forgotten. */
    private static final java.util.logging.Logger TALKATIVE =
            java.util.logging.Logger.getLogger("io.grpc.netty.shaded.io.grpc.netty.TcpMetrics");

    static {
        TALKATIVE.setLevel(Level.WARNING);
    }

    private Connection() {}

    static ManagedChannel open(String server) {
        URI address = address(server);
        int port = address.getPort() < 0 ? 80 : address.getPort();
        return NettyChannelBuilder.forAddress(address.getHost(), port)
                .usePlaintext()
                .maxInboundMessageSize(MESSAGE_BYTES)
                .flowControlWindow(WINDOW_BYTES)
                .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
                .keepAliveTimeout(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
                .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
                .build();
    }

    /** The address that was given; where none was, that of the variable CONVEYOR_SERVER, or else the default one. */
    static String named(String server) {
        if (server != null && !server.isEmpty()) {
            return server;
        }
        String named = System.getenv("CONVEYOR_SERVER");
        return named == null || named.isEmpty() ? DEFAULT_SERVER : named;
    }

    /** Reads an address such as http://127.0.0.1:8080. */
    static URI address(String server) {
        URI address = null;
        try {
            address = URI.create(server);
        } catch (IllegalArgumentException e) {
            // Said below, with what an address looks like.
        }
        if (address == null || !"http".equals(address.getScheme()) || address.getHost() == null) {
            throw new IllegalArgumentException(
                    "\"" + server + "\" is not the address of a server: give one like " + DEFAULT_SERVER);
        }
        return address;
    }
}
