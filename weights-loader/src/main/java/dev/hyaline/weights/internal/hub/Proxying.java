package dev.hyaline.weights.internal.hub;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.hyaline.weights.hub.HubException;
import dev.hyaline.weights.hub.HubException.Reason;
import dev.hyaline.weights.hub.HubSettings.Proxies;
import java.io.IOException;
import java.net.Authenticator;
import java.net.InetSocketAddress;
import java.net.PasswordAuthentication;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The proxies of the environment in the form that Java's HTTP client needs. */
final class Proxying {
    private static final int DEFAULT_PORT = 80;

    private final Proxies proxies;

    private Proxying(Proxies proxies) {
        this.proxies = proxies;
    }

    /** Returns the proxies; empty if the environment names none, so that Java's own settings apply. */
    static Optional<Proxying> of(Proxies proxies) {
        List<URI> named = Stream.of(proxies.http(), proxies.https())
                .flatMap(Optional::stream)
                .toList();
        for (URI proxy : named) {
            if (!"http".equalsIgnoreCase(proxy.getScheme())) {
                throw new HubException(
                        Reason.SETTING,
                        "the proxy " + proxy.getScheme() + "://" + proxy.getHost()
                                + " of the environment cannot be used: Java's HTTP client speaks to http:// proxies"
                                + " alone");
            }
        }
        return named.isEmpty() ? Optional.empty() : Optional.of(new Proxying(proxies));
    }

    ProxySelector selector() {
        return new ProxySelector() {
            @Override
            public List<Proxy> select(URI target) {
                return proxyOf(target)
                        .map(proxy -> List.of(
                                new Proxy(Proxy.Type.HTTP, new InetSocketAddress(proxy.getHost(), port(proxy)))))
                        .orElse(List.of(Proxy.NO_PROXY));
            }

            @Override
            public void connectFailed(URI target, SocketAddress proxy, IOException cause) {
                // The request itself fails, and there is no other proxy to try.
            }
        };
    }

    /**
     * Returns an authenticator that sends the user and password in a proxy's address to that proxy alone; empty if
     * there are none.
     */
    Optional<Authenticator> authenticator() {
        List<URI> known = Stream.of(proxies.https(), proxies.http())
                .flatMap(Optional::stream)
                .filter(proxy -> proxy.getRawUserInfo() != null)
                .toList();
        return known.isEmpty()
                ? Optional.empty()
                : Optional.of(new Authenticator() {
                    @Override
                    protected @Nullable PasswordAuthentication getPasswordAuthentication() {
                        return known.stream()
                                .filter(proxy -> getRequestorType() == RequestorType.PROXY
                                        && proxy.getHost().equalsIgnoreCase(getRequestingHost())
                                        && port(proxy) == getRequestingPort())
                                .findFirst()
                                .map(proxy -> credentials(proxy.getRawUserInfo()))
                                .orElse(null);
                    }
                });
    }

    private Optional<URI> proxyOf(URI target) {
        Optional<URI> proxy = "https".equalsIgnoreCase(target.getScheme()) ? proxies.https() : proxies.http();
        return proxy.filter(address -> proxies.exceptions().stream().noneMatch(except -> matches(target, except)));
    }

    /**
     * Returns whether an exception covers a target: {@code *}, a host, or a domain with or without its leading dot;
     * each optionally with a port.
     */
    private static boolean matches(URI target, String exception) {
        String host = target.getHost().toLowerCase(Locale.ROOT);
        String domain = exception.replaceFirst("^\\*?\\.", "");
        return exception.equals("*")
                || (!domain.isEmpty()
                        && Stream.of(host, host + ":" + target.getPort())
                                .anyMatch(name -> name.equals(domain) || name.endsWith("." + domain)));
    }

    private static int port(URI proxy) {
        return proxy.getPort() < 0 ? DEFAULT_PORT : proxy.getPort();
    }

    private static PasswordAuthentication credentials(String userInfo) {
        String[] parts = userInfo.split(":", 2);
        String password = parts.length == 2 ? decoded(parts[1]) : "";
        return new PasswordAuthentication(decoded(parts[0]), password.toCharArray());
    }

    private static String decoded(String text) {
        return URLDecoder.decode(text.replace("+", "%2B"), UTF_8);
    }
}
