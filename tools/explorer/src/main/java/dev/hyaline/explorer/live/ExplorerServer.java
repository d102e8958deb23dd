package dev.hyaline.explorer.live;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/**
 * A server of pages that run a model, for the person at this machine alone: it listens on 127.0.0.1, and only who has
 * its whole {@link #address}, which holds a secret, can make it compute. The model must stay open.
 */
public final class ExplorerServer implements AutoCloseable {
    private static final int TOKEN_BYTES = 16;
    private static final int MAX_PORT = 65_535;
    private static final Duration BODY_TIME = Duration.ofSeconds(10);

    static {
        // Read by the JDK's server when it is first used. A header is at most 16 KB, and a request that has not come
        // whole after half a minute ends. Without the last, the small answers of a slider wait 40 ms for each other.
        limit("sun.net.httpserver.maxReqHeaders", "100");
        limit("sun.net.httpserver.maxReqHeaderSize", "16384");
        limit("sun.net.httpserver.maxReqTime", "30");
        limit("jdk.httpserver.maxConnections", "100");
        limit("sun.net.httpserver.nodelay", "true");
    }

    private final HttpServer server;
    private final ExecutorService executor;
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("hyaline-explorer-clock").factory());
    private final ExplorerApi api;
    private final URI address;

    private ExplorerServer(HttpServer server, ExplorerApi api, URI address) {
        this.server = server;
        this.executor = Executors.newVirtualThreadPerTaskExecutor();
        this.api = api;
        this.address = address;
    }

    private static void limit(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }

    /**
     * Starts a server.
     *
     * @param prompt the text that the page begins with
     * @param port the port to listen on; 0 for any that is free
     * @throws BadInputException if the port is out of range
     * @throws HyalineException if the port cannot be had
     */
    public static ExplorerServer start(ExploredModel model, String prompt, int port) {
        return start(model, prompt, port, BODY_TIME);
    }

    static ExplorerServer start(ExploredModel model, String prompt, int port, Duration bodyTime) {
        if (port < 0 || port > MAX_PORT) {
            throw new BadInputException("a port is from 0 to " + MAX_PORT + ", found " + port);
        }
        byte[] secret = new byte[TOKEN_BYTES];
        new SecureRandom().nextBytes(secret);
        String token = HexFormat.of().formatHex(secret);
        try {
            InetAddress here = InetAddress.getByAddress("127.0.0.1", new byte[] {127, 0, 0, 1});
            HttpServer server = HttpServer.create(new InetSocketAddress(here, port), 0);
            int taken = server.getAddress().getPort();
            ExplorerApi api = new ExplorerApi(model, prompt);
            ExplorerServer explorer =
                    new ExplorerServer(server, api, URI.create("http://127.0.0.1:" + taken + "/#token=" + token));
            RequestGuard guard = new RequestGuard(taken, token);
            server.setExecutor(explorer.executor);
            server.createContext("/", exchange -> explorer.handle(exchange, guard, bodyTime));
            server.start();
            return explorer;
        } catch (BindException e) {
            throw new HyalineException("port " + port + " of 127.0.0.1 is in use or may not be taken; name another", e);
        } catch (IOException e) {
            throw new HyalineException("no server can be started on 127.0.0.1: " + e.getMessage(), e);
        }
    }

    private void handle(HttpExchange exchange, RequestGuard guard, Duration bodyTime) throws IOException {
        Answer answer = new Answer(exchange);
        try (RequestBody body = new RequestBody(exchange, clock, bodyTime);
                exchange) {
            RequestGuard.Refusal refusal =
                    guard.refusal(exchange.getRequestMethod(), exchange.getRequestURI(), exchange.getRequestHeaders());
            if (refusal != null) {
                answer.refuse(refusal.status(), refusal.sentence());
            } else if (exchange.getRequestURI().getRawPath().startsWith("/api/")) {
                api.answer(exchange, body, answer);
            } else {
                PageResources.answer(exchange, answer);
            }
        }
    }

    /** The address to open in a browser. Its fragment, which no request carries, holds the secret. */
    public URI address() {
        return address;
    }

    /** Begins to make the first views of the first prompt, so that they are there when a browser asks for them. */
    public void prepare() {
        api.prepare();
    }

    /** Ends all runs and stops listening. */
    @Override
    public void close() {
        server.stop(0);
        api.close();
        clock.shutdownNow();
        executor.shutdownNow();
    }

    @Override
    public String toString() {
        return "server at " + address;
    }
}
