package dev.hyaline.weights.internal.hub;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A response's body, read as it arrives and with a timeout: Java's own input stream of a body has no timeout. Fetches
 * no more than is read.
 */
final class BodyChunks implements BodySubscriber<BodyChunks>, AutoCloseable {
    private sealed interface Event {}

    private record Bytes(List<ByteBuffer> buffers) implements Event {}

    private record Failure(Throwable cause) implements Event {}

    private record End() implements Event {}

    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final CompletableFuture<Subscription> subscription = new CompletableFuture<>();

    @Override
    public CompletionStage<BodyChunks> getBody() {
        return CompletableFuture.completedFuture(this);
    }

    @Override
    public void onSubscribe(Subscription given) {
        if (!subscription.complete(given)) {
            given.cancel();
            return;
        }
        given.request(1);
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
        events.add(new Bytes(buffers));
    }

    @Override
    public void onError(Throwable cause) {
        events.add(new Failure(cause));
    }

    @Override
    public void onComplete() {
        events.add(new End());
    }

    /**
     * Waits for more of the body; empty at its end.
     *
     * @throws HttpTimeoutException if nothing comes within the timeout
     * @throws IOException if the connection broke
     */
    List<ByteBuffer> next(Duration timeout) throws IOException {
        try {
            return switch (events.poll(timeout.toNanos(), TimeUnit.NANOSECONDS)) {
                case null -> throw new HttpTimeoutException("silent");
                case Bytes bytes -> {
                    subscription.join().request(1);
                    yield bytes.buffers();
                }
                case Failure failure -> throw new IOException(failure.cause().getMessage(), failure.cause());
                case End end -> {
                    events.add(end);
                    yield List.of();
                }
            };
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException();
        }
    }

    /** Cancels the rest of the body. */
    @Override
    public void close() {
        Subscription given = subscription.getNow(null);
        if (given != null) {
            given.cancel();
        }
    }
}
