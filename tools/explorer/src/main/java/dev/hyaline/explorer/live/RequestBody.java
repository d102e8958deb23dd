package dev.hyaline.explorer.live;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The body of a request. If it does not come in time, whether it is wanted or only to be skipped, the thread that
 * answers the request is interrupted, which ends the connection.
 */
final class RequestBody implements AutoCloseable {
    static final int MAX_BYTES = 1 << 20;

    private final HttpExchange exchange;
    private final @Nullable ScheduledFuture<?> deadline;

    RequestBody(HttpExchange exchange, ScheduledExecutorService clock, Duration time) {
        this.exchange = exchange;
        Headers headers = exchange.getRequestHeaders();
        String length = headers.getFirst("Content-Length");
        boolean empty = !headers.containsKey("Transfer-Encoding") && (length == null || length.equals("0"));
        deadline = empty
                ? null
                : clock.schedule(Thread.currentThread()::interrupt, time.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Returns whether its header says that it is longer than it may be. */
    boolean isTooLong() {
        String length = exchange.getRequestHeaders().getFirst("Content-Length");
        return length != null && Long.parseLong(length) > MAX_BYTES;
    }

    /** All of it, or one byte more than it may have. */
    byte[] read() throws IOException {
        InputStream in = exchange.getRequestBody();
        byte[] bytes = in.readNBytes(MAX_BYTES + 1);
        if (bytes.length <= MAX_BYTES) {
            close();
        }
        return bytes;
    }

    /** Lets it take as long as it does. */
    @Override
    public void close() {
        if (deadline != null) {
            deadline.cancel(false);
        }
    }
}
