package dev.hyaline.explorer.live;

import com.sun.net.httpserver.Headers;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The rules that keep other pages out. A page of any site can send requests to this machine; it can neither name the
 * host as we do, nor know the secret, nor hide where it comes from.
 */
final class RequestGuard {
    static final String TOKEN_HEADER = "X-Hyaline-Token";

    /**
     * A request that is not answered.
     *
     * @param status the status of HTTP
     * @param sentence the reason
     */
    record Refusal(int status, String sentence) {}

    private final List<String> hosts;
    private final byte[] token;

    RequestGuard(int port, String token) {
        hosts = List.of("127.0.0.1:" + port, "localhost:" + port);
        this.token = token.getBytes(StandardCharsets.UTF_8);
    }

    /** The reason to refuse a request; null if there is none. */
    @Nullable
    Refusal refusal(String method, URI target, Headers headers) {
        // A name that an attacker makes point to this machine is not one of ours.
        List<String> host = headers.getOrDefault("Host", List.of());
        if (host.size() != 1 || !hosts.contains(host.getFirst())) {
            return new Refusal(421, "this server answers requests to " + hosts.getFirst() + " alone");
        }
        String path = target.getRawPath();
        if (target.isAbsolute() || target.getRawAuthority() != null || path == null || !path.startsWith("/")) {
            return new Refusal(400, "a request names a path of this server");
        }
        if (method.equals("OPTIONS")) {
            return new Refusal(403, "other sites may not ask this server for anything");
        }
        if (!isOurs(headers, "http://" + host.getFirst(), path)) {
            return new Refusal(403, "the request comes from another site");
        }
        if (path.startsWith("/api/") && !hasToken(headers)) {
            return new Refusal(401, "the request lacks the secret of the printed address");
        }
        return null;
    }

    private static boolean isOurs(Headers headers, String origin, String path) {
        for (String found : headers.getOrDefault("Origin", List.of())) {
            if (!found.equals(origin)) {
                return false;
            }
        }
        for (String site : headers.getOrDefault("Sec-Fetch-Site", List.of())) {
            // The empty page may be opened from anywhere, such as a terminal or a link.
            boolean opened = path.equals("/")
                    && "navigate".equals(headers.getFirst("Sec-Fetch-Mode"))
                    && "document".equals(headers.getFirst("Sec-Fetch-Dest"));
            if (!site.equals("same-origin") && !opened) {
                return false;
            }
        }
        return true;
    }

    private boolean hasToken(Headers headers) {
        List<String> sent = headers.getOrDefault(TOKEN_HEADER, List.of());
        // Takes as long for a token that is right in its first half as for any other.
        return sent.size() == 1 && MessageDigest.isEqual(sent.getFirst().getBytes(StandardCharsets.UTF_8), token);
    }
}
