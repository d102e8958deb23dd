package dev.hyaline.weights.internal.hub;

import dev.hyaline.files.Printable;
import dev.hyaline.weights.hub.HubException;
import dev.hyaline.weights.hub.HubException.Reason;
import dev.hyaline.weights.hub.HubSettings;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import javax.net.ssl.SSLException;

/** A sender of requests. Redirects are followed here, so that the token goes to the hub alone. */
final class Wire implements AutoCloseable {
    private static final int MAX_REDIRECTS = 8;
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
    private static final String USER_AGENT =
            "hyaline; Java/" + Runtime.version().feature();

    private final HubSettings settings;
    private final HttpClient client;
    private boolean reached;

    Wire(HubSettings settings) {
        this.settings = settings;
        HttpClient.Builder builder = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(
                        settings.timeout().compareTo(CONNECT_TIMEOUT) < 0 ? settings.timeout() : CONNECT_TIMEOUT);
        Proxying.of(settings.proxies()).ifPresent(proxies -> {
            builder.proxy(proxies.selector());
            proxies.authenticator().ifPresent(builder::authenticator);
        });
        this.client = builder.build();
    }

    /**
     * Sends a request and follows redirects until an answer is not a redirect or satisfies {@code enough}. The caller
     * closes the answer.
     *
     * @throws TryAgain if a server cannot be reached, or does not answer in time
     */
    Answer send(String method, URI address, Map<String, String> headers, Predicate<Answer> enough) throws TryAgain {
        URI uri = address;
        for (int i = 0; i <= MAX_REDIRECTS; i++) {
            Answer answer = sendOnce(method, uri, headers);
            if (!answer.isRedirect() || enough.test(answer)) {
                return answer;
            }
            answer.close();
            uri = target(answer);
        }
        throw new HubException(Reason.BROKEN_ANSWER, address + " is redirected more than " + MAX_REDIRECTS + " times");
    }

    private Answer sendOnce(String method, URI uri, Map<String, String> headers) throws TryAgain {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri)
                .method(method, HttpRequest.BodyPublishers.noBody())
                .timeout(settings.timeout())
                .header("User-Agent", USER_AGENT)
                // A compressed body's length is not the file's.
                .header("Accept-Encoding", "identity");
        headers.forEach(request::header);
        if (settings.token() != null && isHub(uri)) {
            request.header("Authorization", "Bearer " + settings.token());
        }
        try {
            HttpResponse<BodyChunks> response = client.send(request.build(), info -> new BodyChunks());
            reached = true;
            return new Answer(uri, response.statusCode(), response.headers(), response.body(), settings.timeout());
        } catch (InterruptedException | InterruptedIOException e) {
            throw interrupted(e);
        } catch (IOException e) {
            throw failure(uri.getHost(), e);
        } catch (IllegalArgumentException e) {
            // A header holds a malformed count, such as a length beyond 64 bits.
            throw new HubException(
                    Reason.BROKEN_ANSWER,
                    uri.getHost() + " answers with headers that cannot be read (" + shown(e) + ")",
                    e);
        }
    }

    /** An exception's message, which may quote the server, without control characters. */
    private static String shown(Exception e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : Printable.plain(e.getMessage());
    }

    static HubException interrupted(Exception cause) {
        Thread.currentThread().interrupt();
        return new HubException(Reason.UNREACHABLE, "the download was interrupted", cause);
    }

    /** Returns whether the token may be sent there: scheme, host and port are the endpoint's. */
    private boolean isHub(URI uri) {
        URI hub = settings.endpoint();
        return hub.getScheme().equalsIgnoreCase(uri.getScheme())
                && hub.getHost().equalsIgnoreCase(uri.getHost())
                && port(hub) == port(uri);
    }

    private static int port(URI uri) {
        return uri.getPort() >= 0 ? uri.getPort() : "https".equalsIgnoreCase(uri.getScheme()) ? 443 : 80;
    }

    /** The target of a redirect, which must not lead from a secure connection to an insecure one. */
    static URI target(Answer answer) {
        String location = answer.header("Location").orElseThrow();
        Optional<URI> target = resolve(answer.uri(), location);
        boolean secure = "https".equalsIgnoreCase(answer.uri().getScheme());
        if (target.isEmpty()
                || target.get().getHost() == null
                || !("https".equalsIgnoreCase(target.get().getScheme())
                        || (!secure && "http".equalsIgnoreCase(target.get().getScheme())))) {
            // Not shown in full: the address of a file store contains a signature.
            throw new HubException(
                    Reason.BROKEN_ANSWER,
                    answer.uri().getHost() + " redirects to where nothing is downloaded from"
                            + target.map(uri -> " (" + uri.getScheme() + "://" + uri.getHost() + ")")
                                    .orElse(""));
        }
        return target.get();
    }

    private static Optional<URI> resolve(URI base, String location) {
        try {
            return Optional.of(base.resolve(location));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private TryAgain failure(String host, IOException e) {
        if (e instanceof SSLException) {
            return TryAgain.hopeless(
                    "no secure connection to " + host + " (" + shown(e)
                            + "; certificates that Java is to trust are set with -Djavax.net.ssl.trustStore)",
                    e);
        }
        if (e instanceof ConnectException || e instanceof java.net.http.HttpConnectTimeoutException) {
            String why = hasCause(e, UnresolvedAddressException.class)
                    ? "the name " + host + " cannot be resolved"
                    : "no connection to " + host;
            // Once a server has answered there is a network, which may come back.
            return reached ? TryAgain.later(why) : TryAgain.hopeless(why);
        }
        return e instanceof HttpTimeoutException
                ? TryAgain.later(host + " did not answer within " + seconds(settings.timeout()), e)
                : TryAgain.later("the connection to " + host + " failed (" + shown(e) + ")", e);
    }

    private static boolean hasCause(Throwable e, Class<? extends Throwable> type) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (type.isInstance(cause)) {
                return true;
            }
        }
        return false;
    }

    static String seconds(Duration duration) {
        return duration.toMillis() % 1000 == 0 ? duration.toSeconds() + " s" : duration.toMillis() + " ms";
    }

    @Override
    public void close() {
        client.shutdownNow();
    }
}
