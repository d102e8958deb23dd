package dev.hyaline.weights.internal.hub;

import dev.hyaline.weights.hub.HubException;
import dev.hyaline.weights.hub.HubException.Reason;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * A server's answer.
 *
 * @param uri that answered, after redirects
 * @param timeout how long it may be silent
 */
record Answer(URI uri, int status, HttpHeaders headers, BodyChunks body, Duration timeout) implements AutoCloseable {
    private static final int MAX_SILENCES = 4;
    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);

    Optional<String> header(String name) {
        return headers.firstValue(name);
    }

    /** A header that is a count; empty if it is absent or not a count. */
    OptionalLong count(String name) {
        return header(name).filter(text -> text.matches("\\d{1,18}")).stream()
                .mapToLong(Long::parseLong)
                .findFirst();
    }

    boolean isRedirect() {
        return REDIRECTS.contains(status) && header("Location").isPresent();
    }

    /**
     * Reads more of the body; empty at its end.
     *
     * @throws TryAgain if it does not come
     */
    List<ByteBuffer> next() throws TryAgain {
        try {
            return body.next(timeout);
        } catch (HttpTimeoutException e) {
            throw TryAgain.later(uri.getHost() + " fell silent for " + Wire.seconds(timeout), e);
        } catch (IOException e) {
            throw TryAgain.later("the connection to " + uri.getHost() + " was cut", e);
        }
    }

    /**
     * Reads the whole body, which is small.
     *
     * @param limit bytes, past which it is refused
     */
    byte[] readAll(int limit) throws TryAgain {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        long start = System.nanoTime();
        Duration most = timeout.multipliedBy(MAX_SILENCES);
        for (List<ByteBuffer> buffers = next(); !buffers.isEmpty(); buffers = next()) {
            if (System.nanoTime() - start > most.toNanos()) {
                throw TryAgain.hopeless(
                        uri.getHost() + " did not end its answer within " + Wire.seconds(most),
                        new HttpTimeoutException("a slow body"));
            }
            for (ByteBuffer buffer : buffers) {
                if (bytes.size() + buffer.remaining() > limit) {
                    throw new HubException(Reason.BROKEN_ANSWER, uri + " sends more than " + limit + " bytes");
                }
                byte[] part = new byte[buffer.remaining()];
                buffer.get(part);
                bytes.writeBytes(part);
            }
        }
        return bytes.toByteArray();
    }

    @Override
    public void close() {
        body.close();
    }
}
